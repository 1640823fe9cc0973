"""Clients that do not wait as Retry-After tells them: their next refusal is held back until they were to come again.

Each request that is refused costs the core a part of an inference, as its body has to be read and thrown away. A
client that tries again at once would take that from those that are let in; held back, it costs no more than others.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

_LONGEST_S = 5.0  # that a refusal is held back, whatever was told
_UNDER_WAY_S = 0.05  # what comes that soon after a refusal was sent before it was read, over another connection
_MOST_CLIENTS = 1024  # remembered at once
_NEVER = (-math.inf, -math.inf)


class Patience:
    """Remembers which clients were told to wait. Belongs to one event loop."""

    def __init__(
        self,
        most: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """At most `most` refusals are held back at once; others are answered at once. Both functions take seconds."""
        self._most, self._clock, self._sleep = most, clock, sleep
        self._told: OrderedDict[str, tuple[float, float]] = OrderedDict()  # when, and when to come again
        self.held = 0

    async def before_refusal(self, client: str, wait_s: float) -> None:
        """Wait until the client was to come again if it came sooner; then it is told to wait for `wait_s`."""
        (told, again), now = self._told.get(client, _NEVER), self._clock()
        if now - told < _UNDER_WAY_S:
            return
        if now < again and self.held < self._most:
            self.held += 1
            try:
                await self._sleep(again - now)
            finally:
                self.held -= 1
        self._note(client, max(again, self._clock()), wait_s)

    def _note(self, client: str, told: float, wait_s: float) -> None:
        if told - self._told.get(client, _NEVER)[0] < _UNDER_WAY_S:
            return  # several were held back together
        self._told[client] = (told, told + min(wait_s, _LONGEST_S))
        self._told.move_to_end(client)
        while len(self._told) > _MOST_CLIENTS:
            self._told.popitem(last=False)
