"""Whether a .tflite file runs on a microcontroller under tflite-micro, and how much memory it takes there.

What the file says is read without running it; the arena is measured by tflite-micro itself, where it is installed.
"""

import importlib.util
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from edgeleuk.processes.child import ISOLATED, run_module
from edgeleuk.runtime.graph import Graph

PACKAGE = "tflite_micro"
NO_PACKAGE = "pip install tflite-micro (x86-64 only)"
# The builtin operators that PythonOpsResolver of tflite-micro 0.dev20261023 registers; those of its AddXxx methods.
_BUILTIN = (
    "ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS "
    "BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE "
    "DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD "
    "FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS "
    "LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM "
    "MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU "
    "RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX "
    "SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF "
    "TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE"
)
_OPERATORS = frozenset(_BUILTIN.split())
# Names of methods that are not the operator's words put together.
_METHODS = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}
_INTEGER = frozenset(("int8", "int32"))
_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Microcontroller:
    """What tflite-micro makes of a file. `obstacles`: why it is nothing for a microcontroller; none if it runs.

    `arena_bytes`: memory for all that is not constant, as tflite-micro reports it for its reference kernels on this
    64-bit machine; None if that was not measured, and `note` says why. `constant_bytes`: of the flatbuffer, which stays
    in flash.
    """

    obstacles: tuple[str, ...]
    constant_bytes: int
    arena_bytes: int | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "obstacles": list(self.obstacles)}


def microcontroller(flatbuffer: bytes, graph: Graph) -> Microcontroller:
    """State what tflite-micro makes of a flatbuffer and its graph; where it is installed, by loading it there."""
    obstacles = tuple(_obstacles(graph))
    if obstacles:
        return Microcontroller(obstacles, len(flatbuffer))
    if not is_installed():
        return Microcontroller((), len(flatbuffer), None, f"arena not measured: {NO_PACKAGE}")
    found = measured_arena(flatbuffer, arena_limit(graph))
    if isinstance(found, str):
        return Microcontroller((f"tflite-micro does not take it: {found}",), len(flatbuffer))
    return Microcontroller((), len(flatbuffer), found)


def is_installed() -> bool:
    """Whether tflite-micro can be imported here."""
    try:
        return importlib.util.find_spec(PACKAGE) is not None
    except ImportError:
        return False


def describe(found: Microcontroller) -> list[str]:
    """Lines for a terminal."""
    if found.obstacles:
        return [f"microcontroller: no, {obstacle}" for obstacle in found.obstacles]
    flash = f"{_kilobytes(found.constant_bytes)} kB of flash"
    if found.arena_bytes is None:
        return [f"microcontroller: operators all in tflite-micro's set, all int8, {flash}; {found.note}"]
    return [f"microcontroller: yes, arena {_kilobytes(found.arena_bytes)} kB (by tflite-micro), {flash}"]


def method_of(operator: str) -> str:
    """The method of MicroMutableOpResolver that adds an operator, such as AddConv2D."""
    words = "".join(word if word[0].isdigit() else word.capitalize() for word in operator.split("_"))
    return _METHODS.get(operator, f"Add{words}")


def unknown_operators(graph: Graph) -> list[str]:
    """Operators of a graph that tflite-micro lacks, each once."""
    return [name for name in graph.operator_counts() if name not in _OPERATORS]


def _obstacles(graph: Graph) -> Iterator[str]:
    unknown = unknown_operators(graph)
    if unknown:
        yield f"tflite-micro has no {', '.join(unknown)}"
    inner = _touched(graph).difference(graph.inputs, graph.outputs)
    kinds = Counter(graph.tensors[number].dtype for number in inner)
    others = [f"{count:,} {dtype}" for dtype, count in kinds.most_common() if dtype not in _INTEGER]
    if others:
        yield f"not all int8: {', '.join(others)} tensors"
    if graph.bytes_behind:
        yield f"{graph.bytes_behind:,} bytes of weights lie behind the flatbuffer, where tflite-micro does not look"


def _touched(graph: Graph) -> set[int]:
    """The tensors that some operator reads or makes."""
    return {number for each in graph.operators for number in (*each.inputs, *each.outputs) if number >= 0}


def arena_limit(graph: Graph) -> int:
    """Bytes that no arena of the graph exceeds: every value kept, and as much again for what each operator keeps."""
    values = sum(8 * math.prod(map(abs, graph.tensors[number].shape)) for number in _touched(graph))
    return 2 * values + (1 << 22)


def _kilobytes(count: int) -> str:
    """Of 1,000 bytes, rounded up: what is set aside has to suffice."""
    return f"{-(-count // 1000):,}"


def measured_arena(flatbuffer: bytes, limit_bytes: int) -> int | str:
    """Bytes of the arena as tflite-micro's RecordingMicroAllocator reports them, or why it does not take the file.

    In a process of its own: what is wrong with a graph may end it.
    """
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(flatbuffer)
        file.flush()
        job = {"path": file.name, "limit_bytes": limit_bytes}
        outcome = run_module("edgeleuk.device.microcontroller_process", job, ISOLATED, _TIMEOUT_S)
    if outcome.failure is not None:
        return outcome.failure
    found = _TOTAL.search(outcome.answer["said"])
    return int(found.group(1)) if found else "it did not say how large its arena is"
