"""OpenVINO, the runtime for processors of Intel and others: its own IR, model.xml and model.bin, with int8 as it is.

OpenVINO reads a .tflite of `edgeleuk convert`, too; the IR is what its model server and its tools take.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.apart import answer_for, ask_apart
from edgeleuk.export.ends import asked, ends_of
from edgeleuk.export.repacked import scores_only
from edgeleuk.export.target import Answers, Need, Source, Target, Written
from edgeleuk.quantization.portable import make_portable
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import ModelSpec

_IR, _MODEL, _SPEC = "model.xml", "model.tflite", "spec.json"
_CONVOLUTIONS = ("Convolution", "GroupConvolution", "FullyConnected")


def write(source: Source, place: Path) -> Written:
    """Write the IR into the folder, and the .tflite that it was made of. Raises ModelError if OpenVINO refuses it."""
    flatbuffer = make_portable(scores_only(source.bundle.flatbuffer))
    ends_of(read_graph(flatbuffer))
    (place / _MODEL).write_bytes(flatbuffer)
    (place / _SPEC).write_text(source.spec.to_json(), encoding="utf-8")
    import openvino

    try:
        model = openvino.convert_model(place / _MODEL)
        model.set_rt_info(" ".join(source.spec.classes), ["model_info", "labels"])
        openvino.save_model(model, place / _IR, compress_to_fp16=False)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO does not take {source.path}: {_last_line(error)}") from error
    return Written(source.spec, (_ends_told(flatbuffer),))


def answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What OpenVINO's CPU plugin says of the pictures, on one thread, in a process of its own."""
    return ask_apart(__name__, place, spec, pixels)


def main() -> None:
    """The process's side."""
    answer_for(_answers)


def _answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    import openvino

    ends = ends_of(read_graph((place / _MODEL).read_bytes()))
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(place / _IR), "CPU", {"INFERENCE_NUM_THREADS": 1})

    def run(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(compiled(values)[0])

    run(ends.encoded(pixels[0], spec.preprocessing))  # the first inference sets memory up
    version = openvino.__version__.partition("-")[0]
    return asked(run, ends, spec.preprocessing, pixels, f"OpenVINO {version}", _precisions(compiled))


def _precisions(compiled: Any) -> dict[str, Any]:
    """In which types the convolutions and dense layers run, by the names of OpenVINO."""
    kinds: Counter[str] = Counter()
    for node in compiled.get_runtime_model().get_ops():
        info = node.get_rt_info()
        if "layerType" in info and info["layerType"].astype(str) in _CONVOLUTIONS:
            kinds[info["runtimePrecision"].astype(str)] += 1
    told = ", ".join(f"{count} in {kind}" for kind, count in kinds.most_common())
    return {"precisions": dict(kinds), "notes": [f"OpenVINO runs convolutions and dense layers: {told}"]}


def _ends_told(flatbuffer: bytes) -> str:
    ends = ends_of(read_graph(flatbuffer))
    if ends.input.dtype == "float32":
        return "the input is float32, pixels scaled as spec.json says"
    return f"the input is {ends.input.dtype}, and scores are {ends.scores.scale:.9g} * (q - {ends.scores.zero_point})"


def _last_line(error: RuntimeError) -> str:
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or ["no reason given"])[-1]


_NEED = Need("OpenVINO", "pip install openvino", "openvino")
TARGET = Target("openvino", "OpenVINO", None, write, answers, needs=(_NEED,))
