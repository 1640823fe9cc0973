"""Progress of a long task, on one line of a terminal that is overwritten; nothing in pipes and logs."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, TypeVar

_EVERY_S = 0.2
_SOON_S = 3.0  # before that the time left is a guess
_CLEAR = "\r\x1b[K"
Item = TypeVar("Item")


class Counter:
    """Counts up to `total`, which may be unknown, on standard error or `stream`, if that is a terminal."""

    def __init__(
        self,
        unit: str,
        total: int | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self._unit, self._clock = unit, clock
        self._stream = sys.stderr if stream is None else stream
        self._started = self._told = clock()
        self._shown = False
        self.on = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def at(self, done: int, total: int | None = None) -> None:
        """Show how many are done, at most five times a second; the last one clears the line."""
        self.total = self.total if total is None else total
        if done == self.total:
            self.close()
        elif self.on and self._clock() - self._told >= _EVERY_S:
            self._told = self._clock()
            self._stream.write(f"{_CLEAR}{self._text(done)}")
            self._stream.flush()
            self._shown = True

    def close(self) -> None:
        """Clear the line, so that another can be printed in its place."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._shown = False

    def _text(self, done: int) -> str:
        elapsed = self._clock() - self._started
        if self.total is None:
            return f"{done:,} {self._unit}"
        left = ""
        if done and elapsed >= _SOON_S:
            left = f", {duration(elapsed / done * (self.total - done))} left"
        return f"{done:,} of {self.total:,} {self._unit}{left}"


def counted(items: Iterable[Item], unit: str, total: int | None = None) -> Iterator[Item]:
    """The items, counted on a terminal while they are taken."""
    counter = Counter(unit, total)
    try:
        for number, item in enumerate(items, 1):
            yield item
            counter.at(number)
    finally:
        counter.close()


def duration(seconds: float) -> str:
    """As 45 s, 3:20 min or 2:05 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole // 60 % 60:02} h"
