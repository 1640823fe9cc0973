"""The kernel's inotify(7): one instance, and which of its numbers belongs to which folder."""

import contextlib
import errno
import os

from inotify_simple import Event, INotify, flags, parse_events

__all__ = ["Event", "Inotify", "Watches", "flags"]

FOLLOWED = (
    flags.CLOSE_WRITE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.CREATE
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONLYDIR
    | flags.EXCL_UNLINK
)
_BUFFER_BYTES = 1 << 16  # some thousand events, of the megabytes that may wait; one event is at most 16 + 256 bytes


class Inotify(INotify):  # type: ignore[misc]  # it comes without types
    """One inotify instance. Raises OSError: ENOSYS if there is no inotify, EMFILE if too many are open."""

    def __init__(self) -> None:
        try:
            super().__init__(nonblocking=True)
        except AttributeError as error:  # another system, a static Python
            raise OSError(errno.ENOSYS, "no inotify in the C library") from error

    def add(self, folder: str, follow_link: bool = False) -> int:
        """Watch a folder; its number, the same one if it is watched already, by whatever name.

        Raises OSError: ENOSPC at the limit of watches, ENOTDIR or ELOOP if it is not a folder or a link.
        """
        number: int = self.add_watch(folder, FOLLOWED if follow_link else FOLLOWED | flags.DONT_FOLLOW)
        return number

    def remove(self, watch: int) -> None:
        """Stop watching; nothing happens if the kernel had done so."""
        with contextlib.suppress(OSError):
            self.rm_watch(watch)

    def events(self) -> list[Event]:
        """The events that are there now, as many as one read takes; none is an empty list."""
        try:
            found: list[Event] = parse_events(os.read(self.fileno(), _BUFFER_BYTES))
        except BlockingIOError:
            return []
        return found


class Watches:
    """Numbers and folders of one inotify instance, whose numbers are never given twice."""

    def __init__(self, kernel: Inotify, root: str) -> None:
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
