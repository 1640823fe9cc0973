"""Post-training quantization of a float .tflite: calibrate on images, then rewrite it as int8 (LiteRT quantizer)."""

import contextlib
import copy
import io
import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingExtraError
from edgeleuk.keras.grid import factor_range
from edgeleuk.quantization.floors import activation_floors, weight_floors
from edgeleuk.quantization.freeze import INPUT_NAME
from edgeleuk.quantization.portable import make_portable
from edgeleuk.runtime.graph import Graph, Operator, read_constant, read_graph
from edgeleuk.runtime.native_output import hold_native_stderr

try:
    from litert_quantizer import calibrator, quantizer, recipe, recipe_manager
except ImportError as error:
    raise MissingExtraError(f"post-training quantization ({error.name} is missing)", "train") from error

_SIGNATURE = "serving_default"
_POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
_SCALE_KEEPING = (*_POOLS, "CONCATENATION")
_Statistics = dict[str, dict[str, Any]]  # tensor name: min and max, as arrays of one value


def quantize_int8(
    float_model: bytes, images: Iterable[NDArray[np.float32]], input_range: tuple[float, float], threads: int = 2
) -> bytes:
    """Return the int8 .tflite of `float_model`, calibrated on `images` (float32 [1, size, size, 3] each).

    Activation ranges are the extremes over all images; the input's is exactly `input_range`, so that an 8-bit pixel p
    maps to p - 128 whatever the images hold.
    """
    return PostTraining(float_model, images, input_range, threads).quantize()


class PostTraining:
    """A float .tflite, calibrated once, to be quantized as often as wanted. Arguments: see `quantize_int8`."""

    def __init__(
        self,
        float_model: bytes,
        images: Iterable[NDArray[np.float32]],
        input_range: tuple[float, float],
        threads: int = 2,
    ) -> None:
        """Run the images through the network and note the range of every tensor."""
        self.float_model = float_model
        self.graph = read_graph(float_model)
        with _quietly():
            self._measured = _calibrate(float_model, images, recipe.static_wi8_ai8(), threads)
        _set_range(self._measured[self.graph.tensors[self.graph.inputs[0]].name], *input_range)
        self._factors = _factor_ranges(self.graph, float_model)

    def quantize(self, in_float: Collection[str] = ()) -> bytes:
        """Return the .tflite with every operator int8 but those whose first output's tensor is named `in_float`.

        Input and output are int8 all the same. Where int8 meets float the quantizer puts QUANTIZE and DEQUANTIZE.
        """
        kept = [operator for operator in self.graph.operators if self._name(operator.outputs[0]) in in_float]
        int8 = [operator for operator in self.graph.operators if operator not in kept]
        ranges = copy.deepcopy(self._measured)  # the quantizer changes what it is given
        _share_ranges(self.graph, int8, ranges)
        ranges |= activation_floors(ranges)
        floors = weight_floors(self.graph, self.float_model, int8, ranges)
        with _quietly():
            quantizing = quantizer.Quantizer(self.float_model)
            quantizing.load_quantization_recipe(self._recipe(kept))
            result = quantizing.quantize(
                ranges | floors | copy.deepcopy(self._factors), enable_progress_bar=False, enable_progress_report=False
            )
        return make_portable(bytes(result.quantized_model))

    def _name(self, tensor: int) -> str:
        return self.graph.tensors[tensor].name

    def _recipe(self, kept: Iterable[Operator]) -> list[dict[str, Any]]:
        """Int8 for all, then, for later rules win: nothing for those kept, and int8 for the network's two ends.

        A rule's scope is an operator's outputs, each with a semicolon; an end has the same scope as its operator.
        """
        rules: list[dict[str, Any]] = recipe.static_wi8_ai8()
        ends = [rules[0] | {"regex": "^", "operation": end} for end in ("INPUT", "OUTPUT")]
        left = {"operation": "*", "algorithm_key": "no_quantize", "op_config": {}}
        scopes = ("".join(f"{self._name(output)};" for output in operator.outputs) for operator in kept)
        return [*rules, *({"regex": f"^{re.escape(scope)}$"} | left for scope in scopes), *ends]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the quantizer's progress bars, its interpreter's greeting and its warning that it keeps every tensor."""
    with (
        hold_native_stderr(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)
        yield


def _calibrate(float_model: bytes, images: Iterable[NDArray[np.float32]], rules: Any, threads: int) -> _Statistics:
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(rules)
    mode = calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED
    statistics = calibrator.Calibrator(float_model, threads, mode, _widen)
    for image in images:
        statistics.calibrate({_SIGNATURE: [{INPUT_NAME: image}]}, manager)
    return statistics.get_model_qsvs()


def _widen(known: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {"min": np.minimum(known["min"], new["min"]), "max": np.maximum(known["max"], new["max"])}


def _set_range(statistics: dict[str, Any], low: float, high: float) -> None:
    statistics["min"] = np.full_like(statistics["min"], low)
    statistics["max"] = np.full_like(statistics["max"], high)


def _share_ranges(graph: Graph, int8: Iterable[Operator], ranges: _Statistics) -> None:
    """Give a concatenation, and what pools and concatenations carry into it, one range; else the graph rescales."""
    made_by = {output: operator for operator in int8 for output in operator.outputs}
    concatenations = [operator for operator in made_by.values() if operator.name == "CONCATENATION"]
    changed = True
    while changed:  # a wider range may meet the next concatenation
        changed = False
        for concatenation in concatenations:
            names = {graph.tensors[t].name for t in (concatenation.outputs[0], *_carried(concatenation, made_by))}
            low = np.min([ranges[name]["min"] for name in names], axis=0)
            high = np.max([ranges[name]["max"] for name in names], axis=0)
            for name in names:
                changed |= bool(np.any(ranges[name]["min"] != low) or np.any(ranges[name]["max"] != high))
                ranges[name] = {"min": low, "max": high}


def _factor_ranges(graph: Graph, float_model: bytes) -> _Statistics:
    """Ranges of constants that a tensor is multiplied by, of 1 and more, as pools' borders are: so that 1 is exact.

    Gains of a batch normalization that no convolution takes in may all be above 1, too: those are left alone.
    """
    multiplied = (tensor for operator in graph.operators if operator.name == "MUL" for tensor in operator.inputs)
    constants = {tensor: read_constant(float_model, tensor) for tensor in set(multiplied)}
    ranges = {}
    for tensor, factors in constants.items():
        if factors is not None and factors.size and factors.min() == 1:
            ends = (np.full([1] * factors.ndim, end) for end in factor_range(factors))
            ranges[graph.tensors[tensor].name] = dict(zip(("min", "max"), ends, strict=True))
    return ranges


def _carried(operator: Operator, made_by: dict[int, Operator]) -> list[int]:
    """Tensors whose scale an operator's output must share: its inputs that pools or concatenations made, and theirs."""
    found = []
    for tensor in operator.inputs:
        source = made_by.get(tensor)
        if source and source.name in _SCALE_KEEPING:
            found += [tensor, *_carried(source, made_by)]
            found += [t for t in source.inputs if source.name in _POOLS]
    return found
