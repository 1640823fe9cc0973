"""Section "Where it looked": what a class activation map costs, whether it is exact, and what it can be held against.

    python -m benchmarks.answers.explain model.tflite index.json

`model.tflite` is a file of `edgeleuk convert --explain`, the index one whose test split it was not trained on.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.tools import flatbuffer_utils
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.answers.rows import Row, show
from benchmarks.models import FULL, HALF, model_path
from edgeleuk.data.index import Index
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.quantization.portable import pack_model
from edgeleuk.runtime.activation_map import DenseLayer, class_maps, dense_layer, real_numbers
from edgeleuk.runtime.backend import Network
from edgeleuk.runtime.bundle import Bundle, pack, read_bundle
from edgeleuk.runtime.classifier import MAP, Classifier
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize

SECTION = "where it looked"
LATENCY_BAR, RANDOM_BAR = 0.01, 0.5
IMAGES, ROUNDS, RUNS = 100, 30, 5
_ROUND_S = 0.05
_LOGITS = "logits"
Values = NDArray[np.float32]


def rows(
    model: Path | None = None, index: Path | None = None, images: int = IMAGES, timed: Sequence[Path] | None = None
) -> list[Row]:
    """Rows of the models that are timed, by default two of random weights, and of one model on images of an index.

    A file that is missing makes a row that says so.
    """
    models = [model_path(shape, "int8") for shape in (HALF, FULL)] if timed is None else timed
    found = [row for path in models for row in latency_rows(path)]
    if model is None or index is None or not model.is_file() or not index.is_file():
        return [*found, Row(SECTION, "maps of real cells", "not run: no model of 'convert --explain' with its index")]
    looked = Looked(model)
    paths = chosen(Index.load(index), images)
    return [*found, exactness_row(looked, paths), *random_rows(looked, paths), occlusion_row(looked, paths)]


def chosen(index: Index, count: int) -> list[Path]:
    """Paths of as many images of the test split, spread over it."""
    images = index.test()
    numbers = np.unique(np.linspace(0, len(images) - 1, min(count, len(images))).astype(int))
    return [index.path_of(images[number]) for number in numbers]


def latency_rows(path: Path) -> list[Row]:
    """What the extra output costs where nobody reads the map, as without --explain, and where it is read.

    Beside it what a model costs beside itself. CPU time on one thread, A B A B.
    """
    content = read_bundle(path).flatbuffer
    plain, given = Network(content, path), Network(expose_outputs(content, (MAP,)), path, extra=(MAP,))
    values = np.zeros(plain.input_shape, plain.input["dtype"])
    ways: dict[str, Callable[[], Any]] = {
        "giving out the map": lambda: given.scores(values),
        "reading it, too": lambda: given.scores_and_extra(values, (MAP,)),
        "the same model beside itself": lambda: plain.scores(values),
    }
    made: list[Row] = []
    for name, way in ways.items():
        middle, low, high = ratio(lambda: plain.scores(values), way)
        value = f"{100 * (middle - 1):+.2f} % ({100 * (low - 1):+.2f} to {100 * (high - 1):+.2f})"
        barred = (f"<= {100 * LATENCY_BAR:g} %", middle <= 1 + LATENCY_BAR) if not made else ("", None)
        made.append(Row(SECTION, f"{path.stem}: latency of {name}", value, *barred))
    return made


def ratio(one: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float, float]:
    """Median over rounds of other's time over one's, with its 95 % percentile bootstrap interval."""
    runs = max(RUNS, int(_ROUND_S / max(_time_of(one, RUNS), _time_of(other, RUNS))))
    found = np.asarray([_time_of(other, runs) / _time_of(one, runs) for _ in range(ROUNDS)])
    drawn = np.random.default_rng(0).choice(found, (2000, len(found)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(np.median(found)), float(low), float(high)


def _time_of(run: Callable[[], Any], runs: int) -> float:
    """Least CPU time, s, of some runs: what else the machine does counts little.

    A virtual machine's clock may stand still where a thread moves to another core: what took no time was not timed.
    """
    times = []
    for _ in range(runs):
        started = time.thread_time()
        run()
        times.append(time.thread_time() - started)
    return min((each for each in times if each > 0), default=time.get_clock_info("thread_time").resolution)


class Looked:
    """A model that gives out its map and, for this, the logits that its last layer makes."""

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        """`content`: another flatbuffer of the same graph. Raises ModelError if the model gives out no map."""
        bundle = read_bundle(path)
        self.path, self.content = path, bundle.flatbuffer if content is None else content
        spec = bundle.require_spec(path)
        self.classifier = Classifier(Bundle(pack(self.content, spec, {}, frozenset()), spec), path, 1)
        extra = (*spec.extra_outputs, _LOGITS)
        self.network = Network(with_logits(self.content), path, 1, extra=extra)
        self.layer: DenseLayer = dense_layer(self.network)

    def pixels(self, path: Path) -> NDArray[np.uint8]:
        """What the network is to see of an image, uint8 [size, size, 3], its colours as they are."""
        return cut_and_resize(decode_image(path), self.classifier.spec.preprocessing)

    def ask(self, pixels: NDArray[np.uint8]) -> tuple[Values, Values]:
        """Maps of all classes [height, width, classes], less their mean over the classes, and the logits [classes]."""
        values = self.classifier.encode(constant_colours(pixels, self.classifier.spec.preprocessing))
        _, extra = self.network.scores_and_extra(values, (MAP, _LOGITS))
        features, logits = (
            real_numbers(extra[name][0], *self.network.extra[name]["quantization"]) for name in (MAP, _LOGITS)
        )
        return class_maps(features, self.layer.centred()), logits


def with_logits(content: bytes) -> bytes:
    """The same network that gives out what its last dense layer makes, behind all else."""
    graph = read_graph(content)
    dense = [operator for operator in graph.operators if operator.name in ("FULLY_CONNECTED", "CONV_2D")][-1]
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    parsed.subgraphs[0].outputs = [*parsed.subgraphs[0].outputs, dense.outputs[0]]
    parsed.signatureDefs = None
    return pack_model(parsed)


def exactness_row(looked: Looked, paths: Sequence[Path]) -> Row:
    """Mean of the map and bias less the logit: no more than rounding of the pooled features and the logit allows."""
    layer, graph = looked.layer.centred(), read_graph(looked.content)
    dense = [operator for operator in graph.operators if operator.name in ("FULLY_CONNECTED", "CONV_2D")][-1]
    steps = [graph.tensors[tensor].scale or 0.0 for tensor in (dense.inputs[0], dense.outputs[0])]
    allowed = float(np.abs(layer.weights).sum(axis=1).max() * steps[0] / 2 + steps[1])
    worst = 0.0
    for path in paths:
        maps, logits = looked.ask(looked.pixels(path))
        made = maps.mean(axis=(0, 1)) + layer.bias
        worst = max(worst, float(np.abs(made - (logits - logits.mean())).max()))
    value = f"{worst:.3f} at most, {worst / (steps[1] or 1):.1f} steps of the logit"
    return Row(
        SECTION, "mean of the map and bias less the logit", value, f"<= {allowed:.3f}, by rounding", worst <= allowed
    )


def random_rows(looked: Looked, paths: Sequence[Path]) -> list[Row]:
    """Adebayo et al. 2018: maps of the same cells by the same network with its weights shuffled within each tensor."""
    made = []
    for what, layers in (("of the last layer", 1), ("of all layers", None)):
        other = Looked(looked.path, shuffled(looked.content, layers))
        found = [_likeness(looked, other, path) for path in paths]
        (middle, low, high), size = mean_of(found), float(np.abs(found).mean())
        value = (
            f"{middle:+.2f} ({low:+.2f} to {high:+.2f}) rank correlation, {size:.2f} without signs, {len(paths)} cells"
        )
        met = abs(middle) <= RANDOM_BAR
        made.append(Row(SECTION, f"maps with shuffled weights {what}", value, f"within +-{RANDOM_BAR:g}", met))
    return made


def _likeness(looked: Looked, other: Looked, path: Path) -> float:
    """Rank correlation of the two maps of the class that the first answers."""
    pixels = looked.pixels(path)
    maps, logits = looked.ask(pixels)
    label = int(logits.argmax())
    return rank_correlation(maps[..., label], other.ask(pixels)[0][..., label])


def shuffled(content: bytes, last: int | None = None, seed: int = 0) -> bytes:
    """The same graph with the weights of its last layers (None: of all) shuffled within each tensor."""
    random, graph = np.random.default_rng(seed), read_graph(content)
    layers = [o for o in graph.operators if o.name in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")]
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    main = parsed.subgraphs[0]
    for tensor in {operator.inputs[1] for operator in layers[-(last or 0) :]}:
        buffer = parsed.buffers[main.tensors[tensor].buffer]
        size = np.dtype(graph.tensors[tensor].dtype).itemsize
        codes = np.frombuffer(bytes(buffer.data), np.uint8).reshape(-1, size)
        buffer.data = random.permutation(codes).ravel()
    return pack_model(parsed)


def occlusion_row(looked: Looked, paths: Sequence[Path]) -> Row:
    """The map beside what happens to the logit where each of its places is hidden below the picture's mean colour."""
    found = []
    for path in paths:
        pixels = looked.pixels(path)
        maps, logits = looked.ask(pixels)
        label = int(logits.argmax())
        found.append(rank_correlation(maps[..., label], occlusion(looked, pixels, label, maps.shape[:2])))
    middle, low, high = mean_of(found)
    height, width, _ = maps.shape
    value = f"{middle:+.2f} ({low:+.2f} to {high:+.2f}) rank correlation, {len(paths)} cells, {height} x {width} places"
    return Row(SECTION, "map beside occlusion", value)


