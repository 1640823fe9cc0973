"""What tests of a watched folder share: watches of both ways, and waiting without a race."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.sources.watch.watcher import FolderWatch

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0  # of a machine that does much else; what is awaited comes within a second on an idle one


@dataclass
class Watched:
    """A FolderWatch, its reports, and all that it offered."""

    watch: FolderWatch
    folder: Path
    reports: list[str]
    offered: list[str] = field(default_factory=list)

    def until(self, condition: Callable[[], bool]) -> list[str]:
        """Poll until the condition holds; all names, below the folder, that were offered so far."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"not in time; offered {self.offered[-9:]}, reports {self.reports[-9:]}"
            self._poll(0.05)
        return self.offered

    def names(self, *names: str) -> list[str]:
        """Poll until each of the names was offered."""
        return self.until(lambda: set(names) <= set(self.offered))

    def count(self, count: int) -> list[str]:
        """Poll until so many were offered."""
        return self.until(lambda: len(self.offered) >= count)

    def told(self, text: str) -> list[str]:
        """Poll until a report holds the text; all reports."""
        self.until(lambda: any(text in line for line in self.reports))
        return self.reports

    def rest(self, seconds: float = 0.5) -> list[str]:
        """Poll for a while, in which nothing need come; all that was offered so far."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._poll(0.05)
        return self.offered

    def _poll(self, timeout_s: float) -> None:
        self.offered += [str(path.relative_to(self.folder)) for path in self.watch.poll(timeout_s)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def open_watch(folder: Path) -> Iterator[Callable[..., Watched]]:
    """Watch a folder, by default `folder` through inotify; closed after the test."""
    with ExitStack() as stack:

        def start(place: Path = folder, settle_s: float = 0.1, **options: Any) -> Watched:
            reports: list[str] = []
            watch = FolderWatch(place, settle_s=settle_s, report=reports.append, **options)
            return Watched(stack.enter_context(watch), place, reports)

        yield start


@pytest.fixture(params=["inotify", "polling"])
def watched(request: pytest.FixtureRequest, open_watch: Callable[..., Watched]) -> Callable[..., Watched]:
    """As `open_watch`, of either way."""

    def start(*arguments: Any, **options: Any) -> Watched:
        made = open_watch(*arguments, polling=request.param == "polling", **options)
        assert made.watch.way == request.param
        return made

    return start


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_beside() -> Iterator[Run]:
    """Run a program in a process of its own, with a folder as argument that any user may use."""
    folder = tempfile.mkdtemp(dir="/tmp")  # below tmp_path nobody but its owner may look
    Path(folder).chmod(0o777)

    def run(program: str, prefix: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        command = [*prefix, sys.executable, "-c", textwrap.dedent(program), folder]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)

    yield run
    shutil.rmtree(folder)
