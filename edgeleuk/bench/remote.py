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

from edgeleuk.bench.record import Record, read_record
from edgeleuk.bench.session import MAX_IMAGES, Request
from edgeleuk.bench.wheel import write_wheel
from edgeleuk.errors import EdgeleukError, UsageError
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.sources.files import named_images

_CONNECTION_FAILED = 255  # ssh(1)
_OPTIONS = (
    *("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"),
)
# A wheel is a ZIP, so a Python that has all that edgeleuk needs can run it unpacked; else a virtual environment is
# made, and kept for the next time.
_SCRIPT = """set -eu
cd {folder}
echo $$ > pid
if [ -n {python} ]; then
    {python} -m zipfile -e {wheel} lib
    PYTHONPATH="$PWD/lib" exec {python} -m edgeleuk {arguments}
fi
venv="${{XDG_CACHE_HOME:-$HOME/.cache}}/edgeleuk/benchmark-venv"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check {wheel}
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall {wheel}
exec "$venv/bin/python" -m edgeleuk {arguments}
"""


@dataclass(frozen=True)
class Remote:
    """Where to measure. `config`: ssh's configuration file; `python`: one there that has numpy and an interpreter."""

    host: str
    config: Path | None = None
    python: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for what ssh would take for an option."""
        if self.host.startswith("-") or not self.host:
            raise UsageError(f"--ssh {self.host!r} is no host; expected such as pi@raspberrypi.local")

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line of ssh or scp."""
        chosen = () if self.config is None else ("-F", str(self.config))
        return [program, *chosen, *_OPTIONS, *arguments]


def benchmark_remotely(request: Request, remote: Remote, progress: Callable[[str], None] = lambda _: None) -> Record:
    """Measure on the remote device as `benchmark` does here.

    Raises EdgeleukError where the host cannot be reached or fails, ModelError for a file that is no model, UsageError
    for two models of one name.
    """
    repeated = [name for name, count in Counter(path.name for path in request.models).items() if count > 1]
    if repeated:
        raise UsageError(f"two models are named {repeated[0]}; over ssh names have to differ")
    for path in request.models:
        read_bundle(path)
    images = [path for batch in named_images(request.images) for path in batch][:MAX_IMAGES]
    with tempfile.TemporaryDirectory() as scratch, _remote_folder(remote) as folder:
        progress(f"copy edgeleuk, {len(request.models)} models and {len(images)} images to {remote.host}")
        wheel = write_wheel(Path(scratch))
        _copy_there(remote, [wheel, *request.models], folder)
        names = [f"image-{number:03}{path.suffix}" for number, path in enumerate(images)]
        links = [_link(Path(scratch) / name, path) for name, path in zip(names, images, strict=True)]
        _copy_there(remote, links, folder)
        _run_there(remote, folder, wheel.name, _arguments(request, names))
        record = Path(scratch) / "record.json"
        _call(remote, "scp", "-q", f"{remote.host}:{folder}/record.json", str(record))
        return read_record(record)


def _arguments(request: Request, images: Sequence[str]) -> list[str]:
    """Of `edgeleuk benchmark` there, whose folder is the current one."""
    protocol = request.protocol
    options = [
        *("--threads", ",".join(map(str, request.threads)), "--processes", str(protocol.processes)),
        *("--runs", str(protocol.runs), "--seconds", str(protocol.seconds), "-o", "record.json"),
    ]
    for backend in request.backends:
        options += ["--backend", backend]
    for image in images:
        options += ["--images", image]
    if request.label is not None:
        options += ["--device-label", request.label]
    if request.sustained_minutes is not None:
        options += ["--sustained", str(request.sustained_minutes)]
    return ["benchmark", *options, "--", *(path.name for path in request.models)]


def _link(link: Path, path: Path) -> Path:
    link.symlink_to(path.absolute())
    return link


@contextmanager
def _remote_folder(remote: Remote) -> Iterator[PurePosixPath]:
    """A new folder there, removed at the end, also after a failure."""
    made = _call(remote, "ssh", remote.host, 'mktemp -d "${TMPDIR:-/tmp}/edgeleuk-benchmark.XXXXXX"').strip()
    try:
        yield PurePosixPath(made)
    finally:
        gone = remote.command("ssh", remote.host, f"rm -rf {shlex.quote(made)}")
        subprocess.run(gone, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _copy_there(remote: Remote, paths: Sequence[Path], folder: PurePosixPath) -> None:
    if paths:
        _call(remote, "scp", "-q", *(str(path.absolute()) for path in paths), f"{remote.host}:{folder}/")


def _run_there(remote: Remote, folder: PurePosixPath, wheel: str, arguments: Sequence[str]) -> None:
    """Run the benchmark; what it says goes to our stderr. Ctrl-C ends it there, and what it has measured comes back."""
    script = _SCRIPT.format(
        folder=shlex.quote(str(folder)),
        python=shlex.quote(remote.python or ""),
        wheel=shlex.quote(wheel),
        arguments=shlex.join(arguments),
    )
    command = remote.command("ssh", remote.host, script)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        pid = f"kill -INT $(cat {shlex.quote(str(folder / 'pid'))})"
        subprocess.run(remote.command("ssh", remote.host, pid), stdin=subprocess.DEVNULL, check=False)
        status = process.wait()
    if status == _CONNECTION_FAILED:
        raise EdgeleukError(f"the connection to {remote.host} broke while it measured; nothing came back")
    if status not in (0, 130):
        raise EdgeleukError(f"the benchmark on {remote.host} ended with exit code {status}; it says above why")


def _call(remote: Remote, program: str, *arguments: str) -> str:
    """What a program prints. Raises EdgeleukError with what it says where it fails."""
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
        raise EdgeleukError(f"{remote.host}: {program} failed: {_mended(done.stderr, remote.host)}")
    return done.stdout


def _mended(said: str, host: str) -> str:
    """Last line of what ssh says, and what to do where that is plain."""
    last = (said.strip().splitlines() or ["no reason given"])[-1]
    if "Host key verification failed" in said:
        last += f"; its key is unknown or has changed: connect once by hand (ssh {host}) and check it"
    elif "Permission denied" in said:
        last += f"; a key has to be accepted there: ssh-copy-id {host}"
    return last