def occlusion(looked: Looked, pixels: NDArray[np.uint8], label: int, places: tuple[int, ...]) -> Values:
    """Float32 of the map's shape: by how much the centred logit falls if that place is hidden.

    Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks".
    """
    bias = looked.layer.centred().bias[label]

    def logit(seen: NDArray[np.uint8]) -> float:
        return float(looked.ask(seen)[0][..., label].mean() + bias)

    whole, mean = logit(pixels), np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8)
    rows_at, columns_at = (np.linspace(0, len(pixels), count + 1).astype(int) for count in places)
    falls = np.zeros(places, np.float32)
    for row, column in np.ndindex(*places):
        hidden = pixels.copy()
        hidden[rows_at[row] : rows_at[row + 1], columns_at[column] : columns_at[column + 1]] = mean
        falls[row, column] = whole - logit(hidden)
    return falls


def rank_correlation(one: Values, other: Values) -> float:
    """Spearman's; 0 where one of them is the same everywhere and ranks nothing."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def mean_of(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean with its 95 % percentile bootstrap interval over images."""
    drawn = np.random.default_rng(0).choice(np.asarray(values), (2000, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(np.mean(values)), float(low), float(high)


def main() -> None:
    """Print every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--timed", type=Path, action="append", help="time this model; default: two of random weights")
    given = parser.parse_args()
    show(rows(given.model, given.index, given.images, given.timed))


if __name__ == "__main__":
    main()
