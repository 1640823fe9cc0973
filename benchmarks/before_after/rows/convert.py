"""Row 6: `edgeleuk convert --int8` of InceptionV3 at 299 px, whole process with default settings, run and QAT run.

Both builds convert the same runs of 1,680 synthetic cells, which the earlier one makes without training. That build
knows no input gate; what converting takes without one (`--no-gate`) is told beside it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import Command, alternated, run
from benchmarks.models import FULL, TINY

_BAR = 0.25
_SUBJECTS, _CELLS, _FEW = 24, 70, 5
_MOST_PAIRS = 2  # each takes a quarter of an hour of two cores
_SCRIPT = Path(__file__).with_name("convert_runs_script.py")


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Of the run and of its QAT run, seconds of the process."""
    folder = _runs(before, options)
    for name in ("run", "qat-run"):
        source = folder / name
        calls = {
            "before": _conversion(before, source, options),
            "now": _conversion(now, source, options),
            "without": _conversion(now, source, options, "--no-gate"),
        }
        found = {side: tuple(values) for side, values in alternated(calls, min(options.pairs, _MOST_PAIRS)).items()}
        yield Comparison(6, f"convert --int8 {name}", "s", found["before"], found["now"], _BAR)
        yield Comparison(6, f"convert --int8 {name}, no gate now", "s", found["before"], found["without"])


def _runs(build: Build, options: Options) -> Path:
    """Folder of both runs."""
    from edgeleuk.data.synthetic.synth import write_cells

    shape, cells = (TINY, _FEW) if options.quick else (FULL, _CELLS)
    folder = options.scratch / "runs"
    write_cells(folder / "cells", subjects=_SUBJECTS, images_per_subject=cells)
    line = [str(build.python), str(_SCRIPT), str(folder), str(shape.input_size_px), str(shape.width)]
    run(Command(line, build.environment()))
    return folder


def _conversion(build: Build, source: Path, options: Options, *more: str) -> Callable[[], float]:
    made = source.with_name(f"{source.name}-{build.name}{len(more)}.tflite")
    command = Command(build.command("convert", source, "--int8", "-o", made, *more), build.environment())
    return partial(_seconds, command, options.clock)


def _seconds(command: Command, clock: str) -> float:
    found = run(command)
    return found.cpu if clock == "cpu" else found.wall
