"""What runs here and under emulation: the networks, `edgeleuk infer` and the tests, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compare import Observed

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LARGE, MEDIUM, SMALL = "half-160-int8", "tiny-75-int8", "small-int8"
CORE_OF_LARGE = "cortex-a72"  # seconds an image under emulation: one core is enough
# Backend and tests of what runs on a device, by process; the longest first. With tflite-runtime what is near to it.
TESTS = (
    ("litert", ("sources",)),
    ("litert", ("device", "store")),
    ("litert", ("cli/test_infer.py", "cli/test_infer_watch.py", "cli/test_results.py", "classify")),
    ("litert", ("runtime",)),
    ("tflite-runtime", ("runtime", "classify")),
)


class CommandError(Exception):
    """A command that should not have failed did."""


@dataclass(frozen=True)
class Emulation:
    """Where everything lies: the userland, the installed wheel with the tests, models and images."""

    userland: Path
    installed: Path
    material: Path

    @property
    def backends(self) -> list[str]:
        """Backends that the userland has."""
        return [backend for backend in ("litert", "tflite-runtime") if (self.userland / backend).is_dir()]

    def python(self, backend: str) -> str:
        """The emulated Python."""
        return str(self.userland / backend / "python")

    @property
    def images(self) -> list[str]:
        """All images."""
        return sorted(str(path) for path in self.material.iterdir() if path.is_file() and path.suffix != ".tflite")

    def model(self, name: str) -> str:
        """A model file."""
        return str(self.material / f"{name}.tflite")


def make_userland(suite: str, folder: str | None) -> Path:
    """Run emulate.sh. Ends the process with its code if it is unavailable."""
    command = [str(HERE.parent / "emulate.sh"), "--suite", suite, *([folder] if folder else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    userland = Path(done.stdout.strip())
    print((userland / "versions").read_text().splitlines()[0], "in", userland, flush=True)
    return userland


def native_python(backend: str) -> str:
    """This machine's Python with the backend. Raises CommandError where it has none and can get none."""
    if backend == "litert":
        return sys.executable
    return run([sys.executable, "tests/backends/make_environment.py"]).strip()


def observe(here: Emulation, python: str, backend: str, largest: str, core: str = "") -> Observed:
    """Run observe.py with the models up to `largest`."""
    models = [SMALL, MEDIUM, LARGE] if largest == LARGE else [SMALL, MEDIUM]
    command = [python, str(HERE / "observe.py"), backend, *map(here.model, models), *here.images]
    seen: Observed = json.loads(run(command, _environment(here, core), cwd=here.installed))
    return seen


def infer(here: Emulation, python: str, backend: str, core: str) -> dict[str, list[dict[str, Any]]]:
    """What `edgeleuk infer` prints, by model; the large one on one emulated core only."""
    models = [MEDIUM, LARGE] if core in ("", CORE_OF_LARGE) else [MEDIUM]
    said = {}
    for model in models:
        images = here.images if model == MEDIUM else here.images[:2]
        command = [python, "-m", "edgeleuk", "infer", here.model(model), *images, "--json", "--backend", backend]
        printed = run(command, _environment(here, core), cwd=here.installed)
        said[model] = [json.loads(line) for line in printed.splitlines()]
    return said


def run_tests(here: Emulation, backend: str, names: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    """Tests by the emulated Python on the default core."""
    folders = [f"tests/{name}" for name in names]
    command = [here.python(backend), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "unsuited", "--tb=short"]
    own = {"EDGELEUK_TEST_MODELS": str(here.material.parent / "test-models"), "EDGELEUK_EMULATED_BACKEND": backend}
    environment = os.environ | _environment(here, "") | own
    return subprocess.run(
        [
            *command,
            "-m",
            "not slow",
            "--basetemp",
            str(here.installed.parent / f"tests-{backend}-{Path(names[0]).stem}"),
            *folders,
        ],
        cwd=here.installed,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _environment(here: Emulation, core: str) -> dict[str, str]:
    """The installed wheel first on the import path, and which core is emulated."""
    return {"PYTHONPATH": str(here.installed)} | ({"QEMU_CPU": core} if core else {})


def run(command: list[str], environment: dict[str, str] | None = None, cwd: Path = ROOT, tries: int = 1) -> str:
    """What the command prints. Raises CommandError with its last lines, after `tries` times and growing pauses."""
    merged = os.environ | (environment or {})
    for attempt in range(1, tries + 1):
        done = subprocess.run(command, cwd=cwd, env=merged, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        if attempt < tries:
            time.sleep(5 * 3**attempt)
    last = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
    raise CommandError(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{last}")
