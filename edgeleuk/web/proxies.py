"""Who really asks when a proxy stands before the server: what it says in X-Forwarded-For and -Proto, if it is trusted.

Any client can send these headers. They are believed only from addresses that were named at the start, and of the list
of addresses only the last one that is not a trusted proxy: what stands before it is the client's own word again.
"""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from edgeleuk.errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """Addresses and networks whose word is taken."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Raises UsageError for what is not an address or network."""
        self._networks = tuple(map(_network, names))

    def __contains__(self, address: str) -> bool:
        """Whether it is the address of a trusted proxy."""
        if not self._networks:
            return False
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped.version == network.version and mapped in network for network in self._networks)

    def seen_through(self, scope: Scope) -> Scope:
        """The request as its client made it: its address and scheme. Unchanged if no trusted proxy sent it."""
        peer = (scope.get("client") or ("", 0))[0]
        if peer not in self:
            return scope
        headers = Headers(scope=scope)
        client = self._client(",".join(headers.getlist("x-forwarded-for")))
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return {
            **scope,
            "client": (client or peer, 0),
            "scheme": scheme if scheme in ("http", "https") else scope["scheme"],
        }

    def _client(self, forwarded: str) -> str | None:
        """The last address that is not a trusted proxy; None if the list does not say."""
        for text in reversed(forwarded.split(",")):
            address = _bare(text.strip())
            try:
                ipaddress.ip_address(address.partition("%")[0])
            except ValueError:
                return None
            if address not in self:
                return address
        return None


def _bare(text: str) -> str:
    """An address without the port that some proxies add."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"--trusted-proxy {text!r:.60} is not an address; expected for example 127.0.0.1, 10.0.0.0/8 or ::1"
        ) from error
