"""Any .tflite file, ready to be timed: any number of inputs and outputs, with a spec or without."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.measured import TensorFacts
from edgeleuk.errors import ModelError
from edgeleuk.runtime.backend import open_interpreter, operations_of
from edgeleuk.runtime.bundle import FIRST, is_cascade, parse_bundle

_FLOATS = (np.float16, np.float32, np.float64)
_ARENA_LIMIT_BYTES = 1 << 34  # tensors that lie farther apart are not in one arena


class Subject:
    """A model in an interpreter, its inputs filled with random values: what `invoke` takes does not depend on them.

    Unknown dimensions of an input are 1, as the interpreter has them.
    """

    def __init__(self, content: bytes, path: Path, threads: int, backend: str) -> None:
        """Load the model. Raises ModelError if it is damaged, unsupported or takes text."""
        self.interpreter = open_interpreter(content, path, threads, backend)
        random = np.random.default_rng(0)
        for detail in self.interpreter.get_input_details():
            if detail["dtype"] in (np.bytes_, np.str_, np.object_):
                raise ModelError(f"{path}: input '{detail['name']}' takes text; only numeric inputs can be generated")
            self.interpreter.set_tensor(detail["index"], random_values(detail, random))

    def invoke(self) -> None:
        """One bare inference on the inputs that are set."""
        self.interpreter.invoke()

    @property
    def inputs(self) -> tuple[TensorFacts, ...]:
        """In the model's order."""
        return tuple(map(_facts, self.interpreter.get_input_details()))

    @property
    def outputs(self) -> tuple[TensorFacts, ...]:
        """In the model's order."""
        return tuple(map(_facts, self.interpreter.get_output_details()))

    def notes(self) -> tuple[str, ...]:
        """What was assumed where the file leaves it open."""
        found = []
        unknown = [tensor.name for tensor in self.inputs if any(size < 0 for size in tensor.shape)]
        if unknown:
            found.append(f"unknown dimensions of {', '.join(unknown)} were taken to be 1")
        signatures: dict[str, Any] = getattr(self.interpreter, "get_signature_list", dict)()
        if len(signatures) > 1:
            found.append(f"of the signatures {', '.join(signatures)} only the main graph was measured")
        return tuple(found)

    def operations(self) -> list[dict[str, Any]]:
        """See `operations_of`."""
        return operations_of(self.interpreter)

    def arena_bytes(self) -> int | None:
        """Bytes from the first to the last activation that the interpreter itself holds; None if it tells none.

        Activations within a delegate are the delegate's own, and neither here nor told.
        """
        operations = self.operations()
        activations = {int(tensor) for operation in operations for tensor in operation["outputs"]}
        activations |= {int(detail["index"]) for detail in self.interpreter.get_input_details()}
        spans = []
        for index in activations:
            try:
                view = self.interpreter.tensor(index)()
            except (ValueError, RuntimeError):  # a delegate's
                continue
            spans.append((view.__array_interface__["data"][0], view.nbytes))
        if not operations or not spans:
            return None
        size = max(start + length for start, length in spans) - min(start for start, _ in spans)
        return size if size < _ARENA_LIMIT_BYTES else None


class CascadeSubject(Subject):
    """A cascade in the worst case: both models in turn. What else is told of it is told of the large one."""

    def __init__(self, content: bytes, path: Path, threads: int, backend: str) -> None:
        """Load both models. Raises ModelError if one is damaged, unsupported or takes text."""
        super().__init__(content, path, threads, backend)
        part = parse_bundle(content, path).cascade
        if part is None:
            raise ModelError(f"{path} is not a cascade")
        self.first = Subject(part.first, path / FIRST, threads, backend)

    def invoke(self) -> None:
        """One bare inference of each."""
        self.first.invoke()
        super().invoke()

    def invoke_large(self) -> None:
        """One bare inference of the large model alone."""
        super().invoke()

    def notes(self) -> tuple[str, ...]:
        """As of any model, and what the figures are of."""
        worst = "cascade: bare invoke is its worst case, both models in turn; the rest is told of the large model"
        return (*super().notes(), worst)


def open_subject(content: bytes, path: Path, threads: int, backend: str) -> Subject:
    """The subject that a file is."""
    kind = CascadeSubject if is_cascade(content) else Subject
    return kind(content, path, threads, backend)


def random_values(detail: dict[str, Any], random: np.random.Generator) -> NDArray[Any]:
    """Values of the input's shape and dtype: floats in [-1, 1], 8-bit integers over their range, booleans.

    Wider integers are 0 or 1: most are positions in a table, and few tables have less than two rows.
    """
    shape, dtype = tuple(int(n) for n in detail["shape"]), np.dtype(detail["dtype"])
    if dtype.type in _FLOATS:
        return np.asarray(random.uniform(-1, 1, shape), dtype)
    if dtype.itemsize == 1 and np.issubdtype(dtype, np.integer):
        return np.asarray(random.integers(0, 256, shape, np.uint8)).view(dtype)
    if dtype == np.bool_ or np.issubdtype(dtype, np.integer):
        return np.asarray(random.integers(0, 2, shape), dtype)
    return np.zeros(shape, dtype)


def _facts(detail: dict[str, Any]) -> TensorFacts:
    shape = detail.get("shape_signature", detail["shape"])
    known = shape if len(shape) == len(detail["shape"]) else detail["shape"]
    return TensorFacts(str(detail["name"]), np.dtype(detail["dtype"]).name, tuple(int(n) for n in known))
