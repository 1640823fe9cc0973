"""Where the server listens, and by which names it may be called.

A page of a foreign site can make its own name point here (DNS rebinding) and then read everything as if it were ours.
Its requests carry its name in the Host header: only names that mean this device are answered.
"""

import errno
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from edgeleuk.errors import EdgeleukError, UsageError

BACKLOG = 128
_SILENCE_S = 60  # after which a connection that says nothing is asked whether its peer is still there
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def bind(host: str, port: int, write_s: float = 20.0) -> socket.socket:
    """A listening socket. Raises UsageError for a host that does not exist, EdgeleukError if it cannot listen.

    Its connections have their clocks from the kernel: one whose peer has gone, such as a tablet out of reach, or lets
    an answer lie unread for `write_s` seconds, is closed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host}: no such address ({error})") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENCE_S)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * write_s))
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        taken = "another program listens there; stop it or choose another --port"
        reason = taken if error.errno == errno.EADDRINUSE else error.strerror
        raise EdgeleukError(f"cannot listen on {host}:{port}: {reason}") from error
    return listening


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host. Raises UsageError for a host that does not exist."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host}: no such address ({error})") from error
    return all(_is_loopback_address(str(entry[4][0])) for entry in found)


def url(listening: socket.socket) -> str:
    """The address to type into a browser on this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


class HostNames:
    """The names in the Host header that are answered."""

    def __init__(self, loopback: bool, allowed: Sequence[str] = ()) -> None:
        """On loopback only its own names; elsewhere also any IP address (no name server has a say in those) and
        this machine's name, plain and with `.local`."""
        machine = socket.gethostname().lower()
        own = set() if loopback else {machine, f"{machine}.local"}
        self._names = _LOCAL_NAMES | own | {name.lower() for name in allowed}
        self._any_address = not loopback

    def __contains__(self, authority: str) -> bool:
        """Whether a Host header, a name with or without port, means this server."""
        name = host_of(authority)
        return name is not None and (name in self._names or (self._any_address and _is_address(name)))


def host_of(authority: str) -> str | None:
    """The name or address in `name:port` or `[address]:port`, lower case; None if it is malformed."""
    if not authority or any(character in authority for character in "/@?#\\ \t"):
        return None
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # raises ValueError if it is not a number
        return parts.hostname
    except ValueError:
        return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


def _is_loopback_address(text: str) -> bool:
    return ipaddress.ip_address(text.partition("%")[0]).is_loopback
