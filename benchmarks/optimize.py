"""What a search found, against the converter's stock int8 InceptionV3 at 299 px and the best float network it trained.

`--found` takes the folder that `edgeleuk optimize` wrote; `--index` searches first, with the options that follow `--`;
without either, synthetic cells are searched, in minutes. The stock graph has random weights, which latency does not
depend on, and takes the same field of view. Accuracy is that of the test part, which no search has seen. With
`--folder` it goes on where it was ended.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Figure, finish, interleave, median_figure, parser, positive, ratios
from benchmarks.models import FULL, synthetic_index
from edgeleuk.data.index import Index
from edgeleuk.optimize.record import SearchRecord, read_search
from edgeleuk.runtime.classifier import Classifier

SPEED_BAR, WHOLE_BAR, SIZE_BAR, MARGIN_BAR, OVERHEAD_BAR = 60.0, 30.0, 6.0, 1.0, 2.0
_QUICK = (
    "--budget",
    "invoke",
    "--budget-ms",
    "1",
    "--input-sizes",
    "75,96",
    "--widths",
    "0.125,0.25",
    "--trials",
    "6",
    "--cohort",
    "6",
)
_CALIBRATION_IMAGES = 4


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    if arguments.make:
        _make_stock(arguments.make, arguments.like)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        found = arguments.found or _searched(folder, arguments)
        record = read_search(found / "search.json")
        if record.chosen is None:
            print(f"{found} chose no model: {'; '.join(record.notes)}")
            return 1
        model, stock = found / "model.tflite", folder / "stock-299-int8.tflite"
        if not stock.exists():
            make_stock(stock, model)
        images = test_images(found, arguments.images)
        figures = [*_times(stock, model, images, arguments), *_accuracy(found, record), *_search(model, record)]
    return finish("optimize", figures, arguments, search=json.loads(record.to_json())["sha256"])


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--found", type=Path, help="folder of a complete search")
    made.add_argument("--index", type=Path, help="index.json with a test part, to be searched")
    made.add_argument(
        "--folder", type=Path, help="keep cells, search and stock model here, and go on with what is there"
    )
    made.add_argument("--threads", type=positive, default=1, help="threads of each inference")
    made.add_argument("--rounds", type=positive, default=200, help="inferences of each, in turn")
    made.add_argument("--images", type=positive, default=100, help="test images that go from file to decision")
    made.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    made.add_argument("--like", type=Path, help=argparse.SUPPRESS)
    made.add_argument("options", nargs="*", help="of 'edgeleuk optimize', after --")
    given = made.parse_args()
    if given.found and (given.index or given.options):
        made.error("--found is a search that is through; leave --index and options out")
    return given


def _searched(folder: Path, arguments: argparse.Namespace) -> Path:
    """The folder of a search, done or gone on with through the command. Its exit code is the gate's, not looked at."""
    found, index = folder / "search", arguments.index or synthetic_index(folder, 36, 30)
    options = arguments.options or _QUICK
    command = [sys.executable, "-m", "edgeleuk", "optimize", str(index), *options, "--resume", "-o", str(found)]
    print(shlex.join(command), file=sys.stderr, flush=True)
    subprocess.run(command, check=False, stdout=sys.stderr)
    return found


def make_stock(path: Path, like: Path) -> None:
    """Stock InceptionV3 for the classes and images of a model, in a process of its own: TensorFlow's threads stay out
    of what is timed. Raises subprocess.CalledProcessError where it cannot be made.
    """
    line = [sys.executable, "-m", "benchmarks.optimize", "--make", str(path), "--like", str(like)]
    subprocess.run(line, check=True, stdout=sys.stderr)


