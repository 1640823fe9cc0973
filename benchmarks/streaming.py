"""What streaming many images costs: throughput against the bare interpreter, peak memory, and that of one image."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from benchmarks.measure import Figure, finish, interleave, median_figure, parser, ratios
from benchmarks.models import FULL, HALF, TINY, cell_image, model_path, write_images
from benchmarks.peak import peak_mib
from edgeleuk.classify.crew import Crew
from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import recorded
from edgeleuk.classify.rows import Row
from edgeleuk.classify.steps import Steps
from edgeleuk.runtime import Classifier
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.store import Store

THROUGHPUT_BAR = 1.3  # on two cores
GROWTH_BAR_MIB, ONE_IMAGE_BAR = 5.0, 1.25
_EDGELEUK = (sys.executable, "-m", "edgeleuk")
_PLAIN = str(Path(__file__).with_name("plain_infer.py"))


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        write_images(Path(scratch) / "cells", arguments.images // 8)
        files = sorted((Path(scratch) / "cells").rglob("*.bmp"))
        figures = [
            *(figure for shape in (HALF, FULL) for figure in _throughput(shape.name, files, arguments)),
            *_memory_growth(files, Path(scratch), arguments),
            *_one_image(arguments),
        ]
    return finish("streaming", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--images", type=int, default=96, help="450x450 BMPs to stream over and over")
    made.add_argument("--rounds", type=int, default=5, help="passes of each, in turn")
    made.add_argument("--threads", type=int, default=2, help="cores: images that are worked on at once")
    made.add_argument("--many", type=int, default=10_000, help="images of the long stream")
    made.add_argument("--pairs", type=int, default=5, help="processes of each for memory, in turn")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    return made.parse_args()


def _throughput(name: str, files: Sequence[Path], arguments: argparse.Namespace) -> list[Figure]:
    """A pass over the files through the stream, without and with a store, against as many bare invokes."""
    shape = {HALF.name: HALF, FULL.name: FULL}[name]
    path = model_path(shape, "int8", arguments.cache)
    classifier, workers = Classifier.load(path, 1), arguments.threads
    classifier.run_at_once(workers)
    classifier.predict(files[0])
    with _stored_stream(path, arguments) as stored:
        calls = {
            "bare invoke": lambda: [classifier.network._interpreter.invoke() for _ in files],
            "predict_many": lambda: list(classifier.predict_many(files, workers)),
            "infer --store": lambda: stored(files),
            "prepare": lambda: [classifier.prepare(file) for file in files],
        }
        seconds = interleave(calls, arguments.rounds)
    figures = [
        median_figure(f"{name}: {call}", [1000 * s / len(files) for s in found], "ms/image")
        for call, found in seconds.items()
    ]
    for call in ("predict_many", "infer --store"):
        share = ratios(seconds["bare invoke"], seconds[call])
        figures.append(
            median_figure(f"{name}: throughput, {call} over bare", share, "x", THROUGHPUT_BAR, at_least=True)
        )
    return figures


def infer_into(store: Store, model: Model, files: Sequence[Path], workers: int = 2) -> list[Row]:
    """Stream files through a model into a store, as `infer --store` does."""
    with Store.open(store.path, read_only=True) as reader:
        rows = Steps(model, reader).rows([[file] for file in files], workers)
        return [row for row in recorded(rows, store, "file") if row is not None]


@contextmanager
def _stored_stream(path: Path, arguments: argparse.Namespace) -> Iterator[Callable[[Sequence[Path]], None]]:
    """A call that streams files into a new store each time, as `infer --store` does."""
    crew = Crew.of_many(arguments.threads)
    model = Model.of(read_bundle(path), path, crew.threads)
    crew.equip(model.classifier)
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(1 << 30))

        def stream(files: Sequence[Path]) -> None:
            with Store.open(Path(folder) / f"{next(numbers)}.db") as store:
                infer_into(store, model, files, crew.workers)

        yield stream


def _memory_growth(files: Sequence[Path], scratch: Path, arguments: argparse.Namespace) -> list[Figure]:
    """Peak of `edgeleuk infer --store` in fresh processes, over few images and over many, all of other content."""
    model = model_path(TINY, "int8", arguments.cache)
    peaks: dict[int, float] = {}
    for count in (100, arguments.many):
        folder = scratch / str(count)
        folder.mkdir()
        for number, source in enumerate(islice(cycle(files), count)):
            content = source.read_bytes()
            (folder / f"{number:06}.bmp").write_bytes(content[:-4] + number.to_bytes(4, "big"))
        command = (*_EDGELEUK, "infer", model, folder, "--store", scratch / f"{count}.db")
        peaks[count] = peak_mib([str(part) for part in command])
    few, many = peaks.values()
    return [
        Figure("infer --store: peak memory, 100 images", few, "MiB"),
        Figure(f"infer --store: peak memory, {arguments.many:,} images", many, "MiB"),
        Figure("infer --store: growth of peak memory", many - few, "MiB", GROWTH_BAR_MIB),
    ]


def _one_image(arguments: argparse.Namespace) -> list[Figure]:
    model, image = model_path(FULL, "int8", arguments.cache), cell_image(arguments.cache)
    ways = {
        "edgeleuk infer": partial(peak_mib, [*_EDGELEUK, "infer", str(model), str(image)]),
        "plain script": partial(peak_mib, [sys.executable, _PLAIN, str(model), str(image)]),
    }
    peaks = {name: [way() for _ in range(arguments.pairs)] for name, way in ways.items()}
    figures = [median_figure(f"{FULL.name}: peak memory, {name}", found, "MiB") for name, found in peaks.items()]
    over = ratios(peaks["edgeleuk infer"], peaks["plain script"])
    return [*figures, median_figure(f"{FULL.name}: peak memory, infer over plain", over, "x", ONE_IMAGE_BAR)]


if __name__ == "__main__":
    sys.exit(main())
