"""What rewriting for the delegate brings: pieces of the int8 graph, time against the stock graph, and what it changes.

The stock graph is the converter's own of InceptionV3 as `tf_keras` has it, quantized in the same two ways.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, finish, interleave, median_figure, parser, ratios
from benchmarks.models import FULL, SHAPES, Shape, default_cache, network, noise, spec
from edgeleuk.device.delegate import coverage
from edgeleuk.files import whole_file
from edgeleuk.runtime.backend import Network

SPEED_BAR, DIFFERENCE_BAR = 1.25, 1e-3
KINDS, GRAPHS = ("PTQ", "QAT"), ("stock", "uncorrected", "rewritten")
_CALIBRATION_IMAGES = 4
_PAUSE_S = 0.01


def main() -> int:
    """Measure, or make the models where --make asks for it; returns the exit code."""
    arguments = _arguments()
    shape, folder = SHAPES[arguments.shape], arguments.cache or default_cache()
    if arguments.make:
        _make(shape, folder)
        return 0
    if not all(path.exists() for path in [*_paths(shape, folder).values(), _difference_path(shape, folder)]):
        # In a process of its own, for TensorFlow's threads stay out of what is timed.
        command = [sys.executable, "-m", "benchmarks.rewriting", "--make", "--shape", shape.name, "--cache", folder]
        subprocess.run(command, check=True)
    figures = [*_pieces(shape, folder), *_differences(shape, folder)]
    for threads in arguments.threads:
        figures += _times(shape, folder, threads, arguments.rounds)
    return finish(f"rewriting, {shape.name}", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--shape", choices=list(SHAPES), default=FULL.name, help="network; the bars are for full-299")
    made.add_argument("--rounds", type=int, default=100, help="runs of each, in turn")
    made.add_argument("--threads", type=int, action="append", help="threads of the interpreter [1, then 2]")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    made.add_argument("--make", action="store_true", help="only make the models")
    given = made.parse_args()
    given.threads = given.threads or [1, 2]
    return given


def _paths(shape: Shape, folder: Path) -> dict[tuple[str, str], Path]:
    return {
        (kind, graph): folder / f"rewriting-{shape.name}-{kind.lower()}-{graph}.tflite"
        for kind in KINDS
        for graph in GRAPHS
    }


def _difference_path(shape: Shape, folder: Path) -> Path:
    return folder / f"rewriting-{shape.name}-differences.npy"


def _make(shape: Shape, folder: Path) -> None:
    """Write the six models, and how far the features of the rewritten float networks are from those of the stock."""
    from edgeleuk.keras.rewrite import rewrite
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8

    stock = network(shape, pools="average")
    _settle(stock, np.concatenate(noise(shape, _CALIBRATION_IMAGES)))
    networks = {
        "stock": stock,
        "uncorrected": rewrite(stock, exact_border=False).network,
        "rewritten": rewrite(stock).network,
    }
    input_range = spec(shape).preprocessing.on_int8_grid().input_range
    for graph, model in networks.items():
        made = {
            "PTQ": quantize_int8(convert_float(model), noise(shape, _CALIBRATION_IMAGES), input_range),
            "QAT": _quantization_aware(model, shape),
        }
        for kind, content in made.items():
            with whole_file(_paths(shape, folder)[kind, graph]) as partial_file:
                partial_file.write_bytes(content)
    features = [_features(model, shape) for model in networks.values()]
    errors = [np.abs(found - features[0]).mean() / np.abs(features[0]).mean() for found in features[1:]]
    with whole_file(_difference_path(shape, folder)) as partial_file, partial_file.open("wb") as stream:
        np.save(stream, np.array(errors))


def _settle(model: Any, images: NDArray[np.float32]) -> None:
    """Give batch normalization the statistics of these images: with those it starts with, features all but vanish."""
    layers = [layer for layer in model.layers if hasattr(layer, "moving_variance")]
    for layer in layers:
        layer.momentum = 0.0
    model(images, training=True)


def _quantization_aware(model: Any, shape: Shape) -> bytes:
    """With ranges set as `edgeleuk qat` sets them, before the first step."""
    from edgeleuk.quantization.freeze import convert_quantization_aware
    from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges

    ranges = share_ranges(model, measure_ranges(model, noise(shape, _CALIBRATION_IMAGES)))
    quantized = quantize_network(model)
    set_ranges(quantized, ranges, spec(shape).preprocessing.on_int8_grid().input_range)
    return convert_quantization_aware(quantized)


def _features(model: Any, shape: Shape) -> NDArray[np.float32]:
    """What the last block makes of noise."""
    from edgeleuk.keras.framework import tf_keras

    backbone = tf_keras.Model(model.input, model.get_layer("mixed10").output)
    return np.asarray(backbone.predict_on_batch(np.concatenate(noise(shape, _CALIBRATION_IMAGES))))


def _pieces(shape: Shape, folder: Path) -> Iterator[Figure]:
    for (kind, graph), path in _paths(shape, folder).items():
        found = coverage(Network(path.read_bytes(), path).operations())
        if found is not None:
            bar = 1 if graph == "rewritten" else None
            yield Figure(f"{kind}, {graph}: delegate partitions", found.partitions, "", bar)


def _differences(shape: Shape, folder: Path) -> Iterator[Figure]:
    for graph, error in zip(GRAPHS[1:], np.load(_difference_path(shape, folder)), strict=True):
        bar = DIFFERENCE_BAR if graph == "rewritten" else None
        yield Figure(f"float, {graph}: mean |features - stock's| / mean |stock's|", float(error), "", bar)


def _times(shape: Shape, folder: Path, threads: int, rounds: int) -> Iterator[Figure]:
    networks = {key: Network(path.read_bytes(), path, threads) for key, path in _paths(shape, folder).items()}
    values = np.zeros(next(iter(networks.values())).input_shape, np.int8)
    calls = {f"{kind}, {graph}": partial(network.invoke, values) for (kind, graph), network in networks.items()}
    seconds = interleave(calls, rounds, warm_up=10, pause_s=_PAUSE_S)
    count = f"{threads} thread{'s' if threads > 1 else ''}"
    for name, samples in seconds.items():
        yield median_figure(f"{name}, {count}", [1000 * value for value in samples], "ms")
    for kind in KINDS:
        faster = ratios(seconds[f"{kind}, stock"], seconds[f"{kind}, rewritten"])
        bar = SPEED_BAR if shape == FULL else None
        yield median_figure(f"{kind}, {count}: times faster than the stock graph", faster, "x", bar, at_least=True)
        cost = ratios(seconds[f"{kind}, rewritten"], seconds[f"{kind}, uncorrected"])
        yield median_figure(f"{kind}, {count}: rewritten over uncorrected", cost, "x")


if __name__ == "__main__":
    sys.exit(main())
