"""ONNX: one .onnx file by tf2onnx, mended where tf2onnx loses or slows something, asked in ONNX Runtime.

Its input is float32 [1, height, width, channels], pixels scaled as the spec in its metadata says, and its scores are
float32. An int8 network stays one: it stands between QuantizeLinear and DequantizeLinear.
"""

import dataclasses
import json
import platform
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.apart import answer_for, ask_apart
from edgeleuk.export.dense import flatten_apart
from edgeleuk.export.ends import Ends, asked
from edgeleuk.export.repacked import scores_only
from edgeleuk.export.target import Answers, Need, Source, Target, Written
from edgeleuk.processes.child import run_module
from edgeleuk.quantization.borders import FLOAT32, INT8, check_borders, io_types, preprocessing_for, with_borders
from edgeleuk.quantization.portable import make_portable
from edgeleuk.runtime.graph import Tensor, read_graph
from edgeleuk.spec import ModelSpec

OPSET = 17
SPEC_KEY, LABELS_KEY = "edgeleuk_spec", "labels"
PRECISE = "session.x64quantprecision"  # else int8 sums overflow on processors without VNNI
_LONGEST_S = 1800.0
_FUSED = ("QLinearConv", "QGemm", "QLinearMatMul")


def write(source: Source, place: Path) -> Written:
    """Write the .onnx. Raises ModelError for a network with ends of another type, or that tf2onnx does not take."""
    model, spec = float_ends(source)
    model, flattened = flatten_apart(model)
    facts = convert(model, place, spec)
    notes = ["the input is float32, [1, height, width, channels], pixels scaled as its metadata says"]
    if facts["as_uint8"]:
        notes.append(
            "int8 activations are written as uint8, which ONNX Runtime has kernels for; on x86-64 without VNNI set its "
            f"session option {PRECISE} to 1, or sums overflow"
        )
    if flattened:
        notes.append(f"{flattened} dense layers got a reshape in front, without which tf2onnx loses their biases")
    return Written(spec, tuple(notes), facts)


def float_ends(source: Source) -> tuple[bytes, ModelSpec]:
    """The network with its scores alone and float32 ends, and the spec by which it is asked.

    Raises ModelError for ends of other types than int8 and float32.
    """
    inner = scores_only(source.bundle.flatbuffer)
    ends = io_types(read_graph(inner))
    spec = dataclasses.replace(source.spec, extra_outputs=(), gate=None)
    if ends == (FLOAT32, FLOAT32):
        return make_portable(inner), spec
    if ends != (INT8, INT8):
        raise ModelError(
            f"input and scores of {source.path} are {ends[0]} and {ends[1]}; expected both to be int8 or float32: "
            "export the file that 'edgeleuk convert --int8' writes without --io uint8"
        )
    model = with_borders(inner, FLOAT32)
    check_borders(inner, model, FLOAT32)
    return model, dataclasses.replace(spec, preprocessing=preprocessing_for(inner, FLOAT32, spec.preprocessing))


def convert(model: bytes, place: Path, spec: ModelSpec) -> dict[str, Any]:
    """Write the .onnx of a .tflite, in a process of its own: tf2onnx loads TensorFlow. Raises ModelError."""
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(model)
        file.flush()
        job = {"model": file.name, "place": str(place), "spec": spec.to_json(), "labels": list(spec.classes)}
        outcome = run_module("edgeleuk.export.targets.onnx_writing", job, timeout_s=_LONGEST_S)
    if outcome.failure is not None:
        raise ModelError(f"tf2onnx does not take it: {outcome.failure}")
    return dict(outcome.answer)


def answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What ONNX Runtime's CPU provider says of the pictures, on one thread, in a process of its own."""
    return ask_apart(__name__, place, spec, pixels)


def main() -> None:
    """The process's side."""
    answer_for(run_onnx)


def run_onnx(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What ONNX Runtime says, here."""
    import onnxruntime

    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        if overflows():
            options.add_session_config_entry(PRECISE, "1")
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        session = onnxruntime.InferenceSession(str(place), options, providers=["CPUExecutionProvider"])
        facts = _fused(Path(folder) / "optimized.onnx")
    [given] = session.get_inputs()
    name = given.name
    ends = Ends(Tensor(name, FLOAT32, tuple(given.shape)), Tensor("scores", FLOAT32, ()))

    def run(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(session.run(None, {name: values})[0])

    run(ends.encoded(pixels[0], spec.preprocessing))  # the first inference sets memory up
    return asked(run, ends, spec.preprocessing, pixels, f"ONNX Runtime {onnxruntime.__version__}", facts)


def overflows(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this is an x86-64 without VNNI, whose products of uint8 and int8 are summed in 16 bits.

    Others need no more precision, and ONNX Runtime is several times slower with it.
    """
    return platform.machine() in ("x86_64", "AMD64") and "vnni" not in cpuinfo.read_text(encoding="utf-8")


def _fused(path: Path) -> dict[str, Any]:
    """How many convolutions and dense layers ONNX Runtime runs in int8 and in float."""
    import onnx

    counts = Counter(node.op_type for node in onnx.load(str(path)).graph.node)
    fused = sum(counts[name] for name in _FUSED)
    plain = sum(counts[name] for name in ("Conv", "FusedConv", "Gemm", "MatMul"))
    told = [f"ONNX Runtime runs {fused} convolutions and dense layers in int8, {plain} in float"]
    return {"in_int8": fused, "in_float": plain, "notes": told}


def metadata(spec: ModelSpec) -> dict[str, str]:
    """What the .onnx says of itself, by key."""
    return {SPEC_KEY: spec.to_json(), LABELS_KEY: json.dumps(list(spec.classes))}


_INSTALL = "pip install 'edgeleuk[onnx]'"
_WRITING = (Need("tf2onnx", _INSTALL, "tf2onnx"), Need("onnx", _INSTALL, "onnx"))
_ASKING = (Need("ONNX Runtime", _INSTALL, "onnxruntime"),)
TARGET = Target("onnx", "ONNX Runtime", ".onnx", write, answers, needs=_WRITING, check_needs=_ASKING)
