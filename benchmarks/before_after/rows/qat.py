"""Row 8: `qat` as a whole process, one epoch, of a float run of half width at 160 px."""

import shutil
from collections.abc import Iterator
from functools import partial

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import Command, alternated, run
from benchmarks.before_after.training_data import float_run

_BAR = 0.6
_RUNS = 3  # at most


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Each build goes on from a run of its own."""
    calls = {build.name: partial(_seconds, build, options) for build in (before, now)}
    found = alternated(calls, min(options.pairs, _RUNS))
    yield Comparison(8, "qat, one epoch", "s", tuple(found["before"]), tuple(found["now"]), _BAR)


def _seconds(build: Build, options: Options) -> float:
    source, out = float_run(build, options), options.scratch / f"{build.name}-qat-run"
    shutil.rmtree(out, ignore_errors=True)
    line = build.command("qat", source, "-o", out, "--epochs", "1")
    return float(getattr(run(Command(line, build.environment())), options.clock))
