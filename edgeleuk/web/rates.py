"""Token buckets: a limit of requests a second from one client, with bursts."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

from starlette.requests import Request

_MOST_CLIENTS = 1024  # remembered at once; one that was forgotten starts with a full bucket


class RateLimit:
    """A bucket for each client: `burst` tokens at first, `per_s` more a second. `clock` gives seconds."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, float(burst), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def wait_s(self, client: str) -> float:
        """Seconds until the client's next token; 0 if it has one. Takes nothing."""
        tokens = self._tokens(client)
        return 0.0 if tokens >= 1 else (1 - tokens) / self._per_s

    def take(self, client: str) -> float:
        """Take a token and return 0, or take none and return the seconds until there is one."""
        wait_s = self.wait_s(client)
        if wait_s == 0:
            self._buckets[client] = (self._tokens(client) - 1, self._clock())
            self._buckets.move_to_end(client)
            while len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        return wait_s

    def _tokens(self, client: str) -> float:
        tokens, when = self._buckets.get(client, (self._burst, self._clock()))
        return min(self._burst, tokens + (self._clock() - when) * self._per_s)


@lru_cache(_MOST_CLIENTS)
def client_key(address: str | None) -> str:
    """What counts as one client: an IPv4 address, or the 64-bit network of an IPv6 one, which one host owns whole."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if found.version == 4:
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))


def client_of(request: Request) -> str:
    """What counts as the client of a request."""
    return client_key(request.client.host if request.client else None)
