"""Quantization error layer by layer: signal-to-noise ratios of a quantized network against a float one, on images."""

import math
import statistics
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.quantization.layers import layer_name, tensor_of
from edgeleuk.quantization.surgery import apart
from edgeleuk.runtime.backend import open_interpreter
from edgeleuk.runtime.graph import Graph, read_graph

LIMIT_DB = 120.0  # beyond what float32 arithmetic resolves
_WORST = 5


@dataclass(frozen=True)
class LayerError:
    """Signal to quantization noise of one operator's output, in dB; the less, the worse.

    `own_db`: of the operator alone, quantized, on the float network's values as its quantized input. It holds the
    rounding of its input, weights and output, and nothing of the layers before. `accumulated_db`: of the operator as
    the quantized network runs.
    """

    layer: str
    operator: str
    tensor: str
    own_db: float
    accumulated_db: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, to a hundredth of a dB."""
        return asdict(self) | {"own_db": round(self.own_db, 2), "accumulated_db": round(self.accumulated_db, 2)}


@dataclass(frozen=True)
class ErrorTable:
    """Errors of a network's layers in graph order, against a `reference`, over a number of images."""

    layers: tuple[LayerError, ...]
    reference: str
    images: int

    def worst_first(self) -> list[LayerError]:
        """By own error, the worst first."""
        return sorted(self.layers, key=lambda layer: layer.own_db)

    def summary(self) -> dict[str, Any]:
        """What a proof keeps, JSON-able: how many layers, the range of their own errors and the worst of them."""
        worst = self.worst_first()
        return {
            "reference": self.reference,
            "images": self.images,
            "layers": len(worst),
            "median_own_db": round(statistics.median(layer.own_db for layer in worst), 2),
            "best_own_db": round(worst[-1].own_db, 2),
            "output_db": round(self.layers[-1].accumulated_db, 2),
            "worst": [layer.to_dict() for layer in worst[:_WORST]],
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-able, with a schema version."""
        head = {"schema_version": 1, "reference": self.reference, "images": self.images}
        return head | {"layers": [layer.to_dict() for layer in self.layers]}


def snr_db(signal: float, noise: float) -> float:
    """Signal-to-noise ratio 10 log10(signal / noise) of two powers, in dB, within +-LIMIT_DB.

    Lin, Talathi & Annapureddy 2016, "Fixed Point Quantization of Deep Convolutional Networks", call it SQNR, with noise
    x - x_q. No noise is LIMIT_DB, noise without a signal -LIMIT_DB.
    """
    if noise <= 0:
        return LIMIT_DB
    if signal <= 0:
        return -LIMIT_DB
    return min(max(10 * (math.log10(signal) - math.log10(noise)), -LIMIT_DB), LIMIT_DB)


def measure(
    reference: bytes, model: bytes, images: Iterable[NDArray[np.float32]], what: str, threads: int = 2
) -> ErrorTable:
    """Error of each operator of `reference`, a float .tflite described by `what`, in `model`, which was made of it.

    That each operator is fed with float values, so that errors do not add up, is the way of TensorFlow Lite's
    Quantization Debugger; here the operator runs in the kernel of the device. Sums of squares are over all values of
    all images. Raises ModelError if a tensor is missing from `model` or a value of the float network is not finite.
    """
    graph = read_graph(reference)
    exact, whole, single = _Probe(reference, threads), _Probe(model, threads), _Apart(model, threads)
    rows = [tensor_of(graph, operator) for operator in graph.operators]
    powers = np.zeros((len(rows), 3))  # of the signal, of the noise alone and accumulated
    count = 0
    for image in images:
        count += 1
        exact.run(image)
        signals = [_signal(exact, name) for name in rows]
        whole.run(image)
        single.run_on(exact)
        noises = ([_noise(exact, probe, name) for name in rows] for probe in (single, whole))
        powers += np.stack([signals, *noises], axis=1)
    layers = tuple(
        LayerError(layer_name(name), operator.name, name, snr_db(signal, own), snr_db(signal, accumulated))
        for name, operator, (signal, own, accumulated) in zip(rows, graph.operators, powers.tolist(), strict=True)
    )
    return ErrorTable(layers, what, count)


def _signal(exact: "_Probe", name: str) -> float:
    values = exact.read(name)
    signal = float(np.vdot(values, values))
    if not math.isfinite(signal):
        raise ModelError(f"layer {layer_name(name)} of the float network returns values that are not finite")
    return signal


def _noise(exact: "_Probe", probe: "_Probe", name: str) -> float:
    difference = probe.read(name) - exact.read(name)
    return float(np.vdot(difference, difference))


class _Probe:
    """A network whose every tensor can be read after a run, as real numbers."""

    def __init__(self, model: bytes, threads: int) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors")  # that it takes memory
            self.interpreter = open_interpreter(model, Path("the network"), threads, keep_tensors=True)
        self.details = {detail["name"]: detail for detail in self.interpreter.get_tensor_details()}
        self.inputs = self.interpreter.get_input_details()

    def run(self, image: NDArray[np.float32]) -> None:
        """Run on float32 [1, size, size, 3]."""
        self.interpreter.set_tensor(self.inputs[0]["index"], _encoded(image, self.inputs[0]))
        self.interpreter.invoke()

    def read(self, name: str) -> NDArray[np.float32]:
        """A tensor's values, flat. Raises ModelError if there is no such tensor."""
        if name not in self.details:
            raise ModelError(f"the networks to compare differ: one of them has no tensor {name}")
        detail = self.details[name]
        values: NDArray[np.float32] = self.interpreter.get_tensor(detail["index"]).ravel()
        scale, zero_point = detail["quantization"]
        if not scale:
            return values.astype(np.float32, copy=False)
        return np.float32(scale) * (values.astype(np.float32) - np.float32(zero_point))


class _Apart(_Probe):
    """A network whose operators each run on values that they are given, not on each other's."""

    def __init__(self, model: bytes, threads: int) -> None:
        alone, self._fed = apart(model)
        self._origins = _origins(read_graph(model))
        super().__init__(alone, threads)

    def run_on(self, exact: _Probe) -> None:
        """Run each operator on the values that another network has just computed for its inputs."""
        for detail, name in zip(self.inputs, self._fed, strict=True):
            values = exact.read(self._origins.get(name, name)).reshape(detail["shape"])
            self.interpreter.set_tensor(detail["index"], _encoded(values, detail))
        self.interpreter.invoke()


def _origins(graph: Graph) -> dict[str, str]:
    """What QUANTIZE and DEQUANTIZE return, by name, and what that was before."""
    origins: dict[str, str] = {}
    for operator in graph.operators:
        if operator.name in ("QUANTIZE", "DEQUANTIZE"):
            source = graph.tensors[operator.inputs[0]].name
            origins[tensor_of(graph, operator)] = origins.get(source, source)
    return origins


def _encoded(values: NDArray[np.float32], detail: dict[str, Any]) -> NDArray[Any]:
    """Values in the type and on the grid of a tensor."""
    scale, zero_point = detail["quantization"]
    if not scale:
        return values.astype(detail["dtype"], copy=False)  # indices, flags and what a CAST made are no floats
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(values / np.float32(scale)) + zero_point, limits.min, limits.max).astype(detail["dtype"])
