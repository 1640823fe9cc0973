"""A float .tflite as objects that can be edited: who reads and makes a tensor, constants, new operators.

`TfliteGraph.pack` puts operators in order and leaves out what nothing needs any more.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingExtraError
from edgeleuk.quantization.portable import operator_code, pack_model

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils
except ImportError as error:
    raise MissingExtraError(f"editing a .tflite file ({error.name} is missing)", "train") from error

__all__ = [
    "INPUT_NAME",
    "NO_ACTIVATION",
    "OUTPUT_NAME",
    "RELU",
    "SAME",
    "SIGNATURE",
    "VALID",
    "TfliteGraph",
    "flatbuffer_utils",
    "schema",
]

KINDS: dict[int, str] = {v: name for name, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_CODES = {name: value for value, name in KINDS.items()}
TYPES: dict[int, str] = {v: name.lower() for name, v in vars(schema.TensorType).items() if isinstance(v, int)}
NO_ACTIVATION = schema.ActivationFunctionType.NONE
RELU = schema.ActivationFunctionType.RELU
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
SIGNATURE, INPUT_NAME, OUTPUT_NAME = "serving_default", "image", "probabilities"


class TfliteGraph:
    """The main subgraph of a .tflite. Tensors are named by position, as in the file."""

    def __init__(self, content: bytes) -> None:
        """Take a file that `read_graph` reads."""
        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self._main = self._model.subgraphs[0]
        self.operators: list[Any] = list(self._main.operators)
        for operator in self.operators:
            operator.inputs = [] if operator.inputs is None else [int(t) for t in operator.inputs]
            operator.outputs = [] if operator.outputs is None else [int(t) for t in operator.outputs]
        self.inputs = [int(t) for t in self._main.inputs]
        self.outputs = [int(t) for t in self._main.outputs]

    @property
    def tensors(self) -> list[Any]:
        """All, by position."""
        found: list[Any] = self._main.tensors
        return found

    def name(self, tensor: int) -> str:
        """Of a tensor."""
        text: str = (self.tensors[tensor].name or b"").decode(errors="replace")
        return text

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Of a tensor; () for a scalar."""
        shape = self.tensors[tensor].shape
        return () if shape is None else tuple(int(n) for n in shape)

    def dtype(self, tensor: int) -> str:
        """Of a tensor, such as "float32"."""
        return TYPES[self.tensors[tensor].type]

    def kind(self, operator: Any) -> str:
        """Name of what an operator does."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        return KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def of_kind(self, kind: str) -> list[Any]:
        """All operators that do it."""
        return [operator for operator in self.operators if self.kind(operator) == kind]

    def maker(self, tensor: int) -> Any | None:
        """The operator that computes a tensor."""
        return next((operator for operator in self.operators if tensor in operator.outputs), None)

    def readers(self, tensor: int) -> list[Any]:
        """The operators that read a tensor, each once."""
        return [operator for operator in self.operators if tensor in operator.inputs]

    def only_reader(self, tensor: int) -> Any | None:
        """The operator that alone reads a tensor which is no output of the graph."""
        found = self.readers(tensor)
        return found[0] if len(found) == 1 and tensor not in self.outputs else None

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """Values of a tensor, of its shape; None if it is absent or computed."""
        if tensor < 0:
            return None
        data = self._model.buffers[self.tensors[tensor].buffer].data
        if data is None or len(data) == 0:
            return None
        dtype = np.dtype(self.dtype(tensor))
        return np.frombuffer(bytes(np.asarray(data, np.uint8)), dtype).reshape(self.shape(tensor))

    def add_constant(self, name: str, values: NDArray[Any]) -> int:
        """Position of a new tensor of these values."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._add(name, values.shape, values.dtype.name, len(self._model.buffers) - 1)

    def add_tensor(self, name: str, shape: Sequence[int]) -> int:
        """Position of a new float32 tensor that an operator will compute."""
        return self._add(name, shape, "float32", 0)

    def _add(self, name: str, shape: Sequence[int], dtype: str, buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = self._free(name).encode(), np.array(shape, np.int32), buffer
        tensor.type = next(code for code, known in TYPES.items() if known == dtype)
        tensor.hasRank = True
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _free(self, name: str) -> str:
        taken = {self.name(tensor) for tensor in range(len(self.tensors))}
        numbered = (f"{name}_{number}" for number in range(1, len(taken) + 2))
        return name if name not in taken else next(each for each in numbered if each not in taken)

    def add(self, kind: str, inputs: Iterable[int], output: int, options: Any = None, version: int = 1) -> Any:
        """A new operator that computes `output`; `options` is a ...OptionsT of the schema."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind, version)
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.operators.append(operator)
        return operator

    def _code(self, kind: str, version: int) -> int:
        position = operator_code(self._model, _CODES[kind])
        code = self._model.operatorCodes[position]
        code.version = max(code.version, version)
        return position

    def rename(self, tensor: int, name: str) -> None:
        """Give a tensor a name, with a number if it is taken."""
        self.tensors[tensor].name = b""
        self.tensors[tensor].name = self._free(name).encode()

    def remove(self, operator: Any) -> None:
        """Take an operator out; what reads its outputs has to be given another maker."""
        self.operators = [each for each in self.operators if each is not operator]

    def redirect(self, old: int, new: int) -> None:
        """Let all that reads one tensor, and the graph's outputs, read another."""
        for operator in self.operators:
            operator.inputs = [new if tensor == old else tensor for tensor in operator.inputs]
        self.outputs = [new if tensor == old else tensor for tensor in self.outputs]

    def pack(self) -> bytes:
        """The .tflite, signed as `freeze` signs: one image in, the scores out, under the names used here."""
        self.operators = self._ordered()
        self._name_each_once()
        self._drop_unused()
        self._main.operators = self.operators
        self._main.inputs, self._main.outputs = self.inputs, self.outputs
        self._model.subgraphs = [self._main]
        self._model.signatureDefs = [self._signature()]
        self._model.metadata = None  # of the graph before
        self._model.metadataBuffer = None
        return pack_model(self._model)

    def _ordered(self) -> list[Any]:
        """What the outputs need, each behind what makes its inputs."""
        makers = {t: operator for operator in self.operators for t in operator.outputs if t not in self.inputs}
        order: list[Any] = []
        done: set[int] = set()
        waiting = [(tensor, False) for tensor in reversed(self.outputs)]
        while waiting:
            tensor, made = waiting.pop()
            operator = makers.get(tensor)
            if operator is None or id(operator) in done:
                continue
            if made:
                done.add(id(operator))
                order.append(operator)
                continue
            waiting.append((tensor, True))
            waiting.extend((source, False) for source in reversed(operator.inputs) if source >= 0)
        return order

    def _name_each_once(self) -> None:
        """By name is how the quantizer tells tensors apart."""
        seen: set[str] = set()
        for position, tensor in enumerate(self.tensors):
            name = self.name(position) or f"tensor_{position}"
            number = 1
            while name in seen:
                name, number = f"{self.name(position) or 'tensor'}_{number}", number + 1
            seen.add(name)
            tensor.name = name.encode()

    def _drop_unused(self) -> None:
        used = {*self.inputs, *self.outputs}
        for operator in self.operators:
            used |= {tensor for tensor in (*operator.inputs, *operator.outputs) if tensor >= 0}
        kept = sorted(used)
        places = {old: new for new, old in enumerate(kept)} | {-1: -1}
        self._main.tensors = [self.tensors[old] for old in kept]
        for operator in self.operators:
            operator.inputs = [places[tensor] for tensor in operator.inputs]
            operator.outputs = [places[tensor] for tensor in operator.outputs]
        self.inputs, self.outputs = ([places[tensor] for tensor in ends] for ends in (self.inputs, self.outputs))
        self._drop_unused_buffers()
        self._drop_unused_codes()

    def _drop_unused_buffers(self) -> None:
        kept = sorted({0, *(tensor.buffer for tensor in self.tensors)})
        places = {old: new for new, old in enumerate(kept)}
        self._model.buffers = [self._model.buffers[old] for old in kept]
        for tensor in self.tensors:
            tensor.buffer = places[tensor.buffer]

    def _drop_unused_codes(self) -> None:
        kept = sorted({operator.opcodeIndex for operator in self.operators})
        places = {old: new for new, old in enumerate(kept)}
        self._model.operatorCodes = [self._model.operatorCodes[old] for old in kept]
        for operator in self.operators:
            operator.opcodeIndex = places[operator.opcodeIndex]

    def _signature(self) -> Any:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE.encode(), 0
        signature.inputs = [_mapped(INPUT_NAME, self.inputs[0])]
        signature.outputs = [_mapped(OUTPUT_NAME, self.outputs[0])]
        return signature


def _mapped(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
