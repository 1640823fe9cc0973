"""The interpreters of one model: one for all threads, or several, so that as many inferences run at once."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeleuk.errors import EdgeleukError

_STATM, _DATA = Path("/proc/self/statm"), 5  # which word of it: pages that this process alone can write to


class Slot:
    """An interpreter, and the lock that whoever runs it holds, perhaps since before."""

    def __init__(self, interpreter: Any) -> None:
        self.interpreter, self.lock = interpreter, threading.RLock()


class Interpreters:
    """Each thread keeps to one of them, whose weights then stay in the cache of that core. Thread-safe.

    They read the same file in memory, but each holds its weights as its kernels want them, and an arena.
    """

    def __init__(self, open_one: Callable[[], Any], least_bytes: int = 0) -> None:
        """Open the first. Raises what `open_one` raises. Each takes at least so much: a heap may have had room."""
        before = _data_bytes()
        self._open_one = open_one
        self._slots = [Slot(open_one())]
        self.cost_bytes = max(least_bytes, _data_bytes() - before)
        self._most = 1
        self._affords: Callable[[int], bool] = lambda size: True
        self._threads, self._own, self._lock = 0, threading.local(), threading.Lock()

    @property
    def first(self) -> Any:
        """The interpreter that is there in any case."""
        return self._slots[0].interpreter

    def allow(self, most: int, affords: Callable[[int], bool]) -> None:
        """Up to `most` from now on, each opened once a thread needs it, if `affords` says yes to its bytes."""
        self._most, self._affords = most, affords

    def own(self) -> Slot:
        """This thread's; others may share it."""
        slot: Slot | None = getattr(self._own, "slot", None)
        if slot is None:
            with self._lock:
                slot = self._own.slot = self._assigned()
        return slot

    def _assigned(self) -> Slot:
        if self._threads >= len(self._slots) and len(self._slots) < self._most:
            self._open_another()
        self._threads += 1
        return self._slots[(self._threads - 1) % len(self._slots)]

    def _open_another(self) -> None:
        """Nobody asks for more if there is no memory for another one."""
        try:
            if self._affords(self.cost_bytes):
                self._slots.append(Slot(self._open_one()))
                return
        except (EdgeleukError, MemoryError):
            pass
        self._most = len(self._slots)


def _data_bytes() -> int:
    """How much memory this process has for itself, whether it was touched yet or not."""
    return int(_STATM.read_text().split()[_DATA]) * os.sysconf("SC_PAGE_SIZE")
