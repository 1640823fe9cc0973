"""Sessions of browsers that have shown the token: random, bounded, expiring, and gone when the server stops."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

COOKIE = "edgeleuk_session"


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
