"""Real Ray clusters of several processes on this machine, as `ray start` makes them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edgeleuk.cluster.joining import Cluster, joined
from tests.conftest import ROOT

SECONDS = 90.0  # on a busy machine


def free_port() -> int:
    """One that nothing listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def head(cores: int = 2) -> Iterator[str]:
    """The address of a cluster of one machine, which is this one."""
    port = free_port()
    own = ("--head", f"--port={port}", f"--ray-client-server-port={free_port()}", "--include-dashboard=false")
    with node(own, cores):
        _wait_for(port)
        yield f"127.0.0.1:{port}"


@contextmanager
def node(arguments: Sequence[str], cores: int, around: Sequence[str] = ()) -> "Iterator[subprocess.Popen[bytes]]":
    """What `ray start` keeps running for the body, behind the words `around`."""
    options = (f"--num-cpus={cores}", "--object-store-memory=100000000", "--block")
    quiet = ("--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats")
    command = [*around, sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *options, *quiet]
    os.environ.setdefault(
        "RAY_AUTH_MODE", "disabled"
    )  # else a head asks for a token where one lies, which no join shows
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
    }  # a local one forbade it
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        command += [f"--temp-dir={folder}"] * ("--head" in arguments)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment, start_new_session=True) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


def _wait_for(port: int) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@contextmanager
def joined_by(address: str, count: int) -> Iterator[Cluster]:
    """Join it once it has so many machines."""
    until = time.monotonic() + SECONDS
    while True:
        with joined(address) as cluster:
            if len(cluster.nodes) == count:
                yield cluster
                return
        assert time.monotonic() < until
        time.sleep(0.5)


def end_at_once(process: "subprocess.Popen[bytes]") -> None:
    """As a machine whose power fails: the process and all that it started, and these, at once."""
    for each in (process.pid, *_below(process.pid)):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _below(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found + [each for child in found for each in _below(child)]
