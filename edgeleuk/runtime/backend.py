"""The one place that names an interpreter package: LiteRT, or tflite-runtime if LiteRT has no wheel."""

import importlib
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import EdgeleukError, ModelError, UsageError
from edgeleuk.runtime.interpreters import Interpreters
from edgeleuk.runtime.native_output import hold_native_stderr

MAX_TENSOR_BYTES = 256 << 20  # more than a classifier of cells has use for, and half of what the services may take
BACKENDS = ("auto", "litert", "tflite-runtime")
_PACKAGES = {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
_NOT_INSTALLED = {
    "auto": "no interpreter is installed: pip install ai-edge-litert, or tflite-runtime on 32-bit systems",
    "litert": "LiteRT is not installed: pip install ai-edge-litert (64-bit systems), or --backend auto",
    "tflite-runtime": "tflite-runtime is not installed: pip install tflite-runtime (Python <= 3.11), or --backend auto",
}


def interpreter_class(backend: str = "auto") -> tuple[Any, str]:
    """Return the Interpreter class and the name of its backend. "auto" takes the first that is installed.

    Raises UsageError for an unknown name, EdgeleukError if the package is not installed or cannot be loaded.
    """
    if backend not in BACKENDS:
        raise UsageError(f"backend is {backend!r}; expected {' | '.join(BACKENDS)}")
    for name in BACKENDS[1:] if backend == "auto" else (backend,):
        found = _import(name)
        if found is not None:
            return found, name
    raise EdgeleukError(_NOT_INSTALLED[backend])


def open_interpreter(
    content: bytes,
    path: Path,
    threads: int,
    backend: str = "auto",
    keep_tensors: bool = False,
    most_tensor_bytes: int | None = None,
) -> Any:
    """Return an interpreter with allocated tensors. `keep_tensors`: what is between input and output can be read, too.

    Raises ModelError if the model is damaged or unsupported, or has a tensor of more than `most_tensor_bytes`;
    EdgeleukError if the interpreter does not work with the NumPy that is installed.
    """
    interpreter, name = interpreter_class(backend)
    try:
        with hold_native_stderr():
            opened = _construct(interpreter, content, threads, keep_tensors)
            if not isinstance(opened, SystemError):
                _check_tensors(opened, path, most_tensor_bytes)
                opened.allocate_tensors()
                return opened
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} cannot be run by {name}: {_reason(error)}") from error
    raise EdgeleukError(
        f"{name} does not work with NumPy {np.__version__}, for it was built for NumPy 1: pip install 'numpy<2', or "
        "ai-edge-litert instead of it on 64-bit systems"
    ) from opened


def operations_of(interpreter: Any) -> list[dict[str, Any]]:
    """The graph's nodes in order, then those that a delegate put in their place; [] if it cannot be asked.

    Each has "op_name" (DELEGATE for the latter), "inputs" and "outputs", which are positions of tensors. No public
    interface tells; this one is in every release of both packages from TensorFlow 2.5 to LiteRT 2.3.
    """
    ask = getattr(interpreter, "_get_ops_details", None)
    return [] if ask is None else list(ask())


def _import(name: str) -> Any | None:
    """The Interpreter class of a backend; None if it is not installed. Raises EdgeleukError if it is broken."""
    package = _PACKAGES[name]
    try:
        return importlib.import_module(f"{package}.interpreter").Interpreter
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package:
            return None
        raise EdgeleukError(
            f"{name} is installed but cannot be loaded: {error}; 'edgeleuk doctor' says what this system lacks"
        ) from error


def _construct(interpreter: Any, content: bytes, threads: int, keep_tensors: bool) -> Any:
    """The interpreter, or the SystemError by which one built for NumPy 1 shows that it has met NumPy 2.

    Returned, not raised: NumPy writes a page of advice to stderr on the way, which is to stay held back.
    """
    options = {"experimental_preserve_all_tensors": True} if keep_tensors else {}
    try:
        return interpreter(model_content=content, num_threads=threads, **options)
    except SystemError as error:
        if np.__version__.startswith("1."):
            raise
        return error


def _check_tensors(interpreter: Any, path: Path, most: int | None) -> None:
    """Raise ModelError if a tensor's shape, as it stands in the file, takes more than `most` bytes."""
    for tensor in interpreter.get_tensor_details() if most is not None else ():
        size = math.prod(abs(int(n)) for n in tensor["shape"]) * np.dtype(tensor["dtype"]).itemsize
        if most is not None and size > most:
            raise ModelError(
                f"{path}: the tensor {tensor['name']!r:.100} takes {size:,} bytes; at most {most:,} are used"
            )


def _reason(error: Exception) -> str:
    """What the interpreter says, on one line, and what to do if the model is newer than it."""
    said = " ".join(str(error).split())
    if "Didn't find op" in said or "unresolved custom op" in said:
        said += " (the model has an operator newer than this interpreter, or a custom one: update the interpreter)"
    return said


