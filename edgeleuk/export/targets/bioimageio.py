"""bioimage.io, the model zoo for bioimage analysis: a ZIP with rdf.yaml, ONNX weights and golden tensors.

Its model description 0.5 knows no .tflite, so the weights are ONNX, see `edgeleuk.export.targets.onnx`. It has no word
for how a picture is cut out and resized: the input is the fitted picture, and spec.json, attached, says how to fit one.
"""

import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.apart import answer_for, ask_apart
from edgeleuk.export.dense import flatten_apart
from edgeleuk.export.pictures import pictures_of
from edgeleuk.export.target import Answers, Need, Source, Target, Written
from edgeleuk.export.targets.onnx import OPSET, convert, float_ends, run_onnx
from edgeleuk.export.targets.onnx import answers as onnx_answers
from edgeleuk.files import sha256_bytes, to_json
from edgeleuk.processes.child import run_module
from edgeleuk.quantization.borders import FLOAT32, io_types
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import GREY, PROBABILITIES, SIGMOID, SIGMOIDS, ModelSpec, Preprocessing

FORMAT_VERSION = "0.5.14"
_RDF, _WEIGHTS, _SPEC, _README = "rdf.yaml", "weights.onnx", "spec.json", "README.md"
_INPUT, _OUTPUT = "test_input.npy", "test_output.npy"
_SEED = 0  # of the drawing of a cell that the golden tensors are of
# By how much scores of int8 networks may differ between versions of ONNX Runtime: a step, and at most what
# bioimageio.spec allows, 1 % of the largest.
_STEP, _MOST = 1 / 256, 0.0099
_LONGEST_S = 600.0


def write(source: Source, place: Path) -> Written:
    """Write the ZIP. Raises ModelError as for ONNX, and if bioimageio.spec does not take the description."""
    model, spec = float_ends(source)
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as name:
        folder = Path(name)
        facts = convert(flatten_apart(model)[0], folder / _WEIGHTS, spec)
        _write_golden(folder, spec)
        (folder / _SPEC).write_text(spec.to_json(), encoding="utf-8")
        (folder / _README).write_text(readme(source, spec), encoding="utf-8")
        is_int8 = io_types(read_graph(source.bundle.flatbuffer))[0] != FLOAT32
        (folder / _RDF).write_text(to_json(description(folder, source, spec, is_int8)), encoding="utf-8")
        warnings = validated(folder / _RDF)
        _pack(folder, place)
    notes = (
        "bioimage.io knows no .tflite: the weights are ONNX",
        *(f"for people to fill in: {each}" for each in warnings),
    )
    return Written(spec, notes, facts)


def description(folder: Path, source: Source, spec: ModelSpec, is_int8: bool) -> dict[str, Any]:
    """What rdf.yaml says of the files of a folder. JSON is YAML, too."""
    prepare, name = spec.preprocessing, re.sub(r"[^A-Za-z0-9 _-]+", " ", source.path.stem).strip() or "model"
    return {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": f"{name} - classifier of {len(spec.classes)} classes"[:128],
        "description": f"Classifies one fitted picture of a cell: {', '.join(spec.classes)}. {RESEARCH_USE}"[:1024],
        "documentation": _file(folder, _README),
        "tags": ["classification", "microscopy", "edgeleuk"],
        "inputs": [_input(folder, prepare)],
        "outputs": [_output(folder, spec)],
        "weights": {"onnx": {**_file(folder, _WEIGHTS), "opset_version": OPSET}},
        "attachments": [_file(folder, _SPEC)],
        "config": _config(folder, source, is_int8),
    }


def _config(folder: Path, source: Source, is_int8: bool) -> dict[str, Any]:
    largest = float(np.load(folder / _OUTPUT, allow_pickle=False).max())
    absolute = max(min(_STEP, _MOST * largest), 0.0)
    tolerance = {"absolute_tolerance": absolute, "relative_tolerance": 1e-3} if is_int8 else {}
    own = {"model_sha256": source.bundle.sha256, "network_sha256": source.bundle.network_sha256}
    return {"edgeleuk": own, "bioimageio": {"reproducibility_tolerance": [tolerance] if tolerance else []}}


