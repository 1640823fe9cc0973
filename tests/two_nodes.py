"""A Ray cluster of two machines that are one: two `ray start` on addresses of loopback, which ask for a token."""

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kills import descendants, kill
from tests.conftest import environment

_HEAD, _OTHER = "127.0.0.2", "127.0.0.3"  # of 127.0.0.1 Ray makes an address that others reach
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class TwoNodes:
    """`address` is that of the head, `environment` what a process needs to join."""

    address: str
    environment: dict[str, str]
    other: "subprocess.Popen[bytes]"

    def kill_other(self) -> None:
        """End the second machine with all that runs on it, at once."""
        below = descendants(self.other.pid)
        for pid in (self.other.pid, *below):
            kill(pid)
        self.other.wait()

    def workers_of_other(self) -> list[str]:
        """What Ray calls the workers on the second machine."""
        return [command for command in descendants(self.other.pid).values() if command.startswith("ray::")]


@contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """Start both, one core each. All is gone when the body ends."""
    folder = tempfile.mkdtemp(prefix="r", dir="/tmp")  # short: it holds sockets
    given = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    given["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "1"  # a local one, in this process before, forbade it
    told, port = environment() | given, free_port()
    head = (f"--node-ip-address={_HEAD}", "--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=0")
    try:
        with ExitStack() as stack:
            client = f"--ray-client-server-port={free_port()}"
            stack.enter_context(_node((*head, client), told, Path(folder) / "head.log"))
            address = f"{_HEAD}:{port}"
            joining = (f"--node-ip-address={_OTHER}", f"--address={address}")
            other = stack.enter_context(_node(joining, told, Path(folder) / "other.log"))
            yield TwoNodes(address, told, other)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind((_HEAD, 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def _node(arguments: Sequence[str], told: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    ports = ("--min-worker-port=0", "--max-worker-port=0", f"--dashboard-agent-listen-port={free_port()}")
    size = ("--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats", "--block")
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *ports, *size]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=told, stdout=stream, stderr=subprocess.STDOUT)
    try:
        _wait_for(process, log)
        yield process
    finally:
        below = descendants(process.pid)
        for pid in (process.pid, *below):
            kill(pid)
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while b"will now block" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(log.read_text())
        time.sleep(0.1)
