"""Row 7: an epoch of `train` over a bare Keras `fit` on decoded arrays, and the peak memory of the command.

The network has half width at 160 px and both cores. Of this build, training images are changed as far as the earlier
one knew (`--robust off`). A bare fit decodes nothing, augments nothing and holds all images as float32.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import alternated
from benchmarks.before_after.training_data import SETTINGS, Shape, cells_of, index_of, shape_of, train_command
from benchmarks.before_after.turns import Worker
from benchmarks.peak import peak_mib

_BAR, _MEMORY_BAR = 0.95, 1.0
_EPOCHS, _COMMANDS = 5, 3  # at most
_SCRIPT = Path(__file__).with_name("train_calls.py")


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Images a second of both builds and of a bare fit in this one's process; peak memory of one epoch's command."""
    shape, folder = shape_of(options), cells_of(options)
    indexes = {build.name: index_of(build, folder, options) for build in (before, now)}
    yield _speed({build.name: build for build in (before, now)}, indexes, shape, options)
    calls = {build.name: partial(_peak_mib, build, indexes[build.name], shape, options) for build in (before, now)}
    peaks = alternated(calls, min(options.pairs, _COMMANDS))
    yield Comparison(7, "train, peak memory", "MiB", tuple(peaks["before"]), tuple(peaks["now"]), _MEMORY_BAR)


def _speed(builds: dict[str, Build], indexes: dict[str, Path], shape: Shape, options: Options) -> Comparison:
    workers = {
        name: Worker(build, _SCRIPT, {"index": str(indexes[name]), "batch_size": 32, "crop": 450, **shape.arguments})
        for name, build in builds.items()
    }
    calls = {
        f"{name} {call}": partial(_seconds, worker, call, options.clock)
        for name, worker in workers.items()
        for call in ("epoch", "bare")
        if (name, call) != ("before", "bare")
    }
    seconds = alternated(calls, min(options.pairs, _EPOCHS))
    for worker in workers.values():
        worker.close()
    rates = {name: tuple(shape.images / each for each in values) for name, values in seconds.items()}
    earlier, found, bare = rates["before epoch"], rates["now epoch"], rates["now bare"]
    return Comparison(7, "train, epoch", "images/s", earlier, found, _BAR, at_least=True, peer=bare)


def _seconds(worker: Worker, call: str, clock: str) -> float:
    return worker.seconds(call, 1, clock)[0]


def _peak_mib(build: Build, index: Path, shape: Shape, options: Options) -> float:
    """Peak resident memory of `train`, one epoch."""
    out = options.scratch / "memory-run"
    shutil.rmtree(out, ignore_errors=True)
    extra = ["--robust", "off"] if build.name == "now" else []
    return peak_mib(train_command(build, index, out, shape, [*SETTINGS, *extra]), build.environment())
