"""What is inside a .tflite file: tensors and operators, read from the flatbuffer without running it."""

import functools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import EdgeleukError, ModelError


@dataclass(frozen=True)
class Tensor:
    """One tensor. `scale` and `zero_point` are those of its first channel; None where it is not quantized."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class Operator:
    """One operator; `inputs` and `outputs` are positions in the graph's tensors, -1 for an absent optional input."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """The main subgraph. `inputs` and `outputs` are positions in `tensors`."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraph_count: int = 1

    def operator_counts(self) -> dict[str, int]:
        """How often each operator occurs, the most frequent first."""
        return dict(Counter(operator.name for operator in self.operators).most_common())

    def dtype_counts(self) -> dict[str, int]:
        """How many tensors there are of each type, the most frequent first."""
        return dict(Counter(tensor.dtype for tensor in self.tensors).most_common())


def read_graph(content: bytes, name: str = "model") -> Graph:
    """Read the main subgraph of a .tflite file. Raises ModelError where it is damaged."""
    try:
        model = _schema().Model.GetRootAs(content, 0)
        return _graph(model, content)
    except EdgeleukError:
        raise
    except Exception as error:  # a damaged flatbuffer sends the generated reader anywhere
        raise ModelError(f"{name} is damaged or cut off: its graph cannot be read ({error})") from error


def read_constant(content: bytes, tensor: int) -> NDArray[Any] | None:
    """Values of a tensor of the main subgraph, of its shape; None where it is computed, or of a type numpy lacks."""
    model = _schema().Model.GetRootAs(content, 0)
    found = model.Subgraphs(0).Tensors(tensor)
    data = model.Buffers(found.Buffer()).DataAsNumpy()
    try:
        dtype = np.dtype(_names("TensorType")[found.Type()].lower())
    except TypeError:
        return None
    return data.view(dtype).reshape(_ints(found.ShapeAsNumpy())) if isinstance(data, np.ndarray) else None


@functools.cache
def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise EdgeleukError(
            "reading a model's graph needs LiteRT's schema, which tflite-runtime lacks: pip install ai-edge-litert, on "
            "any 64-bit computer if this one is 32-bit"
        ) from error
    return schema_py_generated


def _graph(model: Any, content: bytes) -> Graph:
    _check_buffers(model, content)
    codes = [_operator_name(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    main = model.Subgraphs(0)
    operators = (main.Operators(i) for i in range(main.OperatorsLength()))
    return Graph(
        tuple(_tensor(main.Tensors(i)) for i in range(main.TensorsLength())),
        tuple(Operator(codes[o.OpcodeIndex()], _ints(o.InputsAsNumpy()), _ints(o.OutputsAsNumpy())) for o in operators),
        _ints(main.InputsAsNumpy()),
        _ints(main.OutputsAsNumpy()),
        model.SubgraphsLength(),
    )


def _check_buffers(model: Any, content: bytes) -> None:
    """Weights lie at the end of the file: a cut one ends before they do."""
    for number in range(model.BuffersLength()):
        buffer = model.Buffers(number)
        data = buffer.DataAsNumpy()
        if isinstance(data, np.ndarray) and data.size != buffer.DataLength():
            raise ValueError(f"buffer {number} ends after the file's {len(content):,} bytes")
        if buffer.Offset() > 1 and buffer.Offset() + buffer.Size() > len(content):
            raise ValueError(f"buffer {number} ends after the file's {len(content):,} bytes")


def _operator_name(code: Any) -> str:
    custom = code.CustomCode()
    if custom:
        return f"CUSTOM:{custom.decode(errors='replace')}"
    return _names("BuiltinOperator")[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]


@functools.cache
def _names(enumeration: str) -> dict[int, str]:
    members = vars(getattr(_schema(), enumeration)).items()
    return {value: name for name, value in members if isinstance(value, int)}


def _tensor(tensor: Any) -> Tensor:
    quantization = tensor.Quantization()
    scaled = quantization is not None and quantization.ScaleLength() > 0
    return Tensor(
        (tensor.Name() or b"").decode(errors="replace"),
        _names("TensorType")[tensor.Type()].lower(),
        _ints(tensor.ShapeAsNumpy()),
        float(quantization.Scale(0)) if scaled else None,
        int(quantization.ZeroPoint(0)) if scaled and quantization.ZeroPointLength() else None,
    )


def _ints(values: NDArray[Any] | int) -> tuple[int, ...]:
    """The schema's accessors return 0 for an absent vector."""
    return tuple(int(value) for value in values) if isinstance(values, np.ndarray) else ()
