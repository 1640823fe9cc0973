"""Builds to compare: a commit in an environment of its own, and this checkout."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("numpy", "pillow", "ai-edge-litert", "tensorflow", "tf-keras", "litert-quantizer")
_FACTS = """
import importlib.metadata, json, sys, edgeleuk
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
print(json.dumps({"package": edgeleuk.__file__, "versions": {name: version(name) for name in sys.argv[1:]}}))
"""


@dataclass(frozen=True)
class Build:
    """A checkout with the interpreter that runs it; `name` is "before" or "now"."""

    name: str
    root: Path
    python: Path

    def command(self, *arguments: str | Path) -> list[str]:
        """Command line of this build's `edgeleuk`; to be run with `environment`."""
        return [str(self.python), "-m", "edgeleuk", *map(str, arguments)]

    def environment(self) -> dict[str, str]:
        """This process's environment, with the build's own code in front of whatever its interpreter finds.

        Modules stay compiled from one run to the next, as those of an installed package are.
        """
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return inherited | {"PYTHONPATH": str(self.root), "PYTHONSAFEPATH": "1"}

    def versions(self) -> dict[str, str | None]:
        """Versions of the packages that a figure depends on. Raises SystemExit if another edgeleuk is found."""
        command = [str(self.python), "-c", _FACTS, *_PACKAGES]
        facts = json.loads(subprocess.check_output(command, env=self.environment(), text=True))
        if not Path(facts["package"]).is_relative_to(self.root):
            raise SystemExit(f"{self.python} finds {facts['package']}; expected edgeleuk of {self.root}")
        found: dict[str, str | None] = facts["versions"]
        return found


def this_build() -> Build:
    """The checkout that this code is of."""
    return Build("now", ROOT, Path(sys.executable))


def ready_build(folder: Path) -> Build:
    """A checkout with its .venv. Raises SystemExit where there is none."""
    python = folder.resolve() / ".venv/bin/python"
    if not python.exists():
        raise SystemExit(f"{folder}: no .venv/bin/python; expected a checkout in which `make venv` was run")
    return Build("before", folder.resolve(), python)


def build_of(revision: str, cache: Path | None = None) -> Build:
    """The build of a commit, made once below the system's temporary folder: its files, and the environment that its
    Makefile makes. Raises SystemExit for a commit that is not known, CalledProcessError if it cannot be installed.
    """
    commit = commit_of(revision)
    folder = (cache or Path(tempfile.gettempdir())) / f"edgeleuk-build-{commit}"
    if not (folder / ".venv/.ready").exists():
        archive = subprocess.check_output(["git", "-C", str(ROOT), "archive", commit])
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        subprocess.run(
            ["make", "-C", str(folder), ".venv/.ready", f"PYTHON={sys.executable}"], check=True, stdout=sys.stderr
        )
    return ready_build(folder)


def commit_of(revision: str) -> str:
    """The full name of a commit of this repository. Raises SystemExit for one that is not known."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{revision}: no such commit in {ROOT}")
    return done.stdout.strip()
