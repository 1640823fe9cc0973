"""A reshape in front of each dense layer that flattens its input by itself: what readers other than LiteRT lose.

FULLY_CONNECTED with keep_num_dims false takes an input of any shape as a matrix [rows, inputs]. The TFLite converter
writes a Flatten before a Dense so. tf2onnx 1.17 forgets the bias of such a one.
"""

import math
from typing import Any

import numpy as np

from edgeleuk.errors import MissingExtraError
from edgeleuk.quantization.portable import make_portable, operator_code, pack_model

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"rewriting a dense layer ({error.name} is missing)", "train") from error


def flatten_apart(model: bytes) -> tuple[bytes, int]:
    """The same .tflite with a RESHAPE before each such layer, and how many there were; as it came if there are none."""
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    main = parsed.subgraphs[0]
    operators, found = [], 0
    for operator in main.operators:
        if _flattens(parsed, main, operator):
            operators.append(_reshape(parsed, main, operator))
            found += 1
        operators.append(operator)
    if not found:
        return model, 0
    main.operators = operators
    return make_portable(pack_model(parsed)), found


def _builtin(parsed: Any, operator: Any) -> int:
    code = parsed.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _flattens(parsed: Any, main: Any, operator: Any) -> bool:
    if _builtin(parsed, operator) != schema.BuiltinOperator.FULLY_CONNECTED:
        return False
    options = operator.builtinOptions
    return not (options is not None and options.keepNumDims) and len(main.tensors[operator.inputs[0]].shape) > 2


def _reshape(parsed: Any, main: Any, dense: Any) -> Any:
    """The operator that gives the dense layer its input as [rows, inputs]; the layer then reads what it makes."""
    source = main.tensors[dense.inputs[0]]
    length = int(main.tensors[dense.inputs[1]].shape[-1])
    shape = np.array([math.prod(int(n) for n in source.shape) // length, length], np.int32)
    flat = schema.TensorT()
    vars(flat).update(vars(source))
    flat.shape, flat.shapeSignature, flat.buffer = shape, None, 0
    flat.name = bytes(source.name) + b"/flat"
    main.tensors.append(flat)
    made = len(main.tensors) - 1
    operator = schema.OperatorT()
    operator.opcodeIndex = operator_code(parsed, schema.BuiltinOperator.RESHAPE)
    operator.inputs, operator.outputs = [dense.inputs[0], _constant(parsed, main, shape)], [made]
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = shape
    dense.inputs = [made, *list(dense.inputs)[1:]]
    return operator


def _constant(parsed: Any, main: Any, values: Any) -> int:
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    parsed.buffers.append(buffer)
    tensor.name, tensor.type, tensor.shape = b"flat_shape", schema.TensorType.INT32, np.array([len(values)], np.int32)
    tensor.buffer = len(parsed.buffers) - 1
    main.tensors.append(tensor)
    return len(main.tensors) - 1