def _make_stock(path: Path, like: Path) -> None:
    """Stock InceptionV3, post-training int8 with its average pools, for the classes and images of the model `like`."""
    import dataclasses

    from benchmarks.models import network, noise
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8
    from edgeleuk.quantization.proof import check_int8, examine
    from edgeleuk.runtime.bundle import read_bundle, write_bundle
    from edgeleuk.spec import ModelSpec

    spec = read_bundle(like).require_spec(like)
    shown = dataclasses.replace(spec.preprocessing, input_size_px=FULL.input_size_px)
    spec = ModelSpec(spec.classes, shown, positive_class=spec.positive_class)  # the rest is of the other network
    stock = network(FULL, "average", classes=len(spec.classes))
    content = quantize_int8(convert_float(stock), noise(FULL, _CALIBRATION_IMAGES), shown.input_range)
    proof = examine(content, "int8", shown)
    check_int8(proof)
    write_bundle(path, content, spec, proof.to_dict(), frozenset())


def test_images(found: Path, count: int) -> list[Path]:
    """At most about so many test images of a search, evenly from all. Raises SystemExit if it has none."""
    index = Index.load(found / "index.json")
    images = index.test()
    if not images:
        sys.exit(f"{found} has no test part; split the images with 'edgeleuk data split --test-fraction 0.25'")
    return [index.path_of(image) for image in images[:: max(1, len(images) // count)][:count]]


def _times(stock: Path, model: Path, images: list[Path], arguments: argparse.Namespace) -> list[Figure]:
    classifiers = {
        name: Classifier.load(path, arguments.threads) for name, path in (("stock", stock), ("found", model))
    }
    invokes = {
        name: partial(each.network.invoke, np.zeros(each.network.input_shape, np.int8))
        for name, each in classifiers.items()
    }
    bare = interleave(invokes, arguments.rounds, warm_up=10)
    whole: dict[str, list[float]] = {name: [] for name in classifiers}
    for image in images:
        calls = {name: partial(each.predict, image) for name, each in classifiers.items()}
        for name, samples in interleave(calls, 1, warm_up=1).items():
            whole[name] += samples
    made = []
    for what, times, bar in (("inference", bare, SPEED_BAR), ("from image file to decision", whole, WHOLE_BAR)):
        for name, samples in times.items():
            made.append(median_figure(f"{what}, {name}", [1000 * each for each in samples], "ms"))
        faster = ratios(times["stock"], times["found"])
        made.append(median_figure(f"{what}: times faster than stock int8", faster, "x", bar, at_least=True))
    return made


def _accuracy(found: Path, record: SearchRecord) -> list[Figure]:
    """Held against the most accurate float network, once more, by `edgeleuk evaluate`."""
    assert record.reference is not None
    assert record.gate_split is not None
    command = [sys.executable, "-m", "edgeleuk", "evaluate", str(found / "model.tflite"), str(found / "index.json")]
    command += ["--split", record.gate_split, "--against", str(found / record.reference.run), "--json"]
    command += ["--max-drop", f"{MARGIN_BAR:g}pt"]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    result: dict[str, Any] = json.loads(done.stdout)["against"]["result"]
    bounds = result["bounds"]
    low = -100.0 if bounds is None else 100 * bounds["low"]
    print(f"not worse by {MARGIN_BAR:g} points, on {result['units']} {result['unit']}s: {result['verdict']}")
    return [
        Figure(f"accuracy, best float network ({record.reference.origin})", 100 * result["reference_accuracy"], "%"),
        Figure("accuracy, found int8 model", 100 * result["candidate_accuracy"], "%"),
        Figure("most points lost, with 95 % confidence", -low, "points", MARGIN_BAR),
    ]


def _search(model: Path, record: SearchRecord) -> list[Figure]:
    return [
        Figure("file of the found model", model.stat().st_size / 1e6, "MB", SIZE_BAR),
        Figure("candidates trained", len(record.trials), ""),
        Figure("time of the search", record.spent.total_s / 60, "minutes"),
        Figure("overhead of the search", 100 * record.spent.overhead_share, "%", OVERHEAD_BAR),
    ]


if __name__ == "__main__":
    sys.exit(main())
