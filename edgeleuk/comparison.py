"""A model against a reference on the same held-out images, the reference being a model or what `evaluate -o` wrote."""

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord
from edgeleuk.data.split import open_images
from edgeleuk.errors import DataError, LeakError, ModelError, UsageError
from edgeleuk.evaluation import SCHEMA_VERSION, Evaluation, Request, evaluate_files
from edgeleuk.noninferiority import Gate, Noninferiority, compare_images, compare_subjects
from edgeleuk.safe_csv import plain_cell


@dataclass(frozen=True)
class Reference:
    """What a model was compared with; `right` says for each image, by its path in the index, whether it was right."""

    name: str
    model_sha256: str
    index_sha256: str
    split: str
    trained_images: int
    right: Mapping[str, bool]


@dataclass(frozen=True)
class Comparison:
    """A model's accuracy against that of a reference, on `result.images` images that both were evaluated on."""

    reference: str
    reference_sha256: str
    result: Noninferiority


def compare_with(reference: Path, evaluation: Evaluation, data: Path, request: Request, gate: Gate) -> Comparison:
    """Compare an evaluation on `data` with a reference: a model, run or evaluation folder, on the same images.

    Subjects are drawn whole where any is known; else each distinct image counts once. Raises UsageError where images
    seen in training are allowed, DataError where the reference was evaluated on other images or is damaged, and what
    `evaluate` raises.
    """
    if request.trained == "allow":
        raise UsageError("images seen in training are allowed; a comparison refuses or skips them")
    found = _reference(reference, evaluation, data, request)
    candidate = _right(evaluation)
    paths = _common(candidate, found, skip=request.trained == "skip")
    records = {image.path: image for image in open_images(data).images}
    result = compare_answers([records[path] for path in paths], found.right, candidate, gate, request.seed)
    return Comparison(found.name, found.model_sha256, result)


def check_reference(path: Path) -> None:
    """Refuse what cannot be a reference before an hour is spent. Raises ModelError or DataError."""
    if _is_evaluation(path):
        read_reference(path)
    elif not path.exists():
        raise ModelError(f"{path}: no such reference; expected a .tflite file, a run or a folder of 'evaluate -o'")


def read_reference(folder: Path) -> Reference:
    """Read the folder that `evaluate -o` wrote. Raises DataError where it is damaged or of another schema version."""
    try:
        raw = json.loads((folder / "evaluation.json").read_bytes())
        _check_schema(raw, folder)
        with (folder / "predictions.csv").open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            right = {plain_cell(row["path"]): row["label"] == row["predicted"] for row in rows}
        if len(right) != raw["predictions"] or abs(_share(right) - raw["scores"]["accuracy"]["value"]) > 1e-9:
            raise ValueError("predictions.csv does not give the accuracy in evaluation.json")
        whole = {name: raw[name] for name in ("model_sha256", "index_sha256", "split", "trained_images")}
        return Reference(name=str(folder), right=right, **whole)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{folder} is not an evaluation that can be read ({type(error).__name__}: {error})") from error


def _check_schema(raw: dict[str, Any], folder: Path) -> None:
    if raw["schema_version"] != SCHEMA_VERSION:
        raise DataError(
            f"{folder} is an evaluation of schema version {raw['schema_version']!r}; this edgeleuk reads "
            f"{SCHEMA_VERSION}: evaluate again"
        )


def _reference(path: Path, evaluation: Evaluation, data: Path, request: Request) -> Reference:
    again = dataclasses.replace(request, split=evaluation.split)
    found = read_reference(path) if _is_evaluation(path) else _evaluated(path, data, again)
    if (found.index_sha256, found.split) != (evaluation.index_sha256, evaluation.split):
        raise DataError(
            f"{path} was evaluated on other images (index {found.index_sha256[:12]}, split '{found.split}') than "
            f"{evaluation.model} (index {evaluation.index_sha256[:12]}, split '{evaluation.split}'); evaluate both on "
            "one index and split"
        )
    if found.trained_images:
        raise LeakError(f"{path} is an evaluation on images seen in training; evaluate without --allow-trained")
    return found


def _is_evaluation(path: Path) -> bool:
    return (path / "evaluation.json").exists()


def _evaluated(path: Path, data: Path, request: Request) -> Reference:
    try:
        evaluation = evaluate_files(path, data, request)
    except LeakError as error:
        raise LeakError(f"the reference {path}: {error}") from error
    return Reference(
        str(path),
        evaluation.model_sha256,
        evaluation.index_sha256,
        evaluation.split,
        evaluation.trained_images,
        _right(evaluation),
    )


def _right(evaluation: Evaluation) -> dict[str, bool]:
    return {each.path: each.label == each.predicted for each in evaluation.predictions}


def _share(right: Mapping[str, bool]) -> float:
    return sum(right.values()) / max(len(right), 1)


def _common(candidate: Mapping[str, bool], reference: Reference, skip: bool) -> list[str]:
    """Paths of both, in the candidate's order; with `skip` each may lack images that the other has."""
    common = [path for path in candidate if path in reference.right]
    if not common or (not skip and not len(common) == len(candidate) == len(reference.right)):
        raise DataError(
            f"{reference.name} was evaluated on {len(reference.right):,} images, {len(common):,} of them among the "
            f"{len(candidate):,} of this model; models of different folds have no validation images in common: "
            "choose --split test, or a reference of the same fold"
        )
    return common


def compare_answers(
    images: Sequence[ImageRecord],
    reference: Mapping[str, bool],
    candidate: Mapping[str, bool],
    gate: Gate,
    seed: int = 0,
) -> Noninferiority:
    """Compare what two models got right, by path; subjects are drawn whole where any is known."""
    if not any(image.subject is not None for image in images):
        images = list({image.sha256: image for image in images}.values())  # a copy tells nothing new
    first, second = (np.array([right[image.path] for image in images], np.bool_) for right in (reference, candidate))
    if not any(image.subject is not None for image in images):
        return compare_images(first, second, gate)
    return compare_subjects(first, second, np.array(group_ids(images)), gate, seed)
