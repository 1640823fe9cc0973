"""A quantized .tflite taken apart: each operator alone, and the same graph in float."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingExtraError
from edgeleuk.quantization.portable import pack_model

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"measuring quantization error ({error.name} is missing)", "train") from error

_TYPES = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}


def apart(model: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return (a .tflite, names of tensors of `model`): every operator reads inputs of the graph, not other operators.

    The graph's inputs are copies of the tensors named, in that order, and its outputs all that operators return, under
    their names. What one operator does to another's results is thus cut.
    """
    parsed = flatbuffer_utils.read_model_from_bytearray(model)
    graph = parsed.subgraphs[0]
    fed: dict[int, int] = {}
    for operator in graph.operators:
        operator.inputs = [
            _fed(graph, tensor, fed) if _computed(parsed, tensor) else tensor for tensor in _inputs(operator)
        ]
    graph.inputs = list(fed.values())
    graph.outputs = [output for operator in graph.operators for output in operator.outputs]
    return _packed(parsed), tuple(graph.tensors[tensor].name.decode() for tensor in fed)


def _inputs(operator: Any) -> list[int]:
    return [] if operator.inputs is None else list(operator.inputs)


def _computed(parsed: Any, tensor: int) -> bool:
    """Whether a tensor is neither absent nor constant."""
    if tensor < 0:
        return False
    data = parsed.buffers[parsed.subgraphs[0].tensors[tensor].buffer].data
    return data is None or len(data) == 0


def _fed(graph: Any, tensor: int, fed: dict[int, int]) -> int:
    """Position of the copy of a tensor that the graph is fed with, made if there is none yet."""
    if tensor not in fed:
        original = graph.tensors[tensor]
        copy = schema.TensorT()
        vars(copy).update(vars(original))
        copy.name = original.name + b"/fed"
        graph.tensors.append(copy)
        fed[tensor] = len(graph.tensors) - 1
    return fed[tensor]


def float_twin(model: bytes) -> bytes:
    """Return the float32 .tflite of an int8 one: its weights as the numbers that they stand for, nothing rounded.

    Tensors keep their names; QUANTIZE from int8 to int8 has no place in it and is left out.
    """
    parsed = flatbuffer_utils.read_model_from_bytearray(model)
    graph = parsed.subgraphs[0]
    for tensor in graph.tensors:
        if tensor.type in _TYPES and _scales(tensor) is not None:
            _to_float(parsed, tensor)
    _leave_out_rescalings(parsed, graph)
    return _packed(parsed)


def _scales(tensor: Any) -> NDArray[np.float32] | None:
    quantization = tensor.quantization
    found = None if quantization is None else quantization.scale
    return None if found is None or len(found) == 0 else np.asarray(found, np.float32)


def _to_float(parsed: Any, tensor: Any) -> None:
    data = parsed.buffers[tensor.buffer].data
    if data is not None and len(data):
        codes = np.frombuffer(bytes(data), _TYPES[tensor.type]).reshape(tensor.shape)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(_real(codes, tensor).tobytes(), np.uint8)
        parsed.buffers.append(buffer)
        tensor.buffer = len(parsed.buffers) - 1
    tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None


def _real(codes: NDArray[Any], tensor: Any) -> NDArray[np.float32]:
    """scale * (code - zero point), a scale for all or one for each place of the quantized axis."""
    scales = _scales(tensor)
    assert scales is not None
    zeros = np.asarray(tensor.quantization.zeroPoint, np.int64)
    if len(scales) > 1:
        along = [1] * codes.ndim
        along[tensor.quantization.quantizedDimension] = len(scales)
        scales, zeros = scales.reshape(along), zeros.reshape(along)
    return np.asarray((codes.astype(np.int64) - zeros) * scales.astype(np.float64), np.float32)


def _leave_out_rescalings(parsed: Any, graph: Any) -> None:
    kinds = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in parsed.operatorCodes]
    quantize = schema.BuiltinOperator.QUANTIZE
    rescalings = [operator for operator in graph.operators if kinds[operator.opcodeIndex] == quantize]
    sources = {operator.outputs[0]: operator.inputs[0] for operator in rescalings}
    graph.operators = [operator for operator in graph.operators if operator not in rescalings]
    for operator in graph.operators:
        operator.inputs = [_origin(tensor, sources) for tensor in _inputs(operator)]
    graph.outputs = [_origin(tensor, sources) for tensor in graph.outputs]


def _origin(tensor: int, sources: dict[int, int]) -> int:
    while tensor in sources:
        tensor = sources[tensor]
    return tensor


def _packed(parsed: Any) -> bytes:
    parsed.signatureDefs = None  # the ends are not those it was signed for
    used = {tensor.buffer for tensor in parsed.subgraphs[0].tensors}
    for number, buffer in enumerate(parsed.buffers):
        if number not in used:
            buffer.data = None
    return pack_model(parsed)