def _input(folder: Path, prepare: Preprocessing) -> dict[str, Any]:
    height, width, _ = prepare.input_shape
    names = ["grey"] if prepare.colour_order == GREY else [_COLOURS[letter] for letter in prepare.colour_order]
    return {
        "id": "image",
        "description": "a picture, 8 bits a channel, cut out and resized as spec.json says",
        "axes": [
            {"type": "batch", "size": 1},
            {"type": "space", "id": "y", "size": height},
            {"type": "space", "id": "x", "size": width},
            {"type": "channel", "channel_names": names},
        ],
        "data": {"type": "uint8", "range": [0, 255]},
        "preprocessing": [{"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}, _scaling(prepare)],
        "test_tensor": _file(folder, _INPUT),
    }


_COLOURS = {"R": "red", "G": "green", "B": "blue"}


def _scaling(prepare: Preprocessing) -> dict[str, Any]:
    if prepare.is_uniform:
        gain, offset = prepare.scale_and_offset
        return {"id": "scale_linear", "kwargs": {"gain": gain, "offset": offset}}
    gains, offsets = list(prepare.channel_scales), list(prepare.channel_offsets)
    return {"id": "scale_linear", "kwargs": {"axis": "channel", "gain": gains, "offset": offsets}}


def _output(folder: Path, spec: ModelSpec) -> dict[str, Any]:
    bounded = spec.scores in (PROBABILITIES, SIGMOIDS, SIGMOID)
    names = ["score"] if spec.scores == SIGMOID else identifiers(spec.classes)
    return {
        "id": "scores",
        "description": f"{spec.scores} of {', '.join(spec.classes)}"[:128],
        "axes": [{"type": "batch", "size": 1}, {"type": "channel", "channel_names": names}],
        "data": {"type": "float32", "range": [0, 1] if bounded else [None, None]},
        "test_tensor": _file(folder, _OUTPUT),
    }


def identifiers(classes: tuple[str, ...]) -> list[str]:
    """Names of channels, which have to be identifiers that differ, as near the classes' own as can be."""
    made: list[str] = []
    for name in classes:
        plain = re.sub(r"\W", "_", name)
        plain = plain if plain.isidentifier() else f"class_{plain}"
        made.append(plain if plain not in made else f"{plain}_{len(made)}")
    return made


def _file(folder: Path, name: str) -> dict[str, str]:
    return {"source": name, "sha256": sha256_bytes((folder / name).read_bytes())}


def _write_golden(folder: Path, spec: ModelSpec) -> None:
    """Tensors of a drawn cell: what goes in, and what ONNX Runtime makes of the weights that lie beside it."""
    pixels = pictures_of(None, 1, _SEED, spec.preprocessing).pixels
    found = onnx_answers(folder / _WEIGHTS, spec, pixels)
    np.save(folder / _INPUT, pixels, allow_pickle=False)
    np.save(folder / _OUTPUT, found.scores, allow_pickle=False)


_TEXT = """# {name}

{research_use} Research software, not a medical device.

Made by `edgeleuk export --for bioimageio` of a `.tflite` file. The input is a picture that was cut out and resized as
`spec.json` says (`preprocessing`); scaling is in `rdf.yaml`. Classes, in the order of the scores: {classes}.

# Validation

{validation}

`test_input.npy` is a drawing of a cell, not a picture of a person's; `test_output.npy` is what the weights give for it.
"""


def readme(source: Source, spec: ModelSpec) -> str:
    """The documentation: what the file's own records say, and no more."""
    told = [f"- {count} of {total} labels are those of {what}" for count, total, what in _agreements(source)]
    return _TEXT.format(
        name=source.path.stem,
        research_use=RESEARCH_USE,
        classes=", ".join(f"`{name}`" for name in spec.classes),
        validation="\n".join(told) or "The file's own records hold no comparison with the network that it was made of.",
    )


def _agreements(source: Source) -> list[tuple[int, int, str]]:
    """Of each comparison in the proof: labels that agree, images, and what with."""
    made = (source.bundle.proof or {}).get("fidelity") or ()
    return [(round(each["label_agreement"] * each["images"]), each["images"], each["reference"]) for each in made]


def validated(rdf: Path) -> list[str]:
    """What bioimageio.spec says that people should fill in. Raises ModelError if the description is not valid."""
    outcome = run_module(__name__.replace("bioimageio", "bioimageio_validation"), str(rdf), timeout_s=_LONGEST_S)
    if outcome.failure is not None:
        raise ModelError(f"bioimageio.spec does not take the description: {outcome.failure}")
    return list(outcome.answer)


def _pack(folder: Path, place: Path) -> None:
    """The same files give the same bytes."""
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What ONNX Runtime says of the package's weights, scaled as rdf.yaml says, in a process of its own."""
    return ask_apart(__name__, place, spec, pixels)


def main() -> None:
    """The process's side."""
    answer_for(_answers)


def _answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as name, zipfile.ZipFile(place) as archive:
        archive.extract(_WEIGHTS, name)
        scaling = json.loads(archive.read(_RDF))["inputs"][0]["preprocessing"][1]
        if scaling != json.loads(json.dumps(_scaling(spec.preprocessing))):
            raise ModelError(f"{_RDF} scales pixels by {scaling}, the spec otherwise")
        return run_onnx(Path(name) / _WEIGHTS, spec, pixels)


_INSTALL = "pip install 'edgeleuk[bioimageio]'"
_NEEDS = (
    Need("tf2onnx", _INSTALL, "tf2onnx"),
    Need("onnx", _INSTALL, "onnx"),
    Need("ONNX Runtime", _INSTALL, "onnxruntime"),
    Need("bioimageio.spec", _INSTALL, "bioimageio.spec"),
)
TARGET = Target("bioimageio", "bioimage.io", ".zip", write, answers, needs=_NEEDS)
