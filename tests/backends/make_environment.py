"""Makes the second environment: tflite-runtime, the NumPy below 2 that it needs, and no LiteRT.

    python tests/backends/make_environment.py [FOLDER]     default: .venv-tflite beside .venv

Two folders in it are for PYTHONPATH, to be mixed in by the tests that need them: with-numpy2 and with-litert. Made
once, and anew when this file changes. Exit code 1 with one sentence where it cannot be had.
"""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / ".venv-tflite"
REQUIREMENTS = (
    "numpy>=1.23.2,<2",
    "tflite-runtime==2.14.0",
    "pillow>=13.0",
    "click>=8.1",
    "pytest>=8",
    "hypothesis>=6",
)
EXTRAS = {"with-numpy2": ("numpy>=2,<3",), "with-litert": ("ai-edge-litert>=1.3",)}
_ATTEMPTS, _PAUSE_S, _TIMEOUT_S = 3, 5, 900


class UnavailableError(Exception):
    """The environment cannot be made here, and why."""


def make_environment(folder: Path = DEFAULT) -> Path:
    """Return the environment's Python. Raises UnavailableError."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    python, ready = folder / "bin" / "python", folder / ".ready"
    with _locked(folder):
        if ready.is_file() and ready.read_text() == digest and python.exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        _run([old_python(), "-m", "venv", str(folder)])
        _install(python, REQUIREMENTS)
        for name, requirements in EXTRAS.items():
            _install(python, ["--no-deps", "--target", str(folder / name), *requirements])
        _make_importable(python)
        ready.write_text(digest)
    return python


def old_python() -> str:
    """A Python for which tflite-runtime has a wheel. Raises UnavailableError."""
    if sys.version_info < (3, 12):
        return sys.executable
    if found := shutil.which("python3.11"):
        return found
    raise UnavailableError("tflite-runtime needs Python 3.11, and there is none on PATH")


def _install(python: Path, arguments: Sequence[str]) -> None:
    """By pip, several times over: lines are slow and break."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    for attempt in range(_ATTEMPTS):
        try:
            return _run([*command, "--timeout", "60", "--retries", "5", *arguments])
        except UnavailableError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_S)
    return None


def _make_importable(python: Path) -> None:
    """Put this repository on the environment's import path, without the dependencies that its package declares."""
    told = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    (Path(told.stdout.strip()) / "edgeleuk.pth").write_text(f"{ROOT}\n")


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from error
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[
            -1:
        ]
        raise UnavailableError(f"'{' '.join(command[1:4])} ...' failed: {' '.join(errors)}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time: tests may run side by side."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    with Path(tempfile.gettempdir(), f"edgeleuk-{name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        print(make_environment(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else DEFAULT))
    except UnavailableError as error:
        sys.exit(f"no environment for tflite-runtime: {error}")
