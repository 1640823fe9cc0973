"""A benchmark on another device: a wheel and the models go there by scp, the record comes back.

Plain ssh and scp with the user's own configuration. Nothing is ever typed in (no password, no unknown host key): a host
has to be known, and a key accepted.
"""

import os
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgeleuk.bench.candidates import MAX_IMAGES, Request, image_files, model_facts
from edgeleuk.bench.record import Record, read_record
from edgeleuk.bench.session import StoppedError
from edgeleuk.bench.wheel import write_wheel
from edgeleuk.errors import EdgeleukError, UsageError

_MODELS, _IMAGES, _SCRIPT = "models", "images", "run.sh"
FOLDERS = (
    'folder=$(mktemp -d "${TMPDIR:-/tmp}/edgeleuk-benchmark.XXXXXX")'
    f' && mkdir "$folder/{_MODELS}" "$folder/{_IMAGES}" && echo "$folder"'
)
# A wheel is a ZIP, so a Python that has all that edgeleuk needs can run it unpacked; else a virtual environment is
# made, and kept for the next time. The folder goes when the script ends: no one may be left to remove it.
_TEXT = r"""#!/bin/sh
set -eu
cd "$(dirname "$0")"
trap 'rm -rf "$PWD"' EXIT
python={python}
wheel={wheel}
if [ -n "$python" ]; then
    "$python" -c 'import sys, click, numpy, PIL; sys.exit(sys.version_info < (3, 11) and "it is older than 3.11")' \
        </dev/null || {{
        echo "error: --remote-python $python cannot run edgeleuk (see above); without this option a venv is made" >&2
        exit 1
    }}
    "$python" -m zipfile -e "$wheel" lib
    export PYTHONPATH="$PWD/lib${{PYTHONPATH:+:$PYTHONPATH}}"
else
    venv="${{XDG_CACHE_HOME:-$HOME/.cache}}/edgeleuk/benchmark-venv"
    python="$venv/bin/python"
    if ! [ -x "$python" ]; then
        python3 -m venv "$venv" </dev/null >&2 || {{
            rm -rf "$venv"
            echo "error: no venv could be made: apt install python3-venv there, or give --remote-python" >&2
            exit 1
        }}
    fi
    pip() {{
        "$python" -m pip install --quiet --no-input --disable-pip-version-check "$@" </dev/null >&2
    }}
    pip --force-reinstall --no-deps "$wheel"
    pip "$wheel"
fi
"$python" -m edgeleuk.cli.tethered {arguments}
"""
_CONNECTION_FAILED, _INTERRUPTED = 255, 130  # ssh(1), a shell's
_REFUSED = ("Host key verification failed", "Permission denied (")
_LOST = ("lost connection", "Connection closed", "Connection reset", "Broken pipe", "timed out")  # scp may end with 1
_OPTIONS = (
    *("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"),
)
_HINTS = {
    "Host key verification failed": "its key is unknown or has changed: connect once by hand (ssh {host}) and check it",
    "Permission denied (": "a key has to be accepted there: ssh-copy-id {host}",
    "Connection refused": "does ssh run there?",
    "timed out": "is it on, and in this network?",
    "Could not resolve": "is the name right?",
    "write remote": "is its disk full?",
}


def write_script(folder: Path, wheel: str, arguments: Sequence[str], python: str | None) -> Path:
    """Write the script to folder and return its path. It runs edgeleuk from `wheel`, which lies beside it.

    `python`: one that has what edgeleuk needs; None makes a virtual environment.
    """
    path = folder / _SCRIPT
    quoted = {"python": shlex.quote(python or ""), "wheel": shlex.quote(wheel)}
    path.write_text(_TEXT.format(arguments=shlex.join(arguments), **quoted), errors="surrogateescape")
    return path


class UnreachableError(EdgeleukError):
    """The device does not answer, or no longer: trying again later may help."""


@dataclass(frozen=True)
class Remote:
    """Where to measure. `config`: ssh's configuration file; `python`: one there that has numpy and an interpreter."""

    host: str
    config: Path | None = None
    python: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for what ssh would take for an option."""
        if self.host.startswith("-") or not self.host:
            raise UsageError(f"--ssh {self.host!r} is not a host; expected for example pi@raspberrypi.local")

    @property
    def scp_host(self) -> str:
        """The host as scp takes it, where a colon ends a name: an IPv6 address in brackets."""
        user, at, address = self.host.rpartition("@")
        return f"{user}{at}[{address}]" if ":" in address else self.host

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line of ssh or scp."""
        chosen = () if self.config is None else ("-F", str(self.config))
        return [program, *chosen, *_OPTIONS, *arguments]


