"""uvicorn's HTTP protocol with the patience bounded that it has without end (seen in uvicorn 0.54).

It waits for ever for the headers of a request, lets any number of connections in, keeps an answer for ever that nobody
reads, and closes with a reset when it has answered before the request's body was read, so that the client never sees
why it was refused.
"""

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgeleuk.web.proxies import TrustedProxies
from edgeleuk.web.rates import client_key
from edgeleuk.web.settings import Limits

_RECEIVE_BYTES = 65536  # at once; asyncio's 256 KiB add up with many clients, for they are buffered more than once
_FULL_TEXT = b'{"error": "too many connections; try again in a second"}\n'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_FULL_TEXT), _FULL_TEXT)
)


def guarded_protocol(bounds: Limits, proxies: TrustedProxies) -> type[asyncio.Protocol]:
    """The protocol class to give to uvicorn. A trusted proxy may have all connections: it stands for many clients."""

    class Guarded(GuardedProtocol):
        limits, trusted = bounds, proxies

    return Guarded


class GuardedProtocol(H11Protocol):
    """One connection. `limits` and `trusted` are of the class that `guarded_protocol` makes."""

    limits = Limits()
    trusted = TrustedProxies()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.client_key = ""
        self._closing = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or send it away if there are too many."""
        raw = cast(asyncio.Transport, transport)
        if hasattr(raw, "max_size"):
            raw.max_size = _RECEIVE_BYTES
        super().connection_made(cast(asyncio.Transport, _Unhurried(raw, self)))
        self.client_key = client_key(self.client[0] if self.client else None)
        if len(self.connections) > 2 * self.limits.connections:
            self._raw.abort()
        elif self._too_many():
            self._raw.write(_FULL)
            self.linger()
        else:
            self._start("header", self.limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every clock of this connection."""
        for name in list(self._timers):
            self._stop(name)
        super().connection_lost(exc)
        cast(_Unhurried, self.transport).protocol = None  # what was received goes now, not with the next collection

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        if self._closing:
            return
        super().data_received(data)
        self._watch_headers()

    def send_400_response(self, msg: str) -> None:
        """Say that what came is not HTTP, unless an answer was begun: then nothing more can be said."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            if not self._closing:
                self.linger()
            return
        super().send_400_response(msg)
        if self.cycle is not None:  # who still reads the body or makes an answer finds that nobody waits for it
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with the next request, unless the body of this one was left unread."""
        if self._body_unread():
            self.server_state.total_requests += 1
            self.transport.close()
        else:
            super().on_response_complete()
            self._watch_headers()

    def pause_writing(self) -> None:
        """The client does not read: it has `write_s` to go on."""
        super().pause_writing()
        self._start("write", self.limits.write_s)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._stop("write")

    def close(self) -> None:
        """What uvicorn's `transport.close()` becomes: at once, or after the rest of an unread body was swallowed."""
        if self._closing:
            return
        if self._body_unread():
            self.linger()
        else:
            self._closing = True
            self._raw.close()
            self._start("close", self.limits.write_s)  # flushes the answer first, which needs a client that reads

    def linger(self) -> None:
        """Send no more, swallow what still comes for `linger_s`, then close: data left unread would mean a reset."""
        self._closing = True
        if self._raw.can_write_eof() and not self._raw.is_closing():
            self._raw.write_eof()
        self._raw.set_protocol(_Discard(self, 2 * self.limits.max_upload_bytes))
        self._raw.resume_reading()
        self._start("close", self.limits.linger_s)

    @property
    def _raw(self) -> asyncio.Transport:
        return cast(_Unhurried, self.transport).raw

    def _too_many(self) -> bool:
        """Those that were refused and linger do not count."""
        keys = [other.client_key for other in cast(set[GuardedProtocol], self.connections) if not other._closing]
        limits = self.limits
        if len(keys) > limits.connections:
            return True
        proxy = self.client is not None and self.client[0] in self.trusted
        return not proxy and keys.count(self.client_key) > limits.connections_per_client

    def _body_unread(self) -> bool:
        answered = self.conn.our_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
        return answered and self.conn.their_state is h11.SEND_BODY

    def _watch_headers(self) -> None:
        """Headers have begun and are not whole: the clock runs from their first byte, not from the latest."""
        if self.conn.their_state is not h11.IDLE or self._closing:
            self._stop("header")
        elif self.conn.trailing_data[0] and "header" not in self._timers:
            self._start("header", self.limits.header_s)

    def _start(self, name: str, seconds: float) -> None:
        self._stop(name)
        self._timers[name] = self.loop.call_later(seconds, self._raw.abort)

    def _stop(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


class _Discard(asyncio.BufferedProtocol):
    """Takes over a connection whose request was refused: receives into nowhere, which costs next to nothing."""

    _nowhere = memoryview(bytearray(1 << 20))  # of all connections: nobody looks at it

    def __init__(self, owner: GuardedProtocol, most_bytes: int) -> None:
        self._owner, self._remaining_bytes = owner, most_bytes

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._nowhere

    def buffer_updated(self, nbytes: int) -> None:
        self._remaining_bytes -= nbytes
        if self._remaining_bytes < 0:
            self._owner._raw.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()


class _Unhurried:
    """A transport whose `close` asks the protocol how to; all else is the transport's own."""

    def __init__(self, raw: asyncio.Transport, protocol: GuardedProtocol) -> None:
        self.raw = raw
        self.protocol: GuardedProtocol | None = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def close(self) -> None:
        if self.protocol is not None:
            self.protocol.close()

    def is_closing(self) -> bool:
        return self.protocol is None or self.protocol._closing or self.raw.is_closing()
