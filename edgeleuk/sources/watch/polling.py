"""Follow a folder by walking through it again and again, idle for one part in two hundred of the time.

Between passes it glances at the folders' own times, which tell of new names: a new image need not wait for a rest to
end that ten thousand old ones call for. A file that is rewritten in place is found by the next pass.
"""

import os
import time
from collections.abc import Callable, Iterator
from itertools import islice

from edgeleuk.sources.watch.feed import Notices, unreadable
from edgeleuk.sources.watch.intake import BATCH, Intake
from edgeleuk.sources.watch.tree import walk_images

LONGEST_S = 60.0
_SHORTEST_S = 0.1
_REST = 200  # seconds of rest for each second of computing that a pass took
_REST_OF_WAITING = 20  # and for each second that it took at all: a server has others to serve
_HASTE = 0.05  # of that rest while images are coming
_MOST_GLANCES = 256  # folders whose times are looked at between passes


class PollingFeed:
    """Every file found after the first pass rests under our own eyes: a server's clock need not agree with ours."""

    def __init__(
        self, root: str, intake: Intake, notices: Notices, interval_s: float, check: Callable[[], None]
    ) -> None:
        """`check` is called before each pass, and raises FolderGone if the root is another folder now."""
        self._root, self._intake, self._notices, self._check = root, intake, notices, check
        self._interval_s = max(interval_s, _SHORTEST_S)
        self._walk: Iterator[str] | None = None
        self._first_pass = True
        self._computing_s = self._elapsed_s = self._next_pass = self._next_glance = 0.0
        self._news_before = intake.news
        self._folder_times: dict[str, int] = {}

    def pull(self) -> None:
        """Walk on, or begin the next pass when it is time. Raises FolderGone."""
        if self._walk is None and time.monotonic() < self._next_pass and not self._glance():
            return
        computing, elapsed = time.thread_time(), time.monotonic()
        self._walk_on(self._walk or self._new_walk())
        self._computing_s += time.thread_time() - computing
        self._elapsed_s += time.monotonic() - elapsed
        if self._walk is None:
            self._end_pass()

    def has_more(self) -> bool:
        """Whether a pass is under way that the intake does not hold up."""
        return self._walk is not None and self._intake.hungry

    def wait(self, seconds: float) -> None:
        """Sleep, at most until the next pass or glance."""
        if self._walk is None:
            seconds = min(seconds, min(self._next_pass, self._next_glance) - time.monotonic())
        time.sleep(max(0.0, seconds))

    def close(self) -> None:
        """Nothing was lent."""

    def enter(self, folder: str) -> bool:
        """Every folder is listed, and its time noted before."""
        if len(self._folder_times) < _MOST_GLANCES:
            self._folder_times[folder] = _time_ns(folder)
        return True

    def unreadable(self, folder: str, error: OSError) -> None:
        """Go on without a subfolder. Raises FolderGone for the folder itself."""
        unreadable(folder, error, self._root, self._notices)

    def _new_walk(self) -> Iterator[str]:
        self._check()
        self._folder_times.clear()
        return walk_images(self._root, self, self._notices)

    def _walk_on(self, walk: Iterator[str]) -> None:
        self._walk = walk
        while self._intake.hungry:
            paths = list(islice(walk, BATCH))
            for path in paths:
                self._intake.found(path, trust_age=self._first_pass)
            if len(paths) < BATCH:
                self._walk = None
                return

    def _glance(self) -> bool:
        """Whether a folder's time has changed, looked at once in an interval."""
        if time.monotonic() < self._next_glance:
            return False
        self._next_glance = time.monotonic() + self._interval_s
        return any(_time_ns(folder) != time_ns for folder, time_ns in self._folder_times.items())

    def _end_pass(self) -> None:
        news = self._intake.news != self._news_before
        cost = (self._computing_s, self._elapsed_s, self._interval_s)
        now = time.monotonic()
        self._next_pass, self._next_glance = now + rest_s(*cost, news), now + rest_s(*cost, news=True)
        self._news_before = self._intake.news
        self._computing_s = self._elapsed_s = 0.0
        self._first_pass = False
        self._intake.forget_vanished()


def rest_s(computing_s: float, elapsed_s: float, interval_s: float, news: bool) -> float:
    """Seconds between two passes, from what the last one took: at least the interval, at most a minute."""
    wanted_s = max(_REST * computing_s, _REST_OF_WAITING * elapsed_s) * (_HASTE if news else 1.0)
    return min(max(wanted_s, interval_s), LONGEST_S)


def _time_ns(folder: str) -> int:
    """When names in a folder last changed; -1 if it is gone."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - a string, as everywhere here
    except OSError:
        return -1
