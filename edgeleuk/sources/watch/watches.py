"""Which number of inotify's belongs to which folder."""

import contextlib
from typing import Protocol


class WatchCalls(Protocol):
    """The two calls of inotify that change its watches."""

    def add(self, folder: str, follow_link: bool = False) -> int:
        """Watch a folder."""

    def remove(self, watch: int) -> None:
        """Watch it no longer."""


class Watches:
    """Numbers and folders of one inotify instance, whose numbers are never given twice."""

    def __init__(self, kernel: WatchCalls, root: str) -> None:
        self._kernel, self._root = kernel, root
        self._folders: dict[int, str] = {}
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._folders)

    def folder(self, number: int) -> str | None:
        """The folder of a number; None if it is watched no longer."""
        return self._folders.get(number)

    def add(self, folder: str) -> None:
        """Watch a folder. Raises OSError as Inotify.add."""
        number = self._number(folder)
        if self._numbers.get(folder) != number:
            self.forget(number)  # the same folder by its old name
            self._forget_folder(folder)
            self._folders[number], self._numbers[folder] = folder, number

    def forget(self, number: int) -> None:
        """The kernel watches this no longer, or by another name."""
        folder = self._folders.pop(number, None)
        if folder is not None and self._numbers.get(folder) == number:
            del self._numbers[folder]

    def remove_tree(self, top: str) -> None:
        """Stop watching a folder and all below it."""
        below = f"{top}/"
        for folder in [name for name in self._numbers if name == top or name.startswith(below)]:
            self._forget_folder(folder)

    def hidden(self) -> list[str]:
        """Folders whose name leads to another folder than the one watched, as something was mounted there."""
        found = []
        for folder, number in list(self._numbers.items()):
            with contextlib.suppress(OSError):
                if self._number(folder) != number:
                    found.append(folder)
        return found

    def _number(self, folder: str) -> int:
        return self._kernel.add(folder, follow_link=folder == self._root)  # only the root was named by the user

    def _forget_folder(self, folder: str) -> None:
        number = self._numbers.pop(folder, None)
        if number is not None:
            self._folders.pop(number, None)
            self._kernel.remove(number)
