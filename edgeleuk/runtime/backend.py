"""The one place that names an interpreter package: LiteRT, or tflite-runtime where LiteRT has no wheel."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import EdgeleukError, ModelError, UsageError
from edgeleuk.runtime.native_output import hold_native_stderr

BACKENDS = ("auto", "litert", "tflite-runtime")


def interpreter_class(backend: str = "auto") -> tuple[Any, str]:
    """Return the Interpreter class and the name of its backend. "auto" takes the first that is installed.

    Raises UsageError for an unknown name, EdgeleukError where the package is not installed.
    """
    if backend not in BACKENDS:
        raise UsageError(f"backend is {backend!r}; expected {' | '.join(BACKENDS)}")
    if backend in ("auto", "litert"):
        try:
            from ai_edge_litert.interpreter import Interpreter

            return Interpreter, "litert"
        except ImportError as error:
            if backend == "litert":
                raise EdgeleukError("LiteRT is not installed: pip install ai-edge-litert") from error
    try:
        from tflite_runtime.interpreter import Interpreter

        return Interpreter, "tflite-runtime"
    except ImportError as error:
        raise EdgeleukError(
            "no interpreter is installed: pip install ai-edge-litert, or tflite-runtime on 32-bit systems"
        ) from error


def open_interpreter(content: bytes, path: Path, threads: int, backend: str = "auto") -> Any:
    """Return an interpreter with allocated tensors. Raises ModelError where the model is damaged or unsupported."""
    interpreter, name = interpreter_class(backend)
    try:
        with hold_native_stderr():
            opened = interpreter(model_content=content, num_threads=threads)
            opened.allocate_tensors()
        return opened
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} cannot be run by {name}: {error}") from error


class Network:
    """A model with one image input and one output of class scores, in an interpreter. Not thread-safe."""

    def __init__(self, content: bytes, path: Path, threads: int = 1, backend: str = "auto") -> None:
        """Load the model. Raises ModelError where it is damaged or has other inputs and outputs."""
        self._interpreter = open_interpreter(content, path, threads, backend)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; expected one of each")
        self.input: dict[str, Any] = inputs[0]
        self.output: dict[str, Any] = outputs[0]
        self._reals = _reals_by_byte(self.output)

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
        """Run on `values`, of the input's shape and dtype; returns the output [1, classes] in its own dtype."""
        self._interpreter.set_tensor(self.input["index"], values)
        self._interpreter.invoke()
        result: NDArray[Any] = self._interpreter.get_tensor(self.output["index"])
        return result

    def scores(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Like `invoke`, for one image, as real numbers: float32 [classes] = scale * (q - zero_point)."""
        raw = self.invoke(values)[0]
        if self._reals is not None:
            scores: NDArray[np.float32] = self._reals.take(raw.view(np.uint8))
            return scores
        scale, zero_point = self.output["quantization"]
        return np.asarray(scale * (raw - np.float64(zero_point)) if scale else raw, np.float32)


def _reals_by_byte(output: dict[str, Any]) -> NDArray[np.float32] | None:
    """float32 [256]: the real number of each 8-bit output by its byte; None where outputs are not 8-bit quantized."""
    scale, zero_point = output["quantization"]
    if output["dtype"] not in (np.int8, np.uint8) or not scale:
        return None
    codes = np.arange(256, dtype=np.uint8).view(output["dtype"])
    return np.asarray(scale * (codes - np.float64(zero_point)), np.float32)
