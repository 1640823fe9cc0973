"""What running a network costs by its size: multiply-accumulate operations for time, the file for memory."""

import argparse
import json
import sys
import time
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from benchmarks.measure import MIB, interleave
from benchmarks.models import SHAPES, Shape, model_path
from benchmarks.scale_data import Point, cost, fresh, in_turn
from edgeleuk.runtime.graph import Graph, read_graph

SIZES_PX, WIDTHS = (96, 128, 160, 224, 299), (0.25, 0.5, 1.0)
QUICK = ((75, 0.125), (96, 0.125), (75, 0.25))


def grid(quick: bool) -> list[Shape]:
    """Every input size with every width, or three tiny networks; those with a name keep it."""
    named = {(shape.input_size_px, shape.width): shape for shape in SHAPES.values()}
    wanted = QUICK if quick else [(size, width) for width in WIDTHS for size in SIZES_PX]
    return [named.get((size, width), Shape(f"scale-{size}-{width:g}", size, width)) for size, width in wanted]


def macs(graph: Graph) -> int:
    """Multiply-accumulate operations of one run: those of convolutions and dense layers, all others count nothing.

    Each value of an output takes one for each weight that it meets. From the shapes of output and weights:

        CONV_2D            [N, H, W, Co], [Co, Kh, Kw, Ci]    N H W Co Kh Kw Ci    (Ci: channels of one group)
        DEPTHWISE_CONV_2D  [N, H, W, Co], [1, Kh, Kw, Co]     N H W Co Kh Kw
        FULLY_CONNECTED    [..., Co], [Co, Ci]                ... Co Ci
    """
    met = {"CONV_2D": slice(1, 4), "DEPTHWISE_CONV_2D": slice(1, 3), "FULLY_CONNECTED": slice(1, 2)}
    return sum(
        prod(graph.tensors[operator.outputs[0]].shape)
        * prod(graph.tensors[operator.inputs[1]].shape[met[operator.name]])
        for operator in graph.operators
        if operator.name in met
    )


def latency(arguments: argparse.Namespace) -> list[Point]:
    """Milliseconds of an int8 inference on one thread, in turn over the grid."""
    from edgeleuk.runtime import Classifier

    shapes = grid(arguments.quick)
    paths = [model_path(shape, "int8", arguments.cache) for shape in shapes]
    milliseconds: dict[str, list[float]] = {shape.name: [] for shape in shapes}

    def timed(name: str, classifier: Classifier) -> None:
        values = np.zeros(classifier.network.input_shape, classifier.network.input["dtype"])
        # Once for nothing: the network before this one has driven its weights out of the processor's cache.
        classifier.network.scores(values)
        begun = time.perf_counter()
        classifier.network.scores(values)
        milliseconds[name].append(1000 * (time.perf_counter() - begun))

    calls = {
        shape.name: partial(timed, shape.name, Classifier.load(path, 1))
        for shape, path in zip(shapes, paths, strict=True)
    }
    interleave(calls, arguments.rounds, warm_up=0)
    return [
        _described(shape, path) | {"latency_ms": milliseconds[shape.name]}
        for shape, path in zip(shapes, paths, strict=True)
    ]


def memory(arguments: argparse.Namespace) -> list[Point]:
    """Peak resident MiB of fresh processes that load an int8 model and run it once, and what of it is the model's."""
    shapes = grid(arguments.quick)
    paths = [model_path(shape, "int8", arguments.cache) for shape in shapes]
    points = in_turn([partial(fresh, "benchmarks.scale_models", path) for path in paths], arguments.repeat)
    return [_described(shape, path) | point for shape, path, point in zip(shapes, paths, points, strict=True)]


def _described(shape: Shape, path: Path) -> Point:
    content = path.read_bytes()
    return {
        "model": shape.name,
        "input_size_px": shape.input_size_px,
        "width": shape.width,
        "macs": macs(read_graph(content, str(path))),
        "file_mib": len(content) / MIB,
    }


def _run_cost(path: Path) -> Point:
    """What loading and running a model once costs in this process, whose imports do not count."""
    from edgeleuk.runtime.backend import interpreter_class
    from edgeleuk.runtime.classifier import Classifier

    interpreter_class()

    def run() -> None:
        network = Classifier.load(path, 1).network
        network.scores(np.zeros(network.input_shape, network.input["dtype"]))

    return cost(run)


if __name__ == "__main__":
    print(json.dumps(_run_cost(Path(sys.argv[1]))))
