"""The two ends of a .tflite graph: pixels as its input takes them, its scores as real numbers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.target import Answers
from edgeleuk.runtime.graph import Graph, Tensor
from edgeleuk.runtime.preprocessing import pixel_codes, quantize_pixels, scale_pixels
from edgeleuk.spec import Preprocessing

_CODES = ("int8", "uint8")
_TYPES = (*_CODES, "float32")


@dataclass(frozen=True)
class Ends:
    """`input` and `scores` of a graph, each int8 or uint8 with a scale, or float32."""

    input: Tensor
    scores: Tensor

    def encoded(self, pixels: NDArray[np.uint8], prepare: Preprocessing) -> NDArray[Any]:
        """From uint8 [height, width, channels] to the input, with 1 in front, as LiteRT would get it."""
        batch, tensor = pixels[np.newaxis], self.input
        if tensor.dtype not in _CODES:
            return scale_pixels(batch, prepare)
        dtype = np.dtype(tensor.dtype).type
        return quantize_pixels(batch, pixel_codes(tensor.scale or 0.0, tensor.zero_point or 0, prepare, dtype))

    def reals(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """float32 [scores] of what the engine gave: scale * (q - zero point)."""
        values = np.asarray(raw).ravel()
        if self.scores.dtype not in _CODES:
            return values.astype(np.float32)
        return np.asarray((self.scores.scale or 0.0) * (values - np.float64(self.scores.zero_point or 0)), np.float32)


def ends_of(graph: Graph) -> Ends:
    """Those of a graph with one input. Raises ModelError for other types, and for codes without a scale."""
    ends = Ends(graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]])
    for tensor in (ends.input, ends.scores):
        if tensor.dtype not in _TYPES or (tensor.dtype in _CODES and not tensor.scale):
            raise ModelError(f"{tensor.name} is {tensor.dtype}; expected float32, or int8 or uint8 with a scale")
    return ends


def asked(
    run: Callable[[NDArray[Any]], NDArray[Any]],
    ends: Ends,
    prepare: Preprocessing,
    pixels: NDArray[np.uint8],
    engine: str,
    facts: dict[str, Any] | None = None,
) -> Answers:
    """What `run`, an inference from input to scores, says of each of uint8 [n, height, width, channels]."""
    scores, times = [], []
    for each in pixels:
        values = ends.encoded(each, prepare)
        started = time.perf_counter()
        raw = run(values)
        times.append(1000 * (time.perf_counter() - started))
        scores.append(ends.reals(raw))
    return Answers(np.stack(scores), engine, float(np.median(times)), facts or {})
