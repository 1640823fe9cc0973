"""Joining a Ray cluster, or starting one on this machine: what `--ray ADDRESS` means.

`local` starts a cluster that only this machine can reach and that ends with the command. Everything else is an address
as `ray.init` takes it: `auto` for the cluster that this machine belongs to, HOST:PORT for one by the address of its
head. Usage statistics are not sent, whatever Ray's own default is.

Whoever reaches the ports of a cluster can run code on it, unless it asks for a token (`RAY_AUTH_MODE=token`), which Ray
2.60 does by itself only where it finds one or the cluster is a local one. A local one listens on loopback alone, which
Ray does only if `RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER` is 0 (`ray/_private/services.py`).
"""

import contextlib
import logging
import os
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgeleuk
from edgeleuk.cluster.failures import first_line, ray_errors
from edgeleuk.errors import EdgeleukError, MissingExtraError, UsageError
from edgeleuk.files import output_errors

LOCAL = "local"
_OBJECT_STORE = 256 << 20  # bytes, of a local cluster: what travels are paths, encoded images and rows
_SECONDS = 60.0  # to hear of each node
_HTTP2_PREFACE, _EMPTY_SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\x04\0\0\0\0\0"
_MARK = ".edgeleuk-seen-"
_EXPECTED = "local, auto or the HOST:PORT of a cluster's head"
_CONNECT_SECONDS = 5.0  # Ray itself tries for two minutes


@dataclass(frozen=True)
class Node:
    """A machine of the cluster: its id, its address, and its cores and GPUs that Ray gives to tasks."""

    id: str
    address: str
    cores: int
    gpus: int


@dataclass(frozen=True)
class Cluster:
    """What was joined. `ray` is the module."""

    ray: Any
    address: str
    nodes: tuple[Node, ...]

    @property
    def cores(self) -> int:
        """Cores for tasks on all machines, at least 1."""
        return max(1, sum(node.cores for node in self.nodes))

    @property
    def gpus(self) -> int:
        """GPUs on all machines."""
        return sum(node.gpus for node in self.nodes)

    def check_nodes(self, folders: Sequence[Path] = (), written: Path | None = None) -> None:
        """Raise EdgeleukError if a machine has another edgeleuk, or does not see one of these existing folders.

        In the folder `written` every machine has to see a file that is put there meanwhile: one of the same name on a
        disk of its own is not the same folder.
        """
        if self.address == LOCAL:
            return
        with _mark_in(written) as mark:
            self._check([str(folder.resolve()) for folder in folders] + mark)

    def _check(self, asked: Sequence[str]) -> None:
        for node in self.nodes:
            with ray_errors(f"the machine {node.address}"):
                version, missing = self.ray.get(_facts_on(self.ray, node, asked), timeout=_SECONDS)
            if version != edgeleuk.__version__:
                raise EdgeleukError(
                    f"the machine {node.address} of the cluster has edgeleuk {version}, this one "
                    f"{edgeleuk.__version__}: install the same version on all"
                )
            if missing:
                raise EdgeleukError(
                    f"the machine {node.address} of the cluster does not see {', '.join(map(_folder_of, missing))}: "
                    "expected folders on a file system that all machines share, under the same path"
                )


@contextlib.contextmanager
def _mark_in(folder: Path | None) -> Iterator[list[str]]:
    """The path of a file that lies in the folder for the body."""
    if folder is None:
        yield []
        return
    with output_errors(folder), tempfile.NamedTemporaryFile(prefix=_MARK, dir=folder.resolve()) as mark:
        yield [mark.name]


def _folder_of(missing: str) -> str:
    path = Path(missing)
    return str(path.parent if path.name.startswith(_MARK) else path)


def ray_module(address: str = LOCAL) -> Any:
    """Ray, imported with the settings of the address. Raises MissingExtraError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else Ray's own lines come between ours
    if address == LOCAL:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a task without a GPU keeps what it would see
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
            import ray.data
    except ImportError as error:
        raise MissingExtraError("work on a cluster (--ray)", "ray") from error
    return ray


@contextlib.contextmanager
def joined(address: str, cores: int | None = None) -> Iterator[Cluster]:
    """Join the cluster for the body. A local one has `cores`, by default those that this process may use.

    Raises MissingExtraError, UsageError for an address that is none, and EdgeleukError if nothing answers there or its
    Ray or Python is another version.
    """
    ray = ray_module(address)
    _check_reachable(address, _head_of(address))
    with warnings.catch_warnings(), _nothing_said(), _own_end():
        warnings.simplefilter("ignore")
        _init(ray, address, cores)
    try:
        yield Cluster(ray, address, _nodes(ray))
    finally:
        with contextlib.suppress(Exception):  # a cluster that is gone cannot be left
            ray.shutdown()


@contextlib.contextmanager
def _nothing_said() -> Iterator[None]:
    """Nothing on standard error meanwhile: what Ray's C++ part writes there, no setting turns off."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextlib.contextmanager
