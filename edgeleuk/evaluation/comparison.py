"""A model against a reference on the same held-out images, the reference being a model or what `evaluate -o` wrote."""

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeleuk.codec import read_json
from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.split import open_images
from edgeleuk.errors import DataError, LeakError, ModelError, UsageError, reading_what_was_named
from edgeleuk.evaluation.class_changes import ClassChange, class_changes
from edgeleuk.evaluation.evaluate import Evaluation, Prediction, Request, evaluate_files, shown_path
from edgeleuk.evaluation.evaluated import parse_evaluation
from edgeleuk.safe_csv import plain_cell
from edgeleuk.statistics.noninferiority import Gate, Noninferiority, compare_images, compare_subjects


@dataclass(frozen=True)
class Reference:
    """What a model was compared with; `right` says for each image whether it was right.

    Images are known by content and label, wherever they lie; `by_path` if an older version wrote the folder, which
    has their paths alone.
    """

    name: str
    model_sha256: str
    index_sha256: str
    split: str
    trained_images: int
    right: Mapping[str, bool]
    by_path: bool = False


@dataclass(frozen=True)
class Comparison:
    """A model's accuracy against that of a reference, on `result.images` images that both were evaluated on.

    `classes` says the same of each class, `notes` what limits both; empty in records that do not say.
    """

    reference: str
    reference_sha256: str
    result: Noninferiority
    classes: tuple[ClassChange, ...] = ()
    notes: tuple[str, ...] = ()


def compare_with(reference: Path, evaluation: Evaluation, data: Path, request: Request, gate: Gate) -> Comparison:
    """Compare an evaluation on `data` with a reference: a model, run or evaluation folder, on the same images.

    Subjects are drawn whole if any is known; else each distinct image counts once. Raises UsageError if images
    seen in training are allowed, DataError if the reference was evaluated on other images or is damaged, and what
    `evaluate` raises.
    """
    if request.trained == "allow":
        raise UsageError("images seen in training are allowed; a comparison refuses or skips them")
    index = open_images(
        data, lambda sentence: None, request.data_root, request.labels
    )  # what is left out was said already
    found = _reference(reference, evaluation, data, index, request)
    matched = _common(evaluation, found, skip=request.trained == "skip")
    records = {image.path: image for image in index.images}
    candidate = {each.path: each.label == each.predicted for each, _ in matched}
    answers = {each.path: right for each, right in matched}
    images = [records[path] for path in candidate]
    result = compare_answers(images, answers, candidate, gate, request.seed)
    classes = class_changes(images, answers, candidate, evaluation.positive_class)
    return Comparison(shown_path(Path(found.name)), found.model_sha256, result, classes, evaluation.notes)


@reading_what_was_named()
def check_reference(path: Path) -> None:
    """Refuse what cannot be a reference before the evaluation begins. Raises ModelError or DataError."""
    if _is_evaluation(path):
        read_reference(path)
    elif not path.exists():
        raise ModelError(f"{path}: no such reference; expected a .tflite file, a run or a folder of 'evaluate -o'")


@reading_what_was_named()
def read_reference(folder: Path) -> Reference:
    """Read the folder that `evaluate -o` wrote. Raises DataError if it is damaged or of another schema version."""
    try:
        raw = read_json(folder / "evaluation.json")
        found = parse_evaluation(raw, folder)
        rows = _predictions(folder / "predictions.csv")
        share = sum(row["label"] == row["predicted"] for row in rows) / max(len(rows), 1)
        if len(rows) != raw["predictions"] or abs(share - found.scores.accuracy.value) > 1e-9:
            raise ValueError("predictions.csv does not give the accuracy in evaluation.json")
        by_path = any(not row.get("sha256") for row in rows)
        keys = [plain_cell(row["path"]) if by_path else _key(row["sha256"], plain_cell(row["label"])) for row in rows]
        right = {key: row["label"] == row["predicted"] for key, row in zip(keys, rows, strict=True)}
        trained = int(raw["trained_images"])
        return Reference(str(folder), found.model_sha256, found.index_sha256, found.split, trained, right, by_path)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(
            f"{folder} is not an evaluation that can be read ({type(error).__name__}: {error!s:.300})"
        ) from error


def _predictions(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _key(sha256: str, label: str) -> str:
    return f"{sha256} {label}"


def _reference(path: Path, evaluation: Evaluation, data: Path, index: Index, request: Request) -> Reference:
    again = dataclasses.replace(request, split=evaluation.split)
    found = read_reference(path) if _is_evaluation(path) else _evaluated(path, data, again)
    if not index.is_known_as(found.index_sha256) or found.split != evaluation.split:
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
        {_key(each.sha256, each.label): each.label == each.predicted for each in evaluation.predictions},
    )


def _common(evaluation: Evaluation, reference: Reference, skip: bool) -> list[tuple[Prediction, bool]]:
    """Predictions on images of both, each with whether the reference was right; with `skip` each may lack some.

    Raises DataError if they have not all, or with `skip` none, in common.
    """
    keys = [each.path if reference.by_path else _key(each.sha256, each.label) for each in evaluation.predictions]
    answers = [(each, reference.right.get(key)) for each, key in zip(evaluation.predictions, keys, strict=True)]
    matched = [(each, right) for each, right in answers if right is not None]
    if not matched or (not skip and (len(matched) < len(keys) or set(keys) != set(reference.right))):
        raise DataError(
            f"{reference.name} was evaluated on {len(reference.right):,} images, {len(matched):,} of them among the "
            f"{len(keys):,} of this model; models of different folds have no validation images in common: "
            "choose --split test, or a reference of the same fold"
        )
    return matched


def compare_answers(
    images: Sequence[ImageRecord],
    reference: Mapping[str, bool],
    candidate: Mapping[str, bool],
    gate: Gate,
    seed: int = 0,
) -> Noninferiority:
    """Compare what two models got right, by path; subjects are drawn whole if any is known."""
    if not any(image.subject is not None for image in images):
        images = list({image.picture: image for image in images}.values())  # a copy tells nothing new
    first, second = (np.array([right[image.path] for image in images], np.bool_) for right in (reference, candidate))
    if not any(image.subject is not None for image in images):
        return compare_images(first, second, gate)
    return compare_subjects(first, second, np.array(group_ids(images)), gate, seed)
