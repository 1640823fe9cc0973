"""Which uploads are let in: limits on those that wait for an answer, those being read, and their memory."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import Limits

_PROMPT_S = 1.0  # a body that takes longer to come in, and than an answer, holds no place in the queue while it does
_LONGEST_RETRY_S = 5.0  # what is told to wait at most
_MOST_CLIENTS = 1024  # whose coming again is reckoned with
_WEIGHT = 0.25  # of the last answer in the mean of how long answers take


@dataclass(eq=False)
class Ticket:
    """One upload that was let in: whose, since when (s), how much memory it may take, when it had been read."""

    client: str
    started_s: float
    reserved_bytes: int
    read_s: float | None = None

    @property
    def read(self) -> bool:
        """Whether it has come in and waits for its answer."""
        return self.read_s is not None


class Admission:
    """Refuses before a body is read if it could not be answered soon. Belongs to one event loop.

    Uploads that wait for their answer and those that are just coming in share `queue` places, so that few bodies are
    read in vain; slow ones do not count, so that they do not block others. Who finds the queue full is told to come
    back once those in it are answered, and so many as the other clients that were told so, as far as the last answers
    tell: a crowd that came back all at once would be refused again but for `queue` of it.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._tickets: set[Ticket] = set()
        self._answer_s = 0.0  # from the last byte in to the answer, a moving mean
        self._told: OrderedDict[str, float] = OrderedDict()  # clients that are to come again, and when

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
        prompt_s = min(max(_PROMPT_S, self._answer_s), _LONGEST_RETRY_S)
        prompt = sum(ticket.read or now - ticket.started_s < prompt_s for ticket in self._tickets)
        if prompt >= limits.queue:
            wait_s = self._turn_s(client, now)
            raise self._busy(f"{limits.queue} images wait for their answer, which is the limit", wait_s)
        if self.reading >= 2 * limits.queue or self._reading_of(client) >= limits.queue:
            raise self._busy(f"{self.reading} images are being received", self._turn_s(client, now))
        if sum(ticket.reserved_bytes for ticket in self._tickets) + size > memory_bytes(limits):
            raise self._busy("the images being received take all memory set aside for them")
        self._told.pop(client, None)
        made = Ticket(client, now, size)
        self._tickets.add(made)
        try:
            yield made
        finally:
            self._tickets.remove(made)
            if made.read_s is not None:
                self._answer_s += _WEIGHT * (self._clock() - made.read_s - self._answer_s)

    def arrived(self, ticket: Ticket) -> None:
        """The upload is in; its answer is waited for from now on."""
        ticket.read_s = self._clock()

    def _turn_s(self, client: str, now: float) -> float:
        """When a client that finds the queue full is to come again, in seconds from now; noted."""
        told, queue = self._told, self._limits.queue
        told.pop(client, None)
        while told and (next(iter(told.values())) <= now or len(told) >= _MOST_CLIENTS):
            told.popitem(last=False)
        waited_s = max((now - ticket.read_s for ticket in self._tickets if ticket.read_s is not None), default=0.0)
        queue_s = max(self._answer_s, waited_s)  # where answers begin to take longer, the last ones do not tell yet
        wait_s = min(max(1, math.ceil(queue_s * (queue + len(told)) / queue)), _LONGEST_RETRY_S)
        told[client] = now + wait_s
        return wait_s

    def _reading_of(self, client: str) -> int:
        return sum(not ticket.read and ticket.client == client for ticket in self._tickets)

    @staticmethod
    def _busy(reason: str, wait_s: float = 1.0) -> RefusalError:
        when = "a second" if wait_s == 1 else f"{wait_s:g} s"
        return RefusalError("busy", f"busy: {reason}; try again in {when}", retry_after_s=wait_s)


def memory_bytes(limits: Limits) -> int:
    """What the bodies of all uploads together may take: at least one of the greatest size."""
    return 3 * limits.max_upload_bytes
