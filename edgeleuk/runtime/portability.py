"""Whether a .tflite file is read alike by every engine, or rightly by LiteRT only.

An interpreter that knows an operator, but not in the version that the file states, refuses it when it is loaded; one
that is told too low a version may compute nonsense instead. The TFLite converter writes versions; litert-quantizer
leaves those of the float graph that it was given. What versions an int8 graph needs, and from which TensorFlow Lite
runtime on there is one: `GetBuiltinOperatorVersion` and `FindMinimumRuntimeVersionForOp` of TensorFlow 2.21
(tensorflow/compiler/mlir/lite/tools/versioning). Versions grow with what they allow, so the greater of the float
operator's and that of int8 is the one needed.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeleuk.runtime.graph import Graph, Operator, Tensor

_SINCE = "1.14.0"
# Operators whose second version takes int8, as most do.
_SECOND = (
    "ADD ARG_MAX ARG_MIN AVERAGE_POOL_2D CONCATENATION DEQUANTIZE EQUAL GATHER GREATER GREATER_EQUAL L2_NORMALIZATION "
    "LESS LESS_EQUAL LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL NOT_EQUAL PACK PAD PADV2 REDUCE_MAX "
    "REDUCE_MIN RELU6 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SELECT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT STRIDED_SLICE "
    "SUB TANH TRANSPOSE UNPACK"
)
# Version with int8 activations; if int8 came at another time than most, the runtime that brought it.
_INT8: Mapping[str, tuple[int, str]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), (3, _SINCE)),
    "FULLY_CONNECTED": (4, _SINCE),
    **dict.fromkeys(_SECOND.split(), (2, _SINCE)),
    "SUM": (2, "1.15.0"),
    "RELU": (2, "2.1.0"),
    "TRANSPOSE_CONV": (2, "2.2.0"),
    "BATCH_MATMUL": (2, "2.3.0"),
    "MIRROR_PAD": (2, "2.3.0"),
    "SPLIT_V": (2, "2.3.0"),
    "ABS": (2, "2.4.0"),
    "BROADCAST_TO": (3, "2.5.0"),
    "DEPTH_TO_SPACE": (2, "2.5.0"),
    "RSQRT": (2, "2.5.0"),
    "SQUARED_DIFFERENCE": (2, "2.5.0"),
    "REDUCE_PROD": (2, "2.6.0"),
    "GELU": (2, "2.9.0"),
    "EXP": (2, "2.12.0"),
    "LOG": (2, "2.15.0"),
    "SQRT": (2, "2.21.0"),
    # Without a version of its own; the runtimes that brought the operator.
    "QUANTIZE": (1, _SINCE),
    "HARD_SWISH": (1, "1.15.0"),
    "LEAKY_RELU": (1, "1.13.1"),
    "PRELU": (1, "1.8.0"),
    "RESHAPE": (1, "1.5.0"),
    "SQUEEZE": (1, "1.6.0"),
}
_PER_CHANNEL_WEIGHTS = {"CONV_2D": (5, "2.4.0"), "DEPTHWISE_CONV_2D": (6, "2.3.0"), "FULLY_CONNECTED": (12, "2.17.0")}
_WEIGHTS = {"CONV_2D": (2, _SINCE), "DEPTHWISE_CONV_2D": (4, "2.2.0"), "FULLY_CONNECTED": (3, _SINCE)}
_MUL_RESCALING = (3, "1.15.0")  # scale * scale / scale of at least 1
# The operators whose activations are not their first input.
_ACTIVATION = {"SPLIT": 1, "TRANSPOSE_CONV": 2}


def needed_versions(graph: Graph) -> list[tuple[int, str]]:
    """Return (version, earliest runtime such as "1.14.0") that tensors' types ask of each of the graph's codes.

    (1, "") if they ask for nothing.
    """
    needed = [(1, "") for _ in graph.codes]
    for operator in graph.operators:
        version, runtime = _needed(graph, operator)
        known = needed[operator.code]
        needed[operator.code] = max(known[0], version), later(known[1], runtime)
    return needed


def later(first: str, second: str) -> str:
    """The later of two runtime versions; "" is before all."""
    return max(first, second, key=_parts)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _needed(graph: Graph, operator: Operator) -> tuple[int, str]:
    inputs = [graph.tensors[number] for number in operator.inputs if number >= 0]
    position = _ACTIVATION.get(operator.name, 0)
    if len(inputs) <= position:
        return 1, ""
    if inputs[position].dtype == "int8":
        return _MUL_RESCALING if _multiplies_up(graph, operator) else _INT8.get(operator.name, (1, ""))
    if inputs[position].dtype == "float32" and len(inputs) > 1 and inputs[1].dtype == "int8":
        return (_PER_CHANNEL_WEIGHTS if inputs[1].channels > 1 else _WEIGHTS).get(operator.name, (1, ""))
    return 1, ""


def _multiplies_up(graph: Graph, operator: Operator) -> bool:
    """Whether it is a product whose scale has to be multiplied by 1 or more to become that of the result."""
    scales = [graph.tensors[number].scale or 0.0 for number in (*operator.inputs, *operator.outputs)]
    if operator.name != "MUL" or len(scales) != 3 or not all(scales):
        return False
    first, second, made = scales
    return first * second / made >= 1


@dataclass(frozen=True)
class Portability:
    """What other engines meet in a file.

    `operator_versions`: as the file states them. `earliest_runtime`: of TensorFlow Lite that has all of them, "" if
    the file does not say. `faults`: what engines other than LiteRT refuse or read wrongly; none in a portable file.
    """

    operator_versions: dict[str, int]
    earliest_runtime: str
    faults: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**vars(self), "faults": list(self.faults)}


def portability(graph: Graph) -> Portability:
    """State what other engines meet in the file whose main subgraph this is."""
    versions: dict[str, int] = {}
    for code in graph.codes:
        versions[code.name] = max(code.version, versions.get(code.name, 0))
    return Portability(versions, graph.earliest_runtime, tuple(_faults(graph)))


def _faults(graph: Graph) -> Iterator[str]:
    if graph.bytes_behind:
        yield (
            f"{graph.bytes_behind:,} bytes of weights lie behind the flatbuffer, where LiteRT and tflite-runtime look "
            "and other engines do not"
        )
    earliest = ""
    for code, (version, runtime) in zip(graph.codes, needed_versions(graph), strict=True):
        earliest = later(earliest, runtime)
        if code.version < version:
            yield f"{code.name} is stated as version {code.version}; its types need version {version}"
        if code.older_name != code.name:
            yield f"{code.name} is {code.older_name or 'no operator'} to engines that read the older field of its name"
    if graph.earliest_runtime and later(earliest, graph.earliest_runtime) != graph.earliest_runtime:
        yield f"it says that TensorFlow Lite {graph.earliest_runtime} runs it; its operators need {earliest}"
    yield from (fault for tensor in graph.tensors if (fault := _wrong_size(tensor)))


def _wrong_size(tensor: Tensor) -> str:
    """What is wrong with the number of values of a constant in the file; "" if nothing is."""
    try:
        expected = math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
    except TypeError:
        return ""  # of a type that numpy lacks, as packed 4-bit values and text
    if tensor.constant_bytes in (None, expected):
        return ""
    return f"tensor {tensor.name} holds {tensor.constant_bytes:,} bytes; its shape and type need {expected:,}"
