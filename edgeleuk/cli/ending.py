"""Signals that ask a command to end are handled like Ctrl-C, so that it can keep partial results."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ASKING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[list[int]]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt in the body; the list holds what came. What is ignored stays so."""
    seen: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _ASKING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