class Network:
    """A model with one image input and one output of class scores, in an interpreter. Thread-safe.

    Runs take turns, unless `run_at_once` lets several threads have an interpreter each.

    Behind the scores it may have the outputs that `extra` names, see `ModelSpec.extra_outputs`.
    """

    def __init__(
        self, content: bytes, path: Path, threads: int = 1, backend: str = "auto", extra: Sequence[str] = ()
    ) -> None:
        """Load the model. Raises ModelError if it is damaged or has other inputs and outputs."""
        interpreter_class(backend)  # imported before memory is measured
        self._interpreters = Interpreters(
            lambda: open_interpreter(content, path, threads, backend, most_tensor_bytes=MAX_TENSOR_BYTES),
            len(content),
        )
        self._interpreter = self._interpreters.first
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1 + len(extra):
            expected = f"1 and {1 + len(extra)} (scores, {', '.join(extra)})" if extra else "one of each"
            raise ModelError(f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; expected {expected}")
        self.input: dict[str, Any] = inputs[0]
        self.output: dict[str, Any] = outputs[0]
        self.extra: dict[str, dict[str, Any]] = dict(zip(extra, outputs[1:], strict=True))
        self._reals = _reals_by_byte(self.output)

    def run_at_once(self, most: int, affords: Callable[[int], bool]) -> None:
        """Let up to `most` threads run at once, each in an interpreter of its own, if `affords` says yes to its bytes.

        An interpreter is opened once a thread needs it; what each of them answers is the same.
        """
        self._interpreters.allow(most, affords)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the input, batch first."""
        return tuple(int(n) for n in self.input["shape"])

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the output, batch first."""
        return tuple(int(n) for n in self.output["shape"])

    @property
    def class_count(self) -> int:
        """Length of the output's last axis."""
        return self.output_shape[-1]

    def invoke(self, values: NDArray[Any]) -> NDArray[Any]:
        """Run on `values`, of the input's shape and dtype; returns the output [1, classes] in its own dtype.

        Raises ModelError if an operator gives up.
        """
        return self._run(values, (self.output,))[0]

    def scores_and_extra(
        self, values: NDArray[Any], names: Sequence[str]
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """Like `scores`, with the extra outputs of these names of the same run, each [1, ...] in its own dtype.

        Real numbers are scale * (q - zero_point) with the "quantization" that `extra` has of each.
        """
        scores, *others = self._run(values, (self.output, *(self.extra[name] for name in names)))
        return self._reals_of(scores[0].ravel()), dict(zip(names, others, strict=True))

    def turn(self) -> AbstractContextManager[object]:
        """Have the interpreter for this thread alone: who takes the time of an inference is not to count the wait."""
        return self._interpreters.own().lock

    def _run(self, values: NDArray[Any], wanted: Sequence[dict[str, Any]]) -> list[NDArray[Any]]:
        try:
            own = self._interpreters.own()
            with own.lock:
                own.interpreter.set_tensor(self.input["index"], values)
                own.interpreter.invoke()
                return [own.interpreter.get_tensor(tensor["index"]) for tensor in wanted]
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the network does not run: {_reason(error)}") from error

    def operations(self) -> list[dict[str, Any]]:
        """See `operations_of`."""
        return operations_of(self._interpreter)

    def constant(self, tensor: int) -> NDArray[np.float32]:
        """A constant of the graph as real numbers, by its position: scale * (q - zero_point), each channel by its own.

        Raises ModelError for what is computed, which is not kept.
        """
        try:
            own = self._interpreters.own()
            with own.lock:
                values = own.interpreter.get_tensor(tensor)
                details = {each["index"]: each for each in own.interpreter.get_tensor_details()}[tensor]
        except (ValueError, RuntimeError, KeyError) as error:
            raise ModelError(f"tensor {tensor} of the network cannot be read: {_reason(error)}") from error
        given = details["quantization_parameters"]
        if not len(given["scales"]):
            return np.asarray(values, np.float32)
        along = [1] * values.ndim
        along[given["quantized_dimension"]] = len(given["scales"])
        zeros = np.asarray(given["zero_points"], np.float64).reshape(along)
        return np.asarray(given["scales"].reshape(along) * (values - zeros), np.float32)

    def scores(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Like `invoke`, for one image, as real numbers: float32 [classes] = scale * (q - zero_point)."""
        return self._reals_of(self.invoke(values)[0].ravel())

    def _reals_of(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        if self._reals is not None:
            scores: NDArray[np.float32] = self._reals.take(raw.view(np.uint8))
            return scores
        scale, zero_point = self.output["quantization"]
        return np.asarray(scale * (raw - np.float64(zero_point)) if scale else raw, np.float32)


def _reals_by_byte(output: dict[str, Any]) -> NDArray[np.float32] | None:
    """float32 [256]: the real number of each 8-bit output by its byte; None if outputs are not 8-bit quantized."""
    scale, zero_point = output["quantization"]
    if output["dtype"] not in (np.int8, np.uint8) or not scale:
        return None
    codes = np.arange(256, dtype=np.uint8).view(output["dtype"])
    return np.asarray(scale * (codes - np.float64(zero_point)), np.float32)
