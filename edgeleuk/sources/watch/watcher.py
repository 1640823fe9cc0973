"""Images as they appear in a folder: written, renamed into it, or there already."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from edgeleuk.errors import UsageError
from edgeleuk.sources.watch.event_feed import EventFeed, remote_file_system
from edgeleuk.sources.watch.feed import CannotFollow, Feed, FolderGone, Notices
from edgeleuk.sources.watch.inotify import Inotify
from edgeleuk.sources.watch.intake import Intake
from edgeleuk.sources.watch.polling import PollingFeed

_CHECK_S = 2.0  # between looks at the folder itself: inotify is silent when a folder above it is renamed
_FIRST_RETRY_S, _LAST_RETRY_S = 0.25, 4.0
_LONGEST_POLL_S = 1.0  # between passes of polling, unless a pass is costly


class FolderWatch:
    """Follows a folder and its subfolders; `poll` gives the images that are whole and were not given as they are.

    Those that are there at the start come first, in order. An image is a regular file with an image's suffix; neither
    its name nor that of a folder between begins with ".". Symbolic links are never followed (`folder` may be one). What
    is left out is reported once. A folder that goes away is reported, waited for, and followed again when it is back.

    For one thread at a time. A file may come again after many others, so content already seen is the caller's to know.
    """

    def __init__(
        self,
        folder: Path,
        *,
        polling: bool | None = None,
        settle_s: float = 1.0,
        report: Callable[[str], None],
        open_kernel: Callable[[], Inotify] = Inotify,
    ) -> None:
        """Follow `folder` with inotify; by polling if `polling`, or if that is None and inotify cannot serve.

        A file found and not announced by the kernel is whole when it has been unchanged for `settle_s` seconds. Raises
        UsageError if folder is not a folder that can be read, or, with polling=False, if inotify cannot be used.
        """
        self._root, self._may_poll, self._settle_s = os.fspath(folder), polling, settle_s
        self._notices, self._open_kernel = Notices(report), open_kernel
        self._intake = Intake(settle_s, self._notices)
        self._next_check = self._retry_s = 0.0
        self._check_usable()
        self._identity = self._look()
        self._feed: Feed | None = self._open_feed()

    def __enter__(self) -> "FolderWatch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def way(self) -> str:
        """How the folder is followed now: "inotify", "polling", or "waiting" for a folder that went away."""
        if self._feed is None:
            return "waiting"
        return "inotify" if isinstance(self._feed, EventFeed) else "polling"

    def poll(self, timeout_s: float) -> list[Path]:
        """The next images, at most 256, as soon as there are any; none when the time is over.

        Raises UsageError if inotify comes to its limits and polling is not wanted.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self._pull()
            if self._feed is not None and (batch := self._intake.take()):
                return batch
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                return []
            self._wait(remaining_s)

    def retry_later(self, path: Path, passing: bool = False) -> bool:
        """Reading an image failed: give it again when it changed, or once more when it was unchanged for settle_s.

        If the reason is `passing`, no fault of the file, it comes again as often as it takes, each minute. False
        if that was its second chance, or it is no longer there: now only a change brings it again.
        """
        return self._feed is not None and self._intake.again(self._own_name(path), passing)

    def close(self) -> None:
        """Stop following. May be called again."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def _pull(self) -> None:
        try:
            if time.monotonic() >= self._next_check:
                self._check_folder()
            if self._feed is not None:
                self._feed.pull()
        except FolderGone as gone:
            self._lose(gone)
        except CannotFollow as limit:
            self._replace_feed(self._polling_instead(limit))

    def _wait(self, seconds: float) -> None:
        until_check_s = max(0.0, self._next_check - time.monotonic())
        if self._feed is None:
            time.sleep(min(seconds, until_check_s))
        elif not self._feed.has_more():
            due_in_s = self._intake.due_in_s()
            self._feed.wait(min(seconds, until_check_s, seconds if due_in_s is None else due_in_s))

    def _check_folder(self) -> None:
        """See whether the folder is still the one that is followed, or is back. Raises FolderGone."""
        if self._feed is None:
            self._try_to_return()
            return
        self._next_check = time.monotonic() + _CHECK_S
        self._check_same()

    def _check_same(self) -> None:
        """Raise FolderGone if the folder is not the one that is followed."""
        if self._look() != self._identity:
            raise FolderGone("is another folder now")

    def _lose(self, gone: FolderGone) -> None:
        self.close()
        self._intake.start_anew()
        self._notices.tell(self._root, f"{gone}; waiting for it")
        self._retry_s, self._next_check = _FIRST_RETRY_S, 0.0

    def _try_to_return(self) -> None:
        self._next_check = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)
        try:
            self._identity = self._look()
            os.scandir(self._root).close()
        except (FolderGone, OSError):
            return
        self._feed = self._open_feed()
        self._notices.tell(self._root, "followed again")

    def _look(self) -> tuple[int, int]:
        """Device and inode of the folder. Raises FolderGone if there is none."""
        try:
            found = os.stat(self._root)  # noqa: PTH116 - a string, as everywhere here
        except OSError as error:
            raise FolderGone(f"is gone ({error.strerror})") from error
        if not stat.S_ISDIR(found.st_mode):
            raise FolderGone("is not a folder any more")
        return found.st_dev, found.st_ino

    def _open_feed(self) -> Feed:
        if self._may_poll:
            return self._polling_feed()
        kind = None if self._may_poll is False else remote_file_system(self._root)
        if kind is not None:
            self._notices.tell(self._root, f"on {kind}, where inotify does not see what others write; polling instead")
            return self._polling_feed()
        try:
            return EventFeed(self._root, self._intake, self._notices, self._open_kernel)
        except CannotFollow as limit:
            return self._polling_instead(limit)

    def _polling_instead(self, limit: CannotFollow) -> Feed:
        if self._may_poll is False:
            raise UsageError(f"{self._root}: {limit}") from limit
        self._notices.tell(self._root, f"{limit}; polling instead")
        return self._polling_feed()

    def _polling_feed(self) -> Feed:
        interval_s = min(self._settle_s, _LONGEST_POLL_S)
        return PollingFeed(self._root, self._intake, self._notices, interval_s, self._check_same)

    def _replace_feed(self, feed: Feed) -> None:
        self.close()
        self._feed = feed

    def _own_name(self, path: Path) -> str:
        """The path as it is written here: Path drops the "./" of images in the current folder."""
        return os.path.join(self._root, path) if self._root == "." else os.fspath(path)  # noqa: PTH118

    def _check_usable(self) -> None:
        """Raise UsageError if the folder cannot be listed now: a typing error should not wait forever."""
        try:
            os.scandir(self._root).close()
        except OSError as error:
            raise UsageError(f"cannot watch {self._root}: {error.strerror}; expected a folder of images") from error
