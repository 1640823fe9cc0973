"""Whatever goes wrong becomes JSON: {"error": "what came, what was expected, how to mend it"}."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edgeleuk.errors import EdgeleukError, ImageError, StoreError, UsageError


class RefusalError(Exception):
    """An answer other than the one asked for: a status of HTTP and why, and when to come back."""

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after_s = status, message, retry_after_s

    def response(self) -> Response:
        """As JSON."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after_s + 0.499)))
        if self.status in (400, 408):  # what still comes may be no request; else the rest of a body is passed over
            headers["Connection"] = "close"
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return json_response({"error": self.message}, self.status, headers)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON in ASCII, whatever file names are made of; never kept by a cache."""
    content = json.dumps(value, allow_nan=False).encode()
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def refusal_of(error: Exception) -> RefusalError:
    """The refusal that says what an error of ours says."""
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, StoreError):
        return RefusalError(
            507 if "disk is full" in str(error) else 503, f"nothing was stored: {error}", retry_after_s=5
        )
    if isinstance(error, MemoryError) or (isinstance(error, ImageError) and error.passing):
        return RefusalError(503, "there is not enough memory for this image now", retry_after_s=30)
    if isinstance(error, ImageError | UsageError):
        return RefusalError(422, str(error))
    return RefusalError(500, str(error) if isinstance(error, EdgeleukError) else "the server failed; its log says why")


async def on_error(_: Request, error: Exception) -> Response:
    """Starlette's handler of every error that an endpoint raises."""
    return refusal_of(error).response()


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such page, wrong method."""
    if not isinstance(error, HTTPException):
        raise error
    text = {
        404: f"there is no {request.url.path}; /api/openapi.json lists what there is",
        405: f"{request.method} is not possible here; expected {(error.headers or {}).get('Allow', 'another method')}",
    }.get(error.status_code, error.detail)
    return json_response({"error": text}, error.status_code, error.headers)


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
