"""What a way of following a folder has to do, and how it says that it cannot go on."""

from typing import Protocol

from edgeleuk.sources.watch.notices import Notices


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


def unreadable(folder: str, error: OSError, root: str, notices: Notices) -> None:
    """Say that a folder cannot be listed. Raises FolderGone if it is the root of all."""
    if folder == root:
        raise FolderGone(f"cannot be read ({error.strerror})") from error
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        notices.once(folder, f"left out: cannot be listed ({error.strerror})")
