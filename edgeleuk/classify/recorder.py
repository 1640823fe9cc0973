"""Rows into the store, several to a transaction: a row goes on only once its result is on the disk."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from edgeleuk.classify.rows import Row
from edgeleuk.errors import StoreError
from edgeleuk.store import Result
from edgeleuk.store.record import make_failure, stored_path

if TYPE_CHECKING:
    from edgeleuk.store import Store

_AT_MOST = 64
_EVERY_S = 0.25  # a commit waits for the disk, on an SD card for many milliseconds
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0

Value = TypeVar("Value")
Attempt = Callable[[Callable[[], Value]], Value]


def recorded(
    rows: Iterable[Row | None],
    store: "Store",
    source: str,
    attempt: "Attempt[None]" = lambda action: action(),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Row | None]:
    """Yield the rows once they are stored, with the id they have there; None as it comes, with nothing left to store.

    `attempt` calls the function that stores, and may call it again. Raises StoreError as the store does.
    """
    pending: list[Row] = []
    since = 0.0
    for row in rows:
        if row is not None:
            since = since if pending else clock()
            pending.append(row)
        if pending and (row is None or len(pending) >= _AT_MOST or clock() - since >= _EVERY_S):
            yield from _stored(pending, store, source, attempt)
            pending = []
        if row is None:
            yield None
    if pending:
        yield from _stored(pending, store, source, attempt)


def _stored(rows: Sequence[Row], store: "Store", source: str, attempt: "Attempt[None]") -> list[Row]:
    results = [row.result for row in rows if row.result is not None]
    failures = [
        make_failure(stored_path(row.image, source), row.error, row.sha256, source)
        for row in rows
        if row.error is not None and not row.passing
    ]
    # What a row says may be of another file with the same content: this one's name is kept beside it.
    names = [(row.sha256, stored_path(row.image, source), source) for row in rows if row.known and row.sha256]
    kept: list[Result] = []

    def write() -> None:
        if results:
            kept[:] = store.add(results, names)
        if failures:
            store.add_failures(failures)

    attempt(write)
    found = iter(kept)
    return [row if row.result is None else replace(row, result=next(found)) for row in rows]


class BackOff:
    """Calls again what failed for a passing reason: a full disk, a locked or read-only store. Says so once."""

    def __init__(
        self,
        report: Callable[[str], None],
        stopping: Callable[[], bool],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`wait` takes seconds; it is called about once a second, so that `stopping` is asked that often."""
        self._report, self._stopping, self._wait = report, stopping, wait

    def __call__(self, action: Callable[[], None]) -> None:
        """Call action until it succeeds. Raises its StoreError if that will not pass, or when stopping."""
        pause_s = _FIRST_WAIT_S
        told = False
        while True:
            try:
                action()
            except StoreError as error:
                if not error.passing or self._stopping():
                    raise
                if not told:
                    self._report(f"{error}; retrying until it works, nothing is lost")
                    told = True
                self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_WAIT_S)
                continue
            if told:
                self._report("the store works again")
            return

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self._stopping():
            self._wait(min(1.0, seconds))
            seconds -= 1.0
