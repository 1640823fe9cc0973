"""The live list: every new row of the store, whoever wrote it, to every browser that follows, as server-sent events.

One task asks the store twice a second whether anything was written, for all browsers together and only while there is
one. Whoever comes back with Last-Event-ID first gets what it has missed. An event's id names the store, too: numbers of
one store mean nothing in another, and a page that has rows of another one, or more than there are, is told to begin
again (`reset`)..
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edgeleuk.errors import StoreError
from edgeleuk.store import Store
from edgeleuk.web.news import MOST_MISSED, Message, Position, model_message, reset_message
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import Limits

_POLL_S = 0.5
_HEARTBEAT_S = 15.0
_END = None
PLACE = "^(?:([0-9a-f]{8})-)?([0-9]{1,18})$"


@dataclass(frozen=True)
class Place:
    """Where a browser was: the last result it was told, and of which store (None: of one that did not say)."""

    number: int
    store_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place in a Last-Event-ID. Raises ValueError."""
        found = re.fullmatch(PLACE, text)
        if found is None:
            raise ValueError("the id of an event, such as 1a2b3c4d-17")
        return cls(int(found[2]), found[1])


class Listener:
    """One browser: what it has not been sent yet. One that falls behind is disconnected, and reconnects by itself."""

    def __init__(self, client: str = "") -> None:
        self.client = client
        self.messages: asyncio.Queue[Message | None] = asyncio.Queue(2 * MOST_MISSED)
        self.dropped = False

    def offer(self, messages: Iterable[Message]) -> None:
        """Queue messages, or give up if there is no room."""
        try:
            for message in messages:
                self.messages.put_nowait(message)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Let it read no more."""
        self.dropped = True
        with suppress(asyncio.QueueFull):
            self.messages.put_nowait(_END)


class Events:
    """All browsers that follow. `served` tells which model serves. Belongs to one event loop."""

    def __init__(self, store: Store, limits: Limits, served: Callable[[], dict[str, Any]]) -> None:
        self._store, self._limits, self._served = store, limits, served
        self._listeners: set[Listener] = set()
        self._poller: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._position = Position("", 0, 0, 0)
        self._stopping = False

    def __len__(self) -> int:
        return len(self._listeners)

    def follow(self, last: Place | None, client: str = "") -> AsyncIterator[bytes]:
        """The stream for one more browser. Raises RefusalError (503) if there are too many, or at the end."""
        if self._stopping or self._full(client):
            own = sum(one.client == client for one in self._listeners)
            raise RefusalError(
                "busy",
                f"{len(self)} browsers follow the live list, {own} of them from here: the limit; close some tabs",
                retry_after_s=10,
            )
        return self._stream(Listener(client), last)

    def tell_model(self) -> None:
        """Tell everyone that another model serves."""
        for listener in list(self._listeners):
            listener.offer([model_message(self._served())])

    def stop(self) -> None:
        """End every stream; the server is being stopped."""
        self._stopping = True
        for listener in self._listeners:
            listener.end()
        if self._poller is not None:
            self._poller.cancel()

    def _full(self, client: str) -> bool:
        own = sum(one.client == client for one in self._listeners)
        return len(self) >= self._limits.listeners or own >= self._limits.listeners_per_client

    async def _stream(self, listener: Listener, last: Place | None) -> AsyncIterator[bytes]:
        """Registered here and not before: what a client never begins to read needs no tidying up."""
        if self._full(listener.client):
            return
        self._listeners.add(listener)
        try:
            await self._start()
            yield b"retry: 2000\n\n"
            yield model_message(self._served()).text
            told = 0 if last is None else last.number
            for missed in await self._missed(last):
                told = missed.number  # 0 after a reset: then all that is new is
                yield missed.text
            async for new in self._news(listener):
                if new is None:
                    yield b": still here\n\n"
                elif new.number == 0 or new.number > told:
                    yield new.text
        finally:
            self._listeners.discard(listener)

    @staticmethod
    async def _news(listener: Listener) -> AsyncIterator[Message | None]:
        """Messages as they come; None if nothing came for a while."""
        while not listener.dropped:
            try:
                message = await asyncio.wait_for(listener.messages.get(), _HEARTBEAT_S)
            except TimeoutError:
                yield None
                continue
            if message is not _END:
                yield message

    async def _missed(self, last: Place | None) -> Sequence[Message]:
        """Results since that place; that the list is to be read again if there are too many, or it is of no use."""
        if last is None:
            return []
        position = self._position
        elsewhere = last.store_id not in (None, position.store_id) or last.number > position.result
        messages = [] if elsewhere else await asyncio.to_thread(position.missed, self._store, last.number)
        return [reset_message(position)] if elsewhere or len(messages) > MOST_MISSED else messages

    async def _start(self) -> None:
        """What is stored from here on will be told."""
        async with self._starting:
            if self._poller is None or self._poller.done():
                self._position = await asyncio.to_thread(Position.of, self._store)
                self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        """Runs while anybody follows."""
        seen: object = None
        while self._listeners:
            with suppress(StoreError):  # a passing trouble; whoever writes is told of it
                version = await asyncio.to_thread(self._store.version)
                if version != seen:
                    messages, self._position = await asyncio.to_thread(self._position.news, self._store)
                    for listener in list(self._listeners):
                        listener.offer(messages)
                    seen = version
            await asyncio.sleep(_POLL_S)
