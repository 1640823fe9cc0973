"""Files that may still be written: each waits until it looks the same twice, some time apart."""

import heapq
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Signature(NamedTuple):
    """What tells a changed file from an unchanged one: size in bytes, time of the last write in ns, inode."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Signature":
        """The signature within a result of lstat."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


@dataclass
class _Waiting:
    signature: Signature
    due: float
    patience_s: float
    again: bool


class Settling:
    """Paths with their signatures, looked at again when `patience_s` have passed by a clock that is never set.

    Files' own times are compared with each other only: neither a clock set back nor a time in the future keeps a
    file waiting.
    """

    def __init__(
        self, look: Callable[[str], Signature | None], limit: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._limit, self._clock = look, limit, clock
        self._waiting: dict[str, _Waiting] = {}
        self._queue: list[tuple[float, str]] = []  # a heap; holds entries that are out of date, too

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, path: str) -> bool:
        return path in self._waiting

    @property
    def full(self) -> bool:
        """Whether the limit is reached."""
        return len(self._waiting) >= self._limit

    def add(self, path: str, signature: Signature, patience_s: float, again: bool = False) -> None:
        """Let a file wait from now on; one that waits already goes on as it does unless it is to be offered again."""
        if path in self._waiting and not again:
            return
        self._push(path, _Waiting(signature, self._clock() + patience_s, patience_s, again))

    def discard(self, path: str) -> None:
        """Let a file wait no longer."""
        self._waiting.pop(path, None)

    def clear(self) -> None:
        """Let nothing wait."""
        self._waiting.clear()
        self._queue.clear()

    def due_in_s(self) -> float | None:
        """Seconds until a file has to be looked at; None if none waits."""
        self._drop_outdated()
        return max(0.0, self._queue[0][0] - self._clock()) if self._queue else None

    def settled(self) -> Iterator[tuple[str, bool]]:
        """Take out the files that have not changed, each with whether it is offered again though it is the same."""
        while self.due_in_s() == 0.0:
            path = heapq.heappop(self._queue)[1]
            waiting = self._waiting.pop(path)
            signature = self._look(path)
            if signature is None:
                continue
            if signature == waiting.signature:
                yield path, waiting.again
            else:
                due = self._clock() + waiting.patience_s
                self._push(path, _Waiting(signature, due, waiting.patience_s, again=False))

    def _push(self, path: str, waiting: _Waiting) -> None:
        self._waiting[path] = waiting
        heapq.heappush(self._queue, (waiting.due, path))
        if len(self._queue) > 2 * len(self._waiting) + 64:
            self._queue = [(entry.due, path) for path, entry in self._waiting.items()]
            heapq.heapify(self._queue)

    def _drop_outdated(self) -> None:
        while self._queue:
            due, path = self._queue[0]
            if path in self._waiting and self._waiting[path].due == due:
                return
            heapq.heappop(self._queue)
