"""A .tflite that every engine reads alike: weights inside the flatbuffer, operators stated in full.

litert-quantizer 0.11 writes weights behind the flatbuffer as soon as they pack to 256 KiB (`Buffer.offset`, `.size`).
LiteRT and tflite-runtime read that; OpenVINO and tf2onnx refuse it, MNN's converter leaves the weights out without an
error, and tflite-micro gives the same answer whatever it is shown. It also leaves operators at the versions of the
float graph, and names those that it adds in the newer of two fields only, so that OpenVINO takes QUANTIZE for ADD.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeleuk.errors import MissingExtraError
from edgeleuk.runtime.graph import PLACEHOLDER, read_graph
from edgeleuk.runtime.portability import later, needed_versions

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"writing a portable model ({error.name} is missing)", "train") from error

_RUNTIME = b"min_runtime_version"
_ALIGNMENT = 16  # of the schema: Buffer.data is (force_align: 16)
_RUNTIME_BYTES = 16


def make_portable(model: bytes) -> bytes:
    """Return the same graph as one flatbuffer with all weights inside; every operator is stated with its version."""
    parsed = flatbuffer_utils.read_model_from_bytearray(model)
    _state_versions(parsed, needed_versions(read_graph(model)))
    return pack_model(parsed)


def pack_model(parsed: Any) -> bytes:
    """The bytes of a `ModelT`; the data of each buffer begins at a multiple of 16, as the schema asks."""
    parsed.buffers = [_AlignedBuffer(buffer) for buffer in parsed.buffers]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(parsed))


def operator_code(parsed: Any, builtin: int) -> int:
    """Position of a builtin operator's code in a `ModelT`, added in version 1 if the graph has none."""
    for position, code in enumerate(parsed.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == builtin:
            return position
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, PLACEHOLDER), 1
    parsed.operatorCodes.append(code)
    return len(parsed.operatorCodes) - 1


class _AlignedBuffer(schema.BufferT):
    """A buffer that is written in one piece and aligned; the generated code aligns arrays by their element only."""

    def __init__(self, buffer: Any) -> None:
        empty = buffer.data is None or len(buffer.data) == 0
        super().__init__(None if empty else np.frombuffer(bytes(buffer.data), np.uint8))

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name that the generated code calls
        if self.data is not None:
            builder.StartVector(1, len(self.data), _ALIGNMENT)
            builder.head -= len(self.data)
            builder.Bytes[builder.head : builder.head + len(self.data)] = self.data.tobytes()
            data = builder.EndVector()
        schema.BufferStart(builder)
        if self.data is not None:
            schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


def _state_versions(parsed: Any, needed: Sequence[tuple[int, str]]) -> None:
    """Raise the versions of the operator codes, and the earliest runtime in the metadata, to what the types need."""
    earliest = ""
    for code, (version, runtime) in zip(parsed.operatorCodes, needed, strict=True):
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = min(code.builtinCode, PLACEHOLDER)
        code.version = max(code.version, version)
        earliest = later(earliest, runtime)
    for entry in parsed.metadata or ():
        if entry.name == _RUNTIME:
            held = parsed.buffers[entry.buffer]
            stated = b"" if held.data is None else bytes(held.data).rstrip(b"\0")
            text = later(stated.decode("ascii", "ignore"), earliest)
            held.data = np.frombuffer(text.encode().ljust(_RUNTIME_BYTES, b"\0"), np.uint8)
