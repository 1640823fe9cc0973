"""Row 12: instructions of an inference and of a decision from a file, of both builds, on emulated cores.

Counted, not timed (deploy/EMULATE.md): one run of each build, by the same model files. Needs what `make emulate` needs.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.before_after.builds import ROOT, Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.measure import progress
from benchmarks.models import default_cache

_BAR = 1.03
_COUNTS = ROOT / "deploy/emulation/counts.py"
_UNAVAILABLE = 75  # as deploy/emulate.sh


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """A comparison of each figure on each core, in millions of instructions; none where no Pi can be emulated."""
    models = (options.cache or default_cache()) / "counts"
    earlier, found = (_counted(build, models, options.scratch) for build in (before, now))
    for core, figures in found.items():
        for name, instructions in figures.items():
            was = earlier[core][name]
            yield Comparison(12, f"{core}, {name}", "M instructions", (was / 1e6,), (instructions / 1e6,), _BAR)


def _counted(build: Build, models: Path, scratch: Path) -> dict[str, dict[str, int]]:
    record = scratch / f"counts-{build.name}.json"
    options = ("--code", build.root, "--models", models, "--json", record)
    done = subprocess.run([sys.executable, *map(str, (_COUNTS, *options))], check=False, capture_output=True, text=True)
    if done.returncode == _UNAVAILABLE:
        progress(f"no emulated Pi here, so instructions are left out: {done.stderr.strip()}")
        return {}
    if not record.exists():
        raise SystemExit(f"instructions of {build.root} could not be counted:\n{done.stdout}{done.stderr}")
    content: dict[str, Any] = json.loads(record.read_text())
    found: dict[str, dict[str, int]] = content["instructions"]
    return found
