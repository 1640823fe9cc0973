"""What a way of following a folder has to do, how it says that it cannot go on, and what it has to say meanwhile."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from edgeleuk.text import printable

_AT_MOST = 50  # notices of one kind; a folder of ten thousand links must not fill the journal


class Feed(Protocol):
    """Follows a folder and brings what it finds to an Intake."""

    def pull(self) -> None:
        """Bring what there is now, as much as the intake takes. Raises FolderGone, CannotFollow."""

    def has_more(self) -> bool:
        """Whether another pull at once would bring more."""

    def wait(self, seconds: float) -> None:
        """Return when something may have happened, at the latest after so many seconds."""

    def close(self) -> None:
        """Give back what the system lent."""


class FolderGone(Exception):  # noqa: N818 - no error: sticks are pulled out
    """The folder that was followed is no longer there, or is another one now."""


class CannotFollow(Exception):  # noqa: N818 - nor this: there is another way
    """This way of following is at an end: what stands against it, and how to mend that."""


class Notices:
    """Sends lines to `report`, each about a path and a fact only once."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._told = set[tuple[str, str]]()
        self._counts: Counter[str] = Counter()

    def tell(self, path: str, what: str) -> None:
        """Report "path: what"."""
        self._report(f"{printable(path)}: {what}")

    def once(self, path: str, what: str) -> None:
        """Report "path: what" unless that was done, or fifty others were told the same."""
        if self._counts[what] >= _AT_MOST or (path, what) in self._told:
            return
        self._told.add((path, what))
        self._counts[what] += 1
        self.tell(path, what if self._counts[what] < _AT_MOST else f"{what} (further ones are not reported)")


def unreadable(folder: str, error: OSError, root: str, notices: Notices) -> None:
    """Say that a folder cannot be listed. Raises FolderGone if it is the root of all."""
    if folder == root:
        raise FolderGone(f"cannot be read ({error.strerror})") from error
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        notices.once(folder, f"left out: cannot be listed ({error.strerror})")
