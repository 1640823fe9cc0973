"""The models of the demo: converted and evaluated in a process, this one or another, and read from their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.codec import read_json
from edgeleuk.evaluation.evaluate import Request, evaluate_files
from edgeleuk.evaluation.evaluated import Evaluated, parse_evaluation
from edgeleuk.evaluation.folder import write_folder
from edgeleuk.processes.child import answer
from edgeleuk.quantization.convert import Request as ConversionRequest
from edgeleuk.quantization.convert import convert, write_conversion
from edgeleuk.quantization.mixed import Keep
from edgeleuk.quantization.source import load_source
from edgeleuk.runtime.bundle import read_bundle

FLOAT, PTQ, QAT = "float32", "int8 PTQ", "int8 QAT"
_PRECISIONS = {FLOAT: "float32", PTQ: "int8", QAT: "int8"}

# A network trained for minutes is unsure, and int8 changes labels it is unsure of; the report shows how many.
_ANY_AGREEMENT = Keep(min_agreement=0.0, most=0)


@dataclass(frozen=True)
class Variant:
    """One model file of the demo with its proof and what it was found to be worth."""

    name: str
    path: Path
    proof: dict[str, Any]
    evaluation: Evaluated

    @property
    def label_agreement(self) -> float:
        """The share of labels that are those of the network that it was made of."""
        return float(self.proof["fidelity"][-1]["label_agreement"])


def main() -> None:
    """The job is what `make_models` takes."""
    answer(lambda job: make_models(Path(job["out"]), job["run"], job["names"], job["samples"]))


def make_models(out: Path, run: str, names: Sequence[str], samples: int) -> None:
    """Of the run of that name below `out`: convert it to each of these models there, and evaluate it."""
    source = load_source(out / run)
    for name in names:
        path = _path(out, name)
        request = ConversionRequest(_PRECISIONS[name], samples=samples, keep=_ANY_AGREEMENT)
        write_conversion(convert(source, request), path)
        evaluation = evaluate_files(path, out / "index.json", Request(split="test"))
        write_folder(evaluation, _evaluation_folder(path))


def read_variant(out: Path, name: str) -> Variant:
    """What `make_models` made."""
    path = _path(out, name)
    told = _evaluation_folder(path) / "evaluation.json"
    return Variant(name, path, read_bundle(path).proof or {}, parse_evaluation(read_json(told), told))


def _evaluation_folder(path: Path) -> Path:
    """Where the evaluation of a model is."""
    return path.parent / "evaluation" / path.stem


def _path(out: Path, name: str) -> Path:
    return out / f"{name.lower().replace(' ', '-')}.tflite"
