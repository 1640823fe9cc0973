"""Row 11: `edgeleuk demo`, which is what `make demo` runs once the environment is there. `quick` leaves it out."""

import shutil
from collections.abc import Iterator
from functools import partial

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import Command, alternated, run

_BAR = 2 / 4.5  # minutes, as the target says
_RUNS = 2  # at most, besides the one that is not counted


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Both whole demos, with their benchmarks."""
    if options.quick:
        return
    calls = {build.name: partial(_seconds, build, options) for build in (before, now)}
    found = alternated(calls, min(options.pairs, _RUNS))
    yield Comparison(11, "demo", "s", tuple(found["before"]), tuple(found["now"]), _BAR)


def _seconds(build: Build, options: Options) -> float:
    out = options.scratch / f"{build.name}-demo"
    shutil.rmtree(out, ignore_errors=True)
    command = Command(build.command("demo", "-o", out), build.environment())
    return float(getattr(run(command), options.clock))
