"""Row 4: `edgeleuk infer DIR --store` as a process on two cores, in images/s, over bare inference on one thread."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.processes import Command, alternated, run
from benchmarks.before_after.turns import Side, started
from benchmarks.models import HALF, model_path, write_images

_BAR = 1.3
_IMAGES, _FEW = 10_000, 64
_MOST_ROUNDS = 6  # each streams everything twice; six are the fewest with an interval
_BARE_CALLS = 1_000
_CORES = 2
_INVOKE = Path(__file__).with_name("decision_calls.py")


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Throughput of InceptionV3 at 160 px and half width. By processor time it is that of one core, and has no bar."""
    count = _FEW if options.quick else _IMAGES
    model = model_path(HALF, "int8", options.cache)
    folder = write_stream(options.scratch / "stream", count)
    with _bare(now, model, folder, options) as bare:
        calls = {build.name: _Stream(build, model, folder, count, options) for build in (before, now)}
        found = alternated(calls | {"bare": bare}, min(options.pairs, _MOST_ROUNDS))
    shutil.rmtree(folder)
    title = f"infer DIR --store, {count:,} images"
    bar = _BAR if options.clock == "wall" else None
    sides = {name: tuple(values) for name, values in found.items()}
    yield Comparison(4, title, "img/s", sides["before"], sides["now"], bar, at_least=True, peer=sides["bare"])


def write_stream(folder: Path, count: int) -> Path:
    """So many BMP files of different content: synthetic cells, of which each copy's last pixels differ."""
    sources = [path.read_bytes() for path in write_images(folder.with_name("cells"), 12)]
    folder.mkdir()
    for number, content in enumerate(islice(cycle(sources), count)):
        (folder / f"{number:06}.bmp").write_bytes(content[:-4] + number.to_bytes(4, "big"))
    return folder


class _Stream:
    """Images per second of one build over the folder, into a new store each time."""

    def __init__(self, build: Build, model: Path, folder: Path, count: int, options: Options) -> None:
        """Take the build and what it is to do."""
        self._build, self._model, self._folder, self._count = build, model, folder, count
        self._store, self._clock = options.scratch / f"{build.name}.db", options.clock
        self._cores = frozenset(sorted(os.sched_getaffinity(0))[-_CORES:])

    def __call__(self) -> float:
        for file in self._store.parent.glob(f"{self._store.name}*"):
            file.unlink()
        line = self._build.command("infer", self._model, self._folder, "--store", self._store)
        found = run(Command(line, self._build.environment(), self._cores))
        return self._count / (found.cpu if self._clock == "cpu" else found.wall)


@contextmanager
def _bare(build: Build, model: Path, folder: Path, options: Options) -> Iterator[Callable[[], float]]:
    """Bare inferences per second on one thread."""
    arguments = {"model": str(model), "image": str(next(folder.iterdir()))}
    with started([Side("bare", build, _INVOKE, arguments)], options) as workers:
        calls = options.calls if options.quick else _BARE_CALLS
        yield lambda: calls / sum(workers["bare"].seconds("invoke", calls, options.clock))
