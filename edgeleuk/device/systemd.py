"""What a service tells systemd, by sd_notify(3): datagrams of NAME=value lines to the socket named in NOTIFY_SOCKET."""

import os
import socket
import time
from collections.abc import Callable, Mapping

_SEND_TIMEOUT_S = 1.0  # a service manager that hangs must not hang the service


class Notifier:
    """Tells systemd the service's state; does nothing without a listener. Every method says whether it was sent.

    A message that cannot be delivered is no error of the service: systemd notices on its own when beats stay out.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives seconds."""
        self._address = _socket_address(environment.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self._last_beat_s: float | None = None
        self.listening = self._address is not None
        self.watchdog_s = _watchdog_s(environment)

    def ready(self, status: str = "") -> bool:
        """Started, or reloaded, and at work."""
        return self._send("READY=1", *([_status(status)] if status else []))

    def status(self, text: str) -> bool:
        """One line for `systemctl status`."""
        return self._send(_status(text))

    def stopping(self) -> bool:
        """Shutting down from here on."""
        return self._send("STOPPING=1")

    def reloading(self) -> bool:
        """Reloading its configuration; `ready` says when that is done."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000  # systemd asks for this very clock
        return self._send("RELOADING=1", f"MONOTONIC_USEC={microseconds}")

    def beat(self) -> bool:
        """Still alive: call it as often as you like, at least every `watchdog_s` / 2; one is sent in that time."""
        now = self._clock()
        early = self._last_beat_s is not None and now - self._last_beat_s < (self.watchdog_s or 0.0) / 2
        if self.watchdog_s is None or early or not self._send("WATCHDOG=1"):
            return False
        self._last_beat_s = now
        return True

    def _send(self, *lines: str) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(_SEND_TIMEOUT_S)
                channel.connect(self._address)
                channel.send("\n".join(lines).encode("utf-8", "replace"))
        except OSError:
            return False
        return True


def _status(text: str) -> str:
    """Line breaks become spaces, for each line of a message is a command."""
    return f"STATUS={' '.join(text.splitlines())}"


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Seconds without a beat after which systemd ends this process; None if it does not watch this one."""
    microseconds, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    watched = microseconds.isdecimal() and int(microseconds) > 0 and process in ("", str(os.getpid()))
    return int(microseconds) / 1e6 if watched else None


def _socket_address(text: str) -> bytes | None:
    """The kernel's form: abstract names start with a zero byte. Only these and absolute paths are in the protocol."""
    if text.startswith("@") and len(text) > 1:
        return b"\0" + os.fsencode(text[1:])
    return os.fsencode(text) if text.startswith("/") else None
