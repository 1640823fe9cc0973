"""Which uploads are let in: limits on those that wait for an answer, those being read, and their memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import Limits

_PROMPT_S = 1.0  # a body that takes longer to come in holds no place in the queue while it does


@dataclass(eq=False)
class Ticket:
    """One upload that was let in: whose, since when (s), how much memory it may take, whether it has been read."""

    client: str
    started_s: float
    reserved_bytes: int
    read: bool = False


class Admission:
    """Refuses before a body is read if it could not be answered soon. Belongs to one event loop.

    Uploads that wait for their answer and those that are just coming in share `queue` places, so that few bodies are
    read in vain; slow ones do not count, so that they do not block others.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._tickets: set[Ticket] = set()

    @property
    def waiting(self) -> int:
        """Uploads that were read and wait for their answer, the one that is classified included."""
        return sum(ticket.read for ticket in self._tickets)

    @property
    def reading(self) -> int:
        """Uploads that are coming in."""
        return len(self._tickets) - self.waiting

    @contextmanager
    def ticket(self, client: str, declared_bytes: int | None) -> Iterator[Ticket]:
        """Let an upload in for as long as the body runs. Raises RefusalError (503) if there is no room."""
        limits, now = self._limits, self._clock()
        size = limits.max_upload_bytes if declared_bytes is None else declared_bytes
        prompt = sum(ticket.read or now - ticket.started_s < _PROMPT_S for ticket in self._tickets)
        if prompt >= limits.queue:
            raise self._busy(f"{limits.queue} images wait for their answer, which is the limit")
        if self.reading >= 2 * limits.queue or self._reading_of(client) >= limits.queue:
            raise self._busy(f"{self.reading} images are being received")
        if sum(ticket.reserved_bytes for ticket in self._tickets) + size > memory_bytes(limits):
            raise self._busy("the images being received take all memory set aside for them")
        made = Ticket(client, now, size)
        self._tickets.add(made)
        try:
            yield made
        finally:
            self._tickets.remove(made)

    def _reading_of(self, client: str) -> int:
        return sum(not ticket.read and ticket.client == client for ticket in self._tickets)

    @staticmethod
    def _busy(reason: str) -> RefusalError:
        return RefusalError("busy", f"busy: {reason}; try again in a second", retry_after_s=1)


def memory_bytes(limits: Limits) -> int:
    """What the bodies of all uploads together may take: at least one of the greatest size."""
    return 3 * limits.max_upload_bytes
