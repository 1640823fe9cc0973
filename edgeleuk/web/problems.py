"""Whatever goes wrong becomes a problem (RFC 9457): which kind, and what came, what was expected, how to mend it.

static/errors.html explains each kind, without internet.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edgeleuk.errors import EdgeleukError, ImageError, StoreError, UsageError

PAGE = "/errors"


class Kind(NamedTuple):
    """A status of HTTP, and what is wrong in a few words."""

    status: int
    title: str


KINDS = {
    "contradictory-length": Kind(400, "Two lengths"),
    "token-needed": Kind(401, "A token is needed"),
    "wrong-token": Kind(401, "Wrong token"),
    "other-site": Kind(403, "Sent by a page of another site"),
    "not-found": Kind(404, "Not found"),
    "method-not-allowed": Kind(405, "Method not allowed"),
    "too-slow": Kind(408, "The body came too slowly"),
    "no-token": Kind(409, "The server needs no token"),
    "changed-meanwhile": Kind(409, "The results changed meanwhile"),
    "too-large": Kind(413, "Too large"),
    "wrong-type": Kind(415, "Wrong type of body"),
    "unknown-name": Kind(421, "The server does not have this name"),
    "not-an-image": Kind(422, "The image cannot be used"),
    "invalid": Kind(422, "A value cannot be used"),
    "too-many-requests": Kind(429, "Too many requests"),
    "too-many-tokens": Kind(429, "Too many wrong tokens"),
    "failed": Kind(500, "The server failed"),
    "busy": Kind(503, "Busy"),
    "out-of-memory": Kind(503, "Not enough memory"),
    "store-unavailable": Kind(503, "Nothing was stored"),
    "disk-full": Kind(507, "The disk is full"),
}


def address_of(name: str) -> str:
    """What stands as `type` in a problem: where the page explains it."""
    return f"{PAGE}#{name}"


class RefusalError(Exception):
    """An answer other than the one asked for: one of KINDS and why, and when to come back."""

    def __init__(self, kind: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.retry_after_s = kind, message, retry_after_s
        self.status = KINDS[kind].status

    @property
    def told_s(self) -> int | None:
        """When to come back as the header says it, in whole seconds."""
        return None if self.retry_after_s is None else max(1, round(self.retry_after_s + 0.499))

    def response(self) -> Response:
        """As a problem."""
        headers = {}
        if self.told_s is not None:
            headers["Retry-After"] = str(self.told_s)
        if self.status in (400, 408):  # what still comes may be no request; else the rest of a body is passed over
            headers["Connection"] = "close"
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return problem(self.status, self.message, self.kind, headers)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """JSON in ASCII, whatever file names are made of; never kept by a cache."""
    content = json.dumps(value, allow_nan=False).encode()
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, media_type)


def problem(status: int, detail: str, kind: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """Problem details; a status without a kind of its own says what HTTP says."""
    title = KINDS[kind].title if kind else HTTPStatus(status).phrase
    about = {"type": address_of(kind) if kind else "about:blank", "title": title, "status": status, "detail": detail}
    return json_response(about, status, headers, "application/problem+json")


def refusal_of(error: Exception) -> RefusalError:
    """The refusal that says what an error of ours says."""
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, StoreError):
        kind = "disk-full" if "disk is full" in str(error) else "store-unavailable"
        return RefusalError(kind, f"nothing was stored: {error}", retry_after_s=5)
    if isinstance(error, MemoryError) or (isinstance(error, ImageError) and error.passing):
        return RefusalError("out-of-memory", "there is not enough memory for this image now", retry_after_s=30)
    if isinstance(error, ImageError | UsageError):
        return RefusalError("not-an-image" if isinstance(error, ImageError) else "invalid", str(error))
    return RefusalError(
        "failed", str(error) if isinstance(error, EdgeleukError) else "the server failed; its log says why"
    )


async def on_error(_: Request, error: Exception) -> Response:
    """Starlette's handler of every error that an endpoint raises."""
    return refusal_of(error).response()


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such page, wrong method."""
    if not isinstance(error, HTTPException):
        raise error
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code)
    text = {
        404: f"there is no {request.url.path}; /api/openapi.json lists what there is",
        405: f"{request.method} is not possible here; expected {(error.headers or {}).get('Allow', 'another method')}",
    }.get(error.status_code, error.detail)
    return problem(error.status_code, text, kind, error.headers)


async def on_disconnect(_: Request, error: Exception) -> Response:
    """The client went away: no one reads this."""
    return Response(status_code=400)


HANDLERS: Mapping[Any, Any] = {
    RefusalError: on_error,
    EdgeleukError: on_error,
    MemoryError: on_error,
    HTTPException: on_http_error,
    ClientDisconnect: on_disconnect,
    500: on_error,
}
