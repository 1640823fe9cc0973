"""What is inside a .tflite file: tensors and operators, read from the flatbuffer without running it."""

import functools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import EdgeleukError, ModelError, reading_what_was_named

# In the older of the two fields that name an operator, which has no room for more: the newer one says which it is.
PLACEHOLDER = 127


@dataclass(frozen=True)
class Tensor:
    """One tensor. `scale` and `zero_point` are those of its first channel; None if it is not quantized.

    `channels`: how many scales it has, 0 if it is not quantized. `constant_bytes`: of its values in the file, None
    where it is computed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None
    channels: int = 0
    constant_bytes: int | None = None


@dataclass(frozen=True)
class OperatorCode:
    """A kind of operator as the file states it. `older_name`: what readers of before TensorFlow 2.4 take it for."""

    name: str
    version: int
    older_name: str


@dataclass(frozen=True)
class Operator:
    """One operator; `inputs` and `outputs` are positions in the graph's tensors, -1 for an absent optional input.

    `code` is its position in the graph's codes.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    code: int = 0


@dataclass(frozen=True)
class Graph:
    """The main subgraph. `inputs` and `outputs` are positions in `tensors`.

    `bytes_behind`: how much of the weights lies behind the flatbuffer. `earliest_runtime`: as the file states it.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraph_count: int = 1
    codes: tuple[OperatorCode, ...] = ()
    bytes_behind: int = 0
    earliest_runtime: str = ""

    def operator_counts(self) -> dict[str, int]:
        """How often each operator occurs, the most frequent first."""
        return dict(Counter(operator.name for operator in self.operators).most_common())

    def dtype_counts(self) -> dict[str, int]:
        """How many tensors there are of each type, the most frequent first."""
        return dict(Counter(tensor.dtype for tensor in self.tensors).most_common())


@reading_what_was_named()
def read_graph(content: bytes, name: str = "model") -> Graph:
    """Read the main subgraph of a .tflite file. Raises ModelError if it is damaged."""
    try:
        model = _schema().Model.GetRootAs(content, 0)
        return _graph(model, content)
    except EdgeleukError:
        raise
    except Exception as error:  # a damaged flatbuffer sends the generated reader anywhere
        raise ModelError(f"{name} is damaged or cut off: its graph cannot be read ({error})") from error


def read_constant(content: bytes, tensor: int) -> NDArray[Any] | None:
    """Values of a tensor of the main subgraph, of its shape; None if it is computed, or of a type numpy lacks."""
    model = _schema().Model.GetRootAs(content, 0)
    found = model.Subgraphs(0).Tensors(tensor)
    data = model.Buffers(found.Buffer()).DataAsNumpy()
    try:
        dtype = np.dtype(_names("TensorType")[found.Type()].lower())
    except TypeError:
        return None
    return data.view(dtype).reshape(_ints(found.ShapeAsNumpy())) if isinstance(data, np.ndarray) else None


def metadata_buffer(content: bytes, name: str) -> bytes | None:
    """What the file holds under a name of `Model.metadata`; None if it has no such entry. Raises ModelError."""
    try:
        return _metadata(_schema().Model.GetRootAs(content, 0), name)
    except EdgeleukError:
        raise
    except Exception as error:  # as in `read_graph`
        raise ModelError(f"the model is damaged or cut off: its metadata cannot be read ({error})") from error


def _metadata(model: Any, name: str) -> bytes | None:
    for entry in (model.Metadata(i) for i in range(model.MetadataLength())):
        if entry.Name() == name.encode():
            data = model.Buffers(entry.Buffer()).DataAsNumpy()
            return bytes(data.tobytes()) if isinstance(data, np.ndarray) else None
    return None


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
    codes = tuple(_operator_code(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength()))
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    main = model.Subgraphs(0)
    tensors = tuple(_tensor(main.Tensors(i), buffers) for i in range(main.TensorsLength()))
    operators = tuple(_operator(main.Operators(i), codes) for i in range(main.OperatorsLength()))
    for operator in operators:
        _check_connected(operator, len(tensors))
    return Graph(
        tensors,
        operators,
        _ints(main.InputsAsNumpy()),
        _ints(main.OutputsAsNumpy()),
        model.SubgraphsLength(),
        codes,
        sum(buffer.Size() for buffer in buffers if buffer.Offset() > 1),
        _earliest_runtime(model),
    )


def _operator(operator: Any, codes: tuple[OperatorCode, ...]) -> Operator:
    code = operator.OpcodeIndex()
    return Operator(codes[code].name, _ints(operator.InputsAsNumpy()), _ints(operator.OutputsAsNumpy()), code)


def _check_connected(operator: Operator, tensors: int) -> None:
    for least, numbers in ((-1, operator.inputs), (0, operator.outputs)):
        for tensor in numbers:
            if not least <= tensor < tensors:
                raise ValueError(f"{operator.name} has tensor {tensor} of {tensors}")


def _earliest_runtime(model: Any) -> str:
    return (_metadata(model, "min_runtime_version") or b"").rstrip(b"\0").decode("ascii", "replace")


def _check_buffers(model: Any, content: bytes) -> None:
    """Weights lie at the end of the file: a cut one ends before they do."""
    for number in range(model.BuffersLength()):
        buffer = model.Buffers(number)
        data = buffer.DataAsNumpy()
        if isinstance(data, np.ndarray) and data.size != buffer.DataLength():
            raise ValueError(f"buffer {number} ends after the file's {len(content):,} bytes")
        if buffer.Offset() > 1 and buffer.Offset() + buffer.Size() > len(content):
            raise ValueError(f"buffer {number} ends after the file's {len(content):,} bytes")


def _operator_code(code: Any) -> OperatorCode:
    custom = code.CustomCode()
    if custom:
        name = f"CUSTOM:{custom.decode(errors='replace')}"
        return OperatorCode(name, code.Version(), name)
    names = _names("BuiltinOperator")
    name, older = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())], code.DeprecatedBuiltinCode()
    return OperatorCode(name, code.Version(), name if older == PLACEHOLDER else names.get(older, ""))


@functools.cache
def _names(enumeration: str) -> dict[int, str]:
    members = vars(getattr(_schema(), enumeration)).items()
    return {value: name for name, value in members if isinstance(value, int)}


def _tensor(tensor: Any, buffers: list[Any]) -> Tensor:
    quantization = tensor.Quantization()
    buffer = buffers[tensor.Buffer()]
    held = buffer.Size() if buffer.Offset() > 1 else buffer.DataLength()
    scaled = quantization is not None and quantization.ScaleLength() > 0
    return Tensor(
        (tensor.Name() or b"").decode(errors="replace"),
        _names("TensorType")[tensor.Type()].lower(),
        _ints(tensor.ShapeAsNumpy()),
        float(quantization.Scale(0)) if scaled else None,
        int(quantization.ZeroPoint(0)) if scaled and quantization.ZeroPointLength() else None,
        quantization.ScaleLength() if scaled else 0,
        held or None,
    )


def _ints(values: NDArray[Any] | int) -> tuple[int, ...]:
    """The schema's accessors return 0 for an absent vector."""
    return tuple(int(value) for value in values) if isinstance(values, np.ndarray) else ()