def benchmark_remotely(request: Request, remote: Remote, progress: Callable[[str], None] = lambda _: None) -> Record:
    """Measure on the remote device as `benchmark` does here, also what a KeyboardInterrupt leaves.

    Raises UnreachableError if the host does not answer, EdgeleukError if it refuses or fails, StoppedError if
    the benchmark fails on its way, ModelError for a file that is not a model, UsageError for two models of one name.
    """
    repeated = [name for name, count in Counter(path.name for path in request.models).items() if count > 1]
    if repeated:
        raise UsageError(f"two models are named {repeated[0]}; over ssh names must differ")
    model_facts(request.models, bool(request.images))
    images, more = image_files(request.images)
    if more:
        progress(f"more than {MAX_IMAGES} images; the first {MAX_IMAGES} are used")
    with tempfile.TemporaryDirectory() as scratch, _remote_folder(remote) as folder:
        progress(f"copy edgeleuk, {len(request.models)} models and {len(images)} images to {remote.host}")
        wheel = write_wheel(Path(scratch))
        names = [f"image-{number:03}{path.suffix}" for number, path in enumerate(images)]
        links = [_link(Path(scratch) / name, path) for name, path in zip(names, images, strict=True)]
        script = write_script(Path(scratch), wheel.name, _arguments(request, names), remote.python)
        _copy_there(remote, [wheel, script], folder)
        _copy_there(remote, request.models, folder / _MODELS)
        _copy_there(remote, links, folder / _IMAGES)
        record = Path(scratch) / "record.json"
        return _come_back(*_run_there(remote, folder, record), record, remote)


def _arguments(request: Request, images: Sequence[str]) -> list[str]:
    """Of `edgeleuk` there, in the folder that `_remote_folder` makes."""
    protocol = request.protocol
    options = [
        *("--threads", ",".join(map(str, request.threads)), "--processes", str(protocol.processes)),
        *("--runs", str(protocol.runs), "--seconds", str(protocol.seconds), "--json"),
    ]
    for backend in request.backends:
        options += ["--backend", backend]
    for image in images:
        options += ["--images", f"{_IMAGES}/{image}"]
    if request.label is not None:
        options += ["--device-label", request.label]
    if request.sustained_minutes is not None:
        options += ["--sustained", str(request.sustained_minutes)]
    return ["benchmark", *options, "--", *(f"{_MODELS}/{path.name}" for path in request.models)]


def _link(link: Path, path: Path) -> Path:
    link.symlink_to(path.absolute())
    return link


@contextmanager
def _remote_folder(remote: Remote) -> Iterator[PurePosixPath]:
    """A new folder there with `FOLDERS` in it, removed at the end, also after a failure."""
    made = _call(remote, "ssh", "-T", remote.host, f"sh -c {shlex.quote(FOLDERS)}").strip()
    if not made.startswith("/"):
        raise EdgeleukError(f"{remote.host}: a temporary folder could not be made; it answered {made!r}")
    try:
        yield PurePosixPath(made)
    finally:
        gone = remote.command("ssh", "-T", remote.host, f"rm -rf {shlex.quote(made)}")
        subprocess.run(gone, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _copy_there(remote: Remote, paths: Sequence[Path], folder: PurePosixPath) -> None:
    if paths:
        _call(remote, "scp", "-q", *(str(path.absolute()) for path in paths), f"{remote.scp_host}:{folder}/")


def _run_there(remote: Remote, folder: PurePosixPath, record: Path) -> tuple[int, bool]:
    """Run the script; the record is what it prints, progress goes to our stderr.

    Returns ssh's exit code and whether we were interrupted.

    Its standard input is a pipe that nothing is written to. Closing it, or dying, ends the benchmark there as Ctrl-C
    does here, and what it has measured comes back; a second Ctrl-C gives that up.
    """
    command = remote.command("ssh", "-T", remote.host, f"sh {shlex.quote(str(folder / _SCRIPT))}")
    reading, tether = os.pipe()
    with record.open("wb") as printed, os.fdopen(tether, "wb") as held:
        process = subprocess.Popen(command, stdin=reading, stdout=printed, start_new_session=True)
        os.close(reading)
        try:
            return process.wait(), False
        except KeyboardInterrupt:
            held.close()
            return process.wait(), True
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _come_back(status: int, interrupted: bool, record: Path, remote: Remote) -> Record:
    if status == _CONNECTION_FAILED:
        raise UnreachableError(f"the connection to {remote.host} broke during the measurement; there is no result")
    empty = record.stat().st_size == 0
    if status == _INTERRUPTED and empty and interrupted:
        raise KeyboardInterrupt
    if empty or status not in (0, 1, _INTERRUPTED):
        raise EdgeleukError(f"the benchmark on {remote.host} ended with exit code {status}; its output above says why")
    found = read_record(record)
    if status == 1:
        raise StoppedError(f"the benchmark on {remote.host} failed; its output above says why", found)
    return found


def _call(remote: Remote, program: str, *arguments: str) -> str:
    """What a program prints. Raises EdgeleukError with what it says if it fails, UnreachableError if that is ssh."""
    environment = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            remote.command(program, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=environment,
        )
    except FileNotFoundError as error:
        raise EdgeleukError(f"{program} is not installed: apt install openssh-client") from error
    if done.returncode != 0:
        kind = UnreachableError if _is_lost(done.returncode, done.stderr) else EdgeleukError
        raise kind(f"{remote.host}: {program} failed: {_mended(done.stderr, remote.host)}")
    return done.stdout


def _is_lost(status: int, said: str) -> bool:
    if any(words in said for words in _REFUSED):
        return False
    return status == _CONNECTION_FAILED or any(words in said for words in _LOST)


def _mended(said: str, host: str) -> str:
    """Last line of what ssh says, and what to do if that is plain."""
    last = (said.strip().splitlines() or ["no reason given"])[-1]
    hints = (hint.format(host=host) for words, hint in _HINTS.items() if words in said)
    return "; ".join([last, *list(hints)[:1]])
