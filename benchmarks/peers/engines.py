"""One model in one engine, its input set: what is timed is the run alone, the same for all.

Each takes as many threads as it is told and none is pinned to a core. An engine is imported where it is opened, for
each lies in an environment of its own.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.measured import TensorFacts
from edgeleuk.device.delegate import Coverage, coverage
from edgeleuk.errors import ModelError
from edgeleuk.spec import ModelSpec

Pixels = NDArray[np.uint8]  # [size, size, 3]
Inputs = NDArray[np.float32]  # [1, size, size, 3], the same image in [-1, 1]


class Engine(Protocol):
    """A model that is ready to run. `coverage`: None where there is no delegate, or none that tells."""

    version: str
    coverage: Coverage | None
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]

    def set_image(self, pixels: Pixels, inputs: Inputs) -> None:
        """Hand over one image, as pixels and as the float network takes it."""

    def run(self) -> None:
        """One inference."""

    def scores(self) -> NDArray[np.float32]:
        """What the last run answered: float32 [classes]."""


class LiteRt:
    """LiteRT or tflite-runtime, through the one place where edgeleuk opens an interpreter."""

    coverage: Coverage | None
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]

    def __init__(self, path: Path, threads: int, backend: str, spec: ModelSpec) -> None:
        """Load the model. Raises ModelError."""
        from edgeleuk.runtime.backend import open_interpreter

        self.version = version({"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}[backend])
        self._interpreter, self._spec = open_interpreter(path.read_bytes(), path, threads, backend), spec
        [self._input], [self._output, *_] = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        self.inputs, self.outputs = (_facts(self._input),), (_facts(self._output),)
        self.coverage = coverage(self._interpreter._get_ops_details())  # see Network.operations
        self.run = self._interpreter.invoke

    def set_image(self, pixels: Pixels, inputs: Inputs) -> None:
        """As int8 where the model takes that, by edgeleuk's own preprocessing."""
        from edgeleuk.runtime.preprocessing import pixel_codes, quantize_pixels

        values: NDArray[Any] = inputs
        if self._input["dtype"] == np.int8:
            scale, zero_point = self._input["quantization"]
            codes = pixel_codes(scale, zero_point, self._spec.preprocessing)
            values = quantize_pixels(pixels, codes)[np.newaxis]
        self._interpreter.set_tensor(self._input["index"], values)

    def scores(self) -> NDArray[np.float32]:
        """float32 [classes] = scale * (q - zero_point)."""
        raw = self._interpreter.get_tensor(self._output["index"])[0]
        scale, zero_point = self._output["quantization"]
        return np.asarray(scale * (raw - np.float64(zero_point)) if scale else raw, np.float32)


class OnnxRuntime:
    """ONNX Runtime on the processor, with input and output bound beforehand."""

    coverage: Coverage | None = None
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]

    def __init__(self, path: Path, threads: int) -> None:
        """Load the model; its graph optimizations are all on, as they are by default."""
        import onnxruntime

        self.version = str(onnxruntime.__version__)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        self._runtime = onnxruntime
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        [source], [target] = self._session.get_inputs(), self._session.get_outputs()
        self.inputs, self.outputs = (_onnx_facts(source),), (_onnx_facts(target),)
        self._output = onnxruntime.OrtValue.ortvalue_from_shape_and_type(target.shape, np.float32)
        self._binding = self._session.io_binding()
        self._binding.bind_ortvalue_output(target.name, self._output)

    def set_image(self, pixels: Pixels, inputs: Inputs) -> None:
        """Bind it."""
        del pixels
        self._value = self._runtime.OrtValue.ortvalue_from_numpy(inputs)
        self._binding.bind_ortvalue_input(self.inputs[0].name, self._value)

    def run(self) -> None:
        """Without allocating or copying input and output."""
        self._session.run_with_iobinding(self._binding)

    def scores(self) -> NDArray[np.float32]:
        """Of the bound output."""
        return np.array(self._output.numpy()[0], np.float32)


class OpenVino:
    """OpenVINO on the processor: one stream for latency, float32 where it is float."""

    coverage: Coverage | None = None
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]

    def __init__(self, path: Path, threads: int) -> None:
        """Load the model. Raises ModelError where it does not take the number of threads."""
        import openvino

        self.version = str(openvino.__version__).partition("-")[0]
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "f32",  # bfloat16 where the processor has it, else
        }
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(path), "CPU", settings)
        taken = compiled.get_property("INFERENCE_NUM_THREADS")
        if taken != threads:
            raise ModelError(f"OpenVINO takes {taken} threads where it was told {threads}")
        self.inputs, self.outputs = (_openvino_facts(compiled.input()),), (_openvino_facts(compiled.output(0)),)
        self._tensor, self._request = openvino.Tensor, compiled.create_infer_request()

    def set_image(self, pixels: Pixels, inputs: Inputs) -> None:
        """Hand over the array itself, without a copy."""
        del pixels
        self._shared = self._tensor(inputs, shared_memory=True)
        self._request.set_input_tensor(self._shared)

    def run(self) -> None:
        """Synchronously."""
        self._request.infer()

    def scores(self) -> NDArray[np.float32]:
        """Of the request's output."""
        return np.array(self._request.get_output_tensor().data[0], np.float32)


def import_engine(backend: str) -> None:
    """Import what `open_engine` will need, before a clock starts. Raises EdgeleukError, ImportError."""
    if backend == "onnxruntime":
        import onnxruntime  # noqa: F401
    elif backend == "openvino":
        import openvino  # noqa: F401
    else:
        from edgeleuk.runtime.backend import interpreter_class

        interpreter_class(backend)


def open_engine(backend: str, path: Path, threads: int, spec: ModelSpec) -> Engine:
    """The model, ready to run. Raises ModelError, or what the engine itself raises."""
    if backend == "onnxruntime":
        return OnnxRuntime(path, threads)
    if backend == "openvino":
        return OpenVino(path, threads)
    return LiteRt(path, threads, backend, spec)


def _facts(detail: dict[str, Any]) -> TensorFacts:
    return TensorFacts(str(detail["name"]), np.dtype(detail["dtype"]).name, tuple(map(int, detail["shape"])))


def _onnx_facts(node: Any) -> TensorFacts:
    return TensorFacts(node.name, {"tensor(float)": "float32"}.get(node.type, node.type), tuple(map(int, node.shape)))


def _openvino_facts(port: Any) -> TensorFacts:
    return TensorFacts(port.any_name, np.dtype(port.element_type.to_dtype()).name, tuple(map(int, port.shape)))
