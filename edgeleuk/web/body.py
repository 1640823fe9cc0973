"""Reading a request's body: bounded in size, in time and in how slowly it may come."""

import asyncio
import dataclasses
import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from edgeleuk.codec import parse_json
from edgeleuk.errors import UsageError
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import MIB, Limits

_JSON_BYTES = 4096


@dataclass(frozen=True)
class Body:
    """What was sent, and its SHA-256, counted while it came in."""

    content: bytes
    sha256: str


def declared_bytes(request: Request, most: int) -> int | None:
    """Content-Length; None if there is none (chunked). Raises RefusalError (413) if it says more than `most`."""
    text = request.headers.get("content-length")
    if text is None:
        return None
    length = int(text)  # h11 has refused what is not a number
    if length > most:
        raise _too_large(most)
    return length


async def read_body(request: Request, limits: Limits, most: int, clock: Callable[[], float] = time.monotonic) -> Body:
    """Read it all. Raises RefusalError: 413 above `most` bytes, whatever was declared; 408 if it comes too slowly.

    Raises ClientDisconnect if the client goes away.
    """
    declared_bytes(request, most)
    started, received = clock(), io.BytesIO()  # BytesIO.getvalue shares its memory: no second copy of the body
    digest = hashlib.sha256()
    while True:
        patience_s = min(limits.body_s, limits.body_grace_s + received.tell() / limits.body_bytes_per_s)
        left_s = started + patience_s - clock()
        if left_s <= 0:
            raise RefusalError("too-slow", _too_slow(received.tell(), limits))
        try:
            async with asyncio.timeout(left_s):  # `wait_for` would make a task each time
                message = await request.receive()
        except TimeoutError as error:
            raise RefusalError("too-slow", _too_slow(received.tell(), limits)) from error
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        if received.tell() + len(chunk) > most:
            raise _too_large(most)
        received.write(chunk)
        digest.update(chunk)
        if not message.get("more_body", False):
            return Body(received.getvalue(), digest.hexdigest())


def _too_large(most: int) -> RefusalError:
    if most == _JSON_BYTES:
        return RefusalError("too-large", f"larger than the {most:,} bytes of JSON that are accepted")
    size = f"{most / MIB:g} MiB" if most >= MIB else f"{most:,} bytes"
    return RefusalError("too-large", f"larger than the {size} that are accepted; see 'edgeleuk serve --max-upload-mb'")


def _too_slow(received_bytes: int, limits: Limits) -> str:
    return (
        f"only {received_bytes:,} bytes came in time; expected {limits.body_bytes_per_s:,} bytes/s after "
        f"{limits.body_grace_s:g} s, and all within {limits.body_s:g} s"
    )


async def read_json_object(request: Request, limits: Limits, expected: str) -> dict[str, Any]:
    """The JSON object that was sent, at most 4 KiB. Raises RefusalError: 408, 413, 415; 422 says `expected`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusalError("wrong-type", "expected Content-Type: application/json")
    limits = dataclasses.replace(limits, body_s=limits.body_grace_s)
    content = (await read_body(request, limits, _JSON_BYTES)).content
    try:
        value = parse_json(content, "the body", UsageError, any_text=True)
    except UsageError:
        value = None
    if not isinstance(value, dict):
        raise RefusalError("invalid", f"expected {expected}")
    return value
