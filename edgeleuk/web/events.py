"""The live list: every new row of the store, whoever wrote it, to every browser that follows, as server-sent events.

One task asks the store twice a second whether anything was written, for all browsers together and only while there is
one. Whoever comes back with Last-Event-ID first gets what it has missed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from edgeleuk.errors import StoreError
from edgeleuk.store import Result, Store
from edgeleuk.web.problems import RefusalError

_POLL_S = 0.5
_HEARTBEAT_S = 15.0
_MOST_MISSED = 200  # that are told one by one; with more the page reads its list anew
_END = None


class Listener:
    """One browser: the rows it has not been sent yet. One that does not keep up is let go, and comes back by itself."""

    def __init__(self) -> None:
        self.rows: asyncio.Queue[Result | None] = asyncio.Queue(2 * _MOST_MISSED)
        self.dropped = False

    def offer(self, rows: list[Result]) -> None:
        """Queue rows, or give up where there is no room."""
        try:
            for row in rows:
                self.rows.put_nowait(row)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Let it read no more."""
        self.dropped = True
        with suppress(asyncio.QueueFull):
            self.rows.put_nowait(_END)


class Events:
    """All browsers that follow. `shown` makes the JSON of a result. Belongs to one event loop."""

    def __init__(self, store: Store, most: int, shown: Callable[[Result], dict[str, Any]]) -> None:
        self._store, self._most, self._shown = store, most, shown
        self._listeners: set[Listener] = set()
        self._poller: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._last_id = 0
        self._stopping = False

    def __len__(self) -> int:
        return len(self._listeners)

    def follow(self, last_event_id: int | None) -> AsyncIterator[bytes]:
        """The stream for one more browser. Raises RefusalError (503) where there are too many, or at the end."""
        if self._stopping or len(self) >= self._most:
            raise RefusalError(
                503, f"{len(self)} browsers follow the live list, which is all that may", retry_after_s=10
            )
        return self._stream(Listener(), last_event_id)

    def stop(self) -> None:
        """End every stream; the server is being stopped."""
        self._stopping = True
        for listener in self._listeners:
            listener.end()
        if self._poller is not None:
            self._poller.cancel()

    async def _stream(self, listener: Listener, last_event_id: int | None) -> AsyncIterator[bytes]:
        """Registered here and not before: what a client never begins to read needs no tidying up."""
        if len(self) >= self._most:
            return
        self._listeners.add(listener)
        try:
            await self._start()
            yield b"retry: 2000\n\n"
            last, missed = last_event_id or 0, await self._missed(last_event_id)
            if missed is None:
                yield f"id: {self._last_id}\nevent: reset\ndata: {{}}\n\n".encode()
            for row in missed or ():
                last = row.id or last
                yield self._event(row)
            async for new in self._news(listener):
                if new is None:
                    yield b": still here\n\n"
                elif (new.id or 0) > last:
                    yield self._event(new)
        finally:
            self._listeners.discard(listener)

    @staticmethod
    async def _news(listener: Listener) -> AsyncIterator[Result | None]:
        """Rows as they come; None where nothing came for a while."""
        while not listener.dropped:
            try:
                row = await asyncio.wait_for(listener.rows.get(), _HEARTBEAT_S)
            except asyncio.TimeoutError:
                yield None
                continue
            if row is not _END:
                yield row

    def _event(self, row: Result) -> bytes:
        return f"id: {row.id}\nevent: result\ndata: {json.dumps(self._shown(row), allow_nan=False)}\n\n".encode()

    async def _missed(self, last_event_id: int | None) -> list[Result] | None:
        """Rows since that one; None where there are too many to tell."""
        if last_event_id is None:
            return []
        rows = await asyncio.to_thread(self._rows_after, last_event_id)
        return rows if len(rows) <= _MOST_MISSED else None

    async def _start(self) -> None:
        """Rows that are stored from here on will be told."""
        async with self._starting:
            if self._poller is None or self._poller.done():
                self._last_id = await asyncio.to_thread(self._store.last_id)
                self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        """Runs while anybody follows."""
        seen: object = None
        while self._listeners:
            with suppress(StoreError):  # a passing trouble; whoever writes is told of it
                version = await asyncio.to_thread(self._store.version)
                if version != seen:
                    await self._tell()
                    seen = version
            await asyncio.sleep(_POLL_S)

    async def _tell(self) -> None:
        while rows := await asyncio.to_thread(self._rows_after, self._last_id):
            self._last_id = rows[-1].id or self._last_id
            for listener in list(self._listeners):
                listener.offer(rows)

    def _rows_after(self, number: int) -> list[Result]:
        return list(self._store.query(after_id=number, limit=_MOST_MISSED + 1))
