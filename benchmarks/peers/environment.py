"""The peers' own environments: made by pip from the requirement files beside this, once for each Python.

They lie below the system's temporary folder, under names that hold a digest of their requirements.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_ATTEMPTS, _TIMEOUT_S = 3, 1800.0
_INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:")
Run = Callable[[Sequence[str]], None]


class UnavailableError(Exception):
    """Something that a row needs cannot be had here, and why."""


@dataclass(frozen=True)
class Environment:
    """`requirements`: name of their file. `pythons`: versions that have wheels; () takes the Python that runs this.

    `folder_only`: no environment but a folder of packages, for the import path of the Python that runs this.
    """

    name: str
    requirements: str
    pythons: tuple[str, ...] = ()
    folder_only: bool = False

    @property
    def text(self) -> str:
        """What pip reads."""
        return (_HERE / self.requirements).read_text(encoding="utf-8")


PEERS = Environment("onnx-openvino", "requirements-onnx-openvino.txt")
CONVERTER = Environment("tf2onnx", "requirements-tf2onnx.txt", folder_only=True)
TFLITE_RUNTIME = Environment("tflite-runtime", "requirements-tflite-runtime.txt", ("3.11",))


def make_environment(
    environment: Environment, parent: Path | None = None, run: Run | None = None, pause_s: float = 5.0
) -> Path:
    """The environment's Python, or the folder of its packages. Raises UnavailableError."""
    python, run = _python(environment.pythons), run or _run
    digest = hashlib.sha256(f"{environment}\n{python}\n{environment.text}".encode()).hexdigest()[:12]
    folder = (parent or Path(tempfile.gettempdir())) / f"edgeleuk-peers-{environment.name}-{digest}"
    made, ready = folder if environment.folder_only else folder / "bin" / "python", folder / ".ready"
    with _locked(folder):
        if not ready.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            print(f"making the environment {folder}", file=sys.stderr, flush=True)
            requirements = ("-r", str(_HERE / environment.requirements))
            if environment.folder_only:
                _several_times(run, pause_s, [python, *_INSTALL, "--no-deps", "--target", str(folder), *requirements])
            else:
                run([python, "-m", "venv", str(folder)])
                _several_times(run, pause_s, [str(made), *_INSTALL, *requirements])
            ready.touch()
    return made


def _python(versions: tuple[str, ...]) -> str:
    """This Python, or one on PATH, that is of one of the versions. Raises UnavailableError."""
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not versions or running in versions:
        return sys.executable
    for version in versions:
        found = shutil.which(f"python{version}")
        if found and _answers(found):
            return found
    raise UnavailableError(f"there are wheels for Python {' and '.join(versions)} only, and none of them is on PATH")


def _answers(python: str) -> bool:
    """A version manager's stand-in for a Python that is not chosen is on PATH, too, and fails."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _several_times(run: Run, pause_s: float, command: Sequence[str]) -> None:
    """Lines are slow and break."""
    for attempt in range(_ATTEMPTS):
        try:
            return run(command)
        except UnavailableError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(pause_s)
    return None


def _run(command: Sequence[str]) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env=clean)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    if done.returncode != 0:
        lines = done.stderr.splitlines() or [f"exit code {done.returncode}"]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise UnavailableError(f"'{' '.join(command[1:4])} ...' failed: {' '.join(errors)}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time: two benchmarks may start side by side."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
