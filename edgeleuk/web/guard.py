"""What stands before every endpoint: who asks, by which name, from which page, how often; and what every answer says.

Sessions are those of browsers that have shown the token; they are gone when the server stops. Pure ASGI, so that
bodies and streams pass through untouched.
"""

import hashlib
import hmac
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgeleuk.web.address import HostNames
from edgeleuk.web.problems import PAGE as ERRORS_PAGE
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.rates import RateLimit, client_key
from edgeleuk.web.settings import Limits

if TYPE_CHECKING:
    from edgeleuk.web.services import Services

COOKIE = "edgeleuk_session"
PAGE_HEADER = "x-edgeleuk"  # the page sends it; a form of a foreign site cannot
_OPEN = ("/", ERRORS_PAGE, "/favicon.ico", "/healthz", "/api/login")
_EVERYONE, _MOST_KNOWN = "everyone", 1024
_SAFE_METHODS = ("GET", "HEAD")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]


class Sessions:
    """At most `most` sessions of `lifetime_s` seconds; the oldest makes room. Only their digests are kept."""

    def __init__(self, most: int, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._lifetime_s, self._clock = most, lifetime_s, clock
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def create(self) -> str:
        """A new session's name, for the cookie."""
        name = secrets.token_urlsafe(32)
        self._ends[_digest(name)] = self._clock() + self._lifetime_s
        while len(self._ends) > self._most:
            self._ends.popitem(last=False)
        return name

    def __contains__(self, name: str) -> bool:
        """Whether that session exists and has not ended. A digest is looked up: time tells nothing of the name."""
        end = self._ends.get(_digest(name))
        return end is not None and self._clock() < end

    def remove(self, name: str) -> None:
        """End a session, if there is one."""
        self._ends.pop(_digest(name), None)

    def cookie(self, name: str, secure: bool) -> str:
        """The Set-Cookie header that gives the session to a browser."""
        return _cookie(name, int(self._lifetime_s), secure)


def removal_cookie(secure: bool) -> str:
    """The Set-Cookie header that takes the session from a browser."""
    return _cookie("", 0, secure)


def _cookie(value: str, seconds: int, secure: bool) -> str:
    text = f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
    return f"{text}; Secure" if secure else text


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


class Access:
    """Who may use the server: whoever knows the token, or everyone if there is none."""

    def __init__(self, token: str | None, limits: Limits) -> None:
        self._token = None if token is None else token.encode()
        self._attempts = RateLimit(limits.logins_per_minute / 60, limits.login_burst)
        self._all_attempts = RateLimit(limits.all_logins_per_minute / 60, limits.all_login_burst)
        self._known: OrderedDict[str, None] = OrderedDict()  # clients that had the token
        self.sessions = Sessions(limits.sessions, limits.session_s)

    @property
    def open(self) -> bool:
        """Whether no token is needed."""
        return self._token is None

    def check_token(self, text: str, client: str) -> None:
        """Raise RefusalError: 401 for a wrong token, 429 for a client with too many wrong ones, right or not.

        Also 429 if all clients together had too many, but for those that had the right one before: many addresses
        guess no faster than one, and lock out no one who is in.
        """
        wait_s = self._attempts.wait_s(client)
        if client not in self._known:
            wait_s = max(wait_s, self._all_attempts.wait_s(_EVERYONE))
        if wait_s > 0:
            raise RefusalError(
                "too-many-tokens", f"too many wrong tokens; try again in {math.ceil(wait_s)} s", retry_after_s=wait_s
            )
        expected = self._token or b""
        if not expected or not hmac.compare_digest(text.encode("utf-8", "surrogatepass"), expected):
            self._attempts.take(client)
            self._all_attempts.take(_EVERYONE)
            raise RefusalError("wrong-token", "this is not the token of this server")
        self._known[client] = None
        self._known.move_to_end(client)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def check(self, headers: Headers, client: str) -> bool:
        """Raise RefusalError (401, 429) unless the client may come in; True if a cookie let it in."""
        if self.open:
            return False
        kind, _, text = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and text:
            self.check_token(text.strip(), client)
            return False
        if session_of(headers) in self.sessions:
            return True
        raise RefusalError(
            "token-needed", "a token is needed: POST /api/login, or the header 'Authorization: Bearer TOKEN'"
        )


class Guard:
    """The outermost application."""

    def __init__(self, app: ASGIApp, names: HostNames, services: "Services") -> None:
        self._app, self._names = app, names
        self._access, self._metrics, self._proxies = services.access, services.metrics, services.proxies
        limits = services.settings.limits
        self._requests = RateLimit(limits.requests_per_s, limits.request_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._proxies.seen_through(scope)
        outgoing = self._outgoing(scope, send)
        try:
            self._check(scope)
        except RefusalError as refusal:
            await refusal.response()(scope, receive, outgoing)
        else:
            await self._app(scope, receive, outgoing)

    def _check(self, scope: Scope) -> None:
        headers, client = Headers(scope=scope), client_key((scope.get("client") or ("",))[0])
        self._check_host(headers)
        if "content-length" in headers and "transfer-encoding" in headers:  # a proxy may go by the other one
            raise RefusalError("contradictory-length", "a body has either a Content-Length or a Transfer-Encoding")
        wait_s = self._requests.take(client)
        if wait_s > 0:
            raise RefusalError("too-many-requests", "too many requests; slow down", retry_after_s=wait_s)
        by_cookie = False
        if scope["path"] not in _OPEN and not scope["path"].startswith("/static/"):
            by_cookie = self._access.check(headers, client)
        if scope["method"] not in _SAFE_METHODS:
            _check_origin(headers, by_cookie)

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._names:
            shown = hosts[0][:80] if hosts else ""
            raise RefusalError(
                "unknown-name",
                f"this server is not called {shown!r}; if it is, start it with 'edgeleuk serve --allowed-host NAME'",
            )

    def _outgoing(self, scope: Scope, send: Send) -> Send:
        async def outgoing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_RAW_HEADERS]}
                self._metrics.answered(scope["method"], message["status"])
            await send(message)

        return outgoing


def session_of(headers: Headers) -> str:
    """The session's name in the cookies, or nothing. Cookies of other servers on this host are none of our business."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _check_origin(headers: Headers, by_cookie: bool) -> None:
    """Refuse what a page of another site makes a browser send. Browsers say where a request comes from; curl does not.

    Raises RefusalError (403).
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    own_site = site in (None, "same-origin", "none")
    if not own_site or (origin is not None and not _is_own(origin, headers.get("host", ""))):
        raise RefusalError("other-site", "a page of another site sent this; only this server's own page may")
    if by_cookie and PAGE_HEADER not in headers:
        raise RefusalError("other-site", f"with a session cookie the header '{PAGE_HEADER}: 1' is needed, too")


def _is_own(origin: str, host: str) -> bool:
    """Whether the origin is this server under the name it was called by. The scheme may be a proxy's."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower() and not parts.path
