"""What a float .tflite answers, and how far the answers of two are apart."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.quantization.tflite.graph import TfliteGraph
from edgeleuk.runtime.backend import open_interpreter

_LAST = ("SOFTMAX", "LOGISTIC", "RESHAPE", "SQUEEZE")


def run(content: bytes, inputs: Iterable[NDArray[Any]]) -> list[NDArray[Any]]:
    """The first output for each input, which has the shape and type of the network's. Raises ModelError."""
    interpreter = open_interpreter(content, Path("the network"), 1)
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    answers = []
    for values in inputs:
        try:
            interpreter.set_tensor(source, values)
            interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the network does not run: {' '.join(str(error).split()):.200}") from error
        answers.append(interpreter.get_tensor(target))
    return answers


def part_of(content: bytes, output: int) -> bytes:
    """The part of a .tflite that computes one of its tensors."""
    graph = TfliteGraph(content)
    graph.outputs = [output]
    return graph.pack()


def before_scores(content: bytes) -> bytes:
    """The same network without what makes probabilities of its numbers, which hides differences."""
    graph = TfliteGraph(content)
    output = graph.outputs[0]
    while (maker := graph.maker(output)) is not None and graph.kind(maker) in _LAST:
        output = maker.inputs[0]
    graph.outputs = [output]
    return graph.pack()


def relative_difference(first: Sequence[NDArray[Any]], second: Sequence[NDArray[Any]]) -> float:
    """Greatest difference of numbers, as a share of the greatest of the first; infinite if any is not finite."""
    pairs = [(a.astype(np.float64).ravel(), b.astype(np.float64).ravel()) for a, b in zip(first, second, strict=True)]
    if any(len(a) != len(b) or not (np.isfinite(a).all() and np.isfinite(b).all()) for a, b in pairs):
        return float("inf")
    largest = max(float(np.abs(a).max()) for a, _ in pairs)
    return max(float(np.abs(a - b).max()) for a, b in pairs) / (largest or 1.0)


def noise(shape: Sequence[int], count: int = 4, seed: int = 0) -> list[NDArray[np.float32]]:
    """float32 of a shape in [-1, 1], each of its own brightness and contrast, the same in each call."""
    random = np.random.default_rng(seed)
    drawn = [random.uniform(-0.5, 0.5) + random.uniform(0.1, 0.5) * random.uniform(-1, 1, shape) for _ in range(count)]
    return [values.astype(np.float32) for values in drawn]


def static_values(content: bytes, tensors: Sequence[int], shape: Sequence[int]) -> Mapping[int, NDArray[Any]]:
    """Values of tensors that do not depend on the image, whose input is of `shape`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors")  # that it takes memory
        interpreter = open_interpreter(content, Path("the network"), 1, keep_tensors=True)
    source = interpreter.get_input_details()[0]
    interpreter.set_tensor(source["index"], np.zeros(shape, source["dtype"]))
    interpreter.invoke()
    return {tensor: interpreter.get_tensor(tensor) for tensor in tensors}