def _own_end() -> Iterator[None]:
    """Keep what SIGTERM does, in place of Ray's handler, with which a process ends with exit code 15."""
    before, here = signal.getsignal(signal.SIGTERM), threading.current_thread() is threading.main_thread()
    try:
        yield
    except SystemExit as error:
        if not here or error.code != signal.SIGTERM:
            raise
        signal.signal(signal.SIGTERM, before)
        signal.raise_signal(signal.SIGTERM)
        raise
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)


def _head_of(address: str) -> str:
    """The HOST:PORT that Ray will join: for auto, what RAY_ADDRESS or the last `ray start` here says, dead or alive."""
    if address != "auto":
        return address
    from ray._private.services import get_ray_address_from_environment

    try:
        return str(get_ray_address_from_environment(address, None))
    except (OSError, TypeError):  # none is known, which joining says
        return address


def _check_reachable(address: str, head: str) -> None:
    """Raise EdgeleukError in seconds if nothing listens at the head's HOST:PORT, or something else than Ray."""
    if "://" in address:
        raise UsageError(f"--ray {address}: Ray's own clients (ray://) are not for this; expected {_EXPECTED}")
    host, colon, port = head.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16):
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS) as there:
            if "RAY_USE_TLS" not in os.environ and not _speaks_http2(there):
                raise ConnectionError("what listens there is no head of a Ray cluster")
    except OSError as error:
        raise EdgeleukError(_why_not(address, error, head)) from error


def _speaks_http2(there: socket.socket) -> bool:
    """Whether settings (RFC 9113, 3.4) answer ours, as those of a gRPC server do, which the head of a cluster is."""
    there.sendall(_HTTP2_PREFACE + _EMPTY_SETTINGS)
    try:
        return there.recv(9)[3:4] == _EMPTY_SETTINGS[3:4]
    except TimeoutError:
        return False


def _init(ray: Any, address: str, cores: int | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    local = {
        "num_cpus": cores or len(os.sched_getaffinity(0)),
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE,
    }
    try:
        ray.init(address=address, **quiet, **(local if address == LOCAL else {}))
    except ValueError as error:
        raise UsageError(f"--ray {address}: {first_line(error)}; expected {_EXPECTED}") from error
    except Exception as error:
        raise EdgeleukError(_why_not(address, error)) from error


def _why_not(address: str, error: Exception, head: str | None = None) -> str:
    if "ersion mismatch" in str(error):
        found = " ".join(str(error).split())
        return f"--ray {address}: {found}. Install the cluster's versions of Ray and Python here, or these there"
    if "uthentication token" in "".join(map(str, _causes(error))):
        return (
            f"--ray {address}: the cluster asks for its token; set RAY_AUTH_MODE=token, and put the file "
            "~/.ray/auth_token of its head in the same place here, or name another by RAY_AUTH_TOKEN_PATH"
        )
    if address == LOCAL:
        return f"a local Ray cluster could not be started: {first_line(error)}"
    where = "there" if head in (None, address) else f"at {head}, which RAY_ADDRESS or the last 'ray start' here names"
    return (
        f"--ray {address}: no cluster could be joined {where} ({first_line(error)}); start its head with 'ray start "
        "--head', let this machine join with 'ray start --address=HOST:PORT', or give --ray local"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _nodes(ray: Any) -> tuple[Node, ...]:
    return tuple(
        Node(
            node["NodeID"],
            node["NodeManagerAddress"],
            int(node["Resources"].get("CPU", 0)),
            int(node["Resources"].get("GPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    )


def _facts_on(ray: Any, node: Node, folders: Sequence[str]) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node.id, soft=False)
    return ray.remote(_facts).options(num_cpus=0, scheduling_strategy=there).remote(folders)


def _facts(folders: Sequence[str]) -> tuple[str, list[str]]:
    """Of the machine that runs it: edgeleuk's version, and which folders it does not see."""
    return edgeleuk.__version__, [folder for folder in folders if not Path(folder).exists()]
