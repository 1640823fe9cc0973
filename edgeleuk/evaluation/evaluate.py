"""How good a model is on labelled images: scores with intervals, per subject, and what must be said beside them."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index, verify_files
from edgeleuk.data.labels import NOTHING_SAID, LabelSource
from edgeleuk.data.shortcuts.judging import Shortcuts
from edgeleuk.data.split import open_images
from edgeleuk.errors import ModelError
from edgeleuk.evaluation.beside import shortcuts_beside
from edgeleuk.evaluation.degraded import Degraded, evaluate_degraded
from edgeleuk.evaluation.predictors import Predictor, StagedPredictor, model_sha256, open_predictor
from edgeleuk.evaluation.reliability import Judged, Reliability, notes_on, reliability_of
from edgeleuk.evaluation.selection import choose_images, default_split, seen_in_training
from edgeleuk.progress import counted
from edgeleuk.runtime.decision import decide
from edgeleuk.spec import Decision, ModelSpec
from edgeleuk.statistics.metrics import Bootstrap, Scores, score
from edgeleuk.statistics.resampling import scipy_stats

SCHEMA_VERSION = 1
_FEW_GROUPS = 10


@dataclass(frozen=True)
class Request:
    """What to evaluate on: see `choose_images` for `split` and `trained`; seed and resamples of the bootstrap.

    `data_root`: where the images lie, if not where the index says. `shortcuts`: whether to find how far colour goes.
    `degrade_images`: how many images to degrade, too; None for none. `labels`: what says the labels of a folder.
    """

    split: str | None = None
    trained: str = "refuse"
    seed: int = 0
    resamples: int = 2000
    data_root: Path | None = None
    shortcuts: bool = False
    degrade_images: int | None = None
    labels: LabelSource = NOTHING_SAID


@dataclass(frozen=True)
class Prediction:
    """One image: its label, the label the model chose, the probabilities in class order, and the content's hash."""

    path: str
    subject: str | None
    label: str
    predicted: str
    label_probability: float
    probabilities: tuple[float, ...]
    sha256: str = ""


@dataclass(frozen=True)
class SubjectResult:
    """The images of one subject."""

    subject: str
    labels: tuple[str, ...]
    images: int
    correct: int
    accuracy: float
    mean_label_probability: float


@dataclass(frozen=True)
class Evaluation:
    """The record of one evaluation; `trained_images` counts those of its images that were seen in training.

    `answered_first` counts those that the first model of a cascade answered; None if there is one model.
    `former_index_sha256`: what older versions of edgeleuk call the index, if its file is one of theirs. `shortcuts`:
    what colour and the like reach on the same images, if that was asked and could be found; `degraded`: the answers to
    degraded pictures, if they were asked for. `reliability`: how far the probabilities may be relied on; None in
    records that do not say. `least_probability`: from which probability on a class is in the conformal set of an
    answer, if the model has such sets.
    """

    model: str
    model_sha256: str
    index_sha256: str
    split: str
    classes: tuple[str, ...]
    positive_class: str | None
    decision: Decision
    trained_images: int
    scores: Scores
    subjects: tuple[SubjectResult, ...]
    notes: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    answered_first: int | None = None
    former_index_sha256: str | None = None
    reliability: Reliability | None = None
    schema_version: int = SCHEMA_VERSION
    shortcuts: Shortcuts | None = None
    least_probability: float | None = None
    degraded: Degraded | None = None

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; without the predictions, which are a table of their own (predictions.csv)."""
        whole = dataclasses.replace(self, predictions=())
        return {
            "schema_version": self.schema_version,
            **dataclasses.asdict(whole),
            "predictions": len(self.predictions),
        }


def evaluate_files(model: Path, data: Path, request: Request) -> Evaluation:
    """Evaluate a .tflite file or run on an index, or on a folder or manifest as `evaluate_on` does.

    Raises what `evaluate` raises, and ModelError or DataError if model or data cannot be opened.
    """
    scipy_stats()  # before an hour of predictions, not after
    return evaluate_on(data, open_predictor(model), model, request)


def evaluate_on(data: Path, predictor: Predictor, model: Path, request: Request) -> Evaluation:
    """Evaluate a predictor on an index file, or on a folder or manifest, whose default split is "all".

    What could not be used of a folder is said in the notes.
    """
    left_out: list[str] = []
    index = open_images(data, left_out.append, request.data_root, request.labels)
    if data.suffix.lower() != ".json" and request.split is None:
        request = dataclasses.replace(request, split="all")
    evaluation = evaluate(predictor, index, model, request)
    return dataclasses.replace(evaluation, notes=(*evaluation.notes, *left_out))


def evaluate(predictor: Predictor, index: Index, model: Path, request: Request) -> Evaluation:
    """Evaluate a predictor, loaded from the path `model`, on an index.

    Raises LeakError for images seen in training unless the request says otherwise, SpecError for unknown labels,
    DataError for files that are not those of the index, ImageError for one that is not an image.
    """
    spec = predictor.spec
    unsure = None if spec.calibration is None else spec.calibration.abstention
    images = choose_images(index, predictor, request.split, request.trained)
    verify_files(index, images)
    probabilities, answered_first = _answers(predictor, index, images)
    truth = np.array([spec.classes.index(str(image.label)) for image in images])
    chosen = decide(probabilities, spec)
    seen = seen_in_training(index, predictor)
    unit = "subject" if all(image.subject is not None for image in images) else "image group"
    how = Bootstrap(unit, request.resamples, request.seed)
    judged = Judged(truth, chosen, probabilities, np.array(group_ids(images)))
    scores = _scores(judged, spec, how)
    calibrated = sum(not predictor.calibrated_on.isdisjoint(image.digests) for image in images)
    reliability = reliability_of(judged, spec, how, calibrated, answered_first is None)
    split = request.split or default_split(index, predictor)
    shortcuts, told = shortcuts_beside(index, images, seen, request.seed) if request.shortcuts else (None, "")
    predictions = tuple(map(_prediction, images, chosen, probabilities, [spec.classes] * len(images)))
    return Evaluation(
        model=shown_path(model),
        model_sha256=model_sha256(model),
        index_sha256=index.sha256,
        split=split,
        classes=spec.classes,
        positive_class=spec.positive_class,
        decision=spec.decision,
        trained_images=len(seen.intersection(images)),
        scores=scores,
        subjects=subject_results(predictions),
        notes=(
            *filter(None, [index.leaks, told]),
            *notes_on(reliability, len(images)),
            *_notes_on(scores, split, predictor, images, seen),
        ),
        predictions=predictions,
        answered_first=answered_first,
        former_index_sha256=index.former_sha256,
        reliability=reliability,
        shortcuts=shortcuts,
        least_probability=None if unsure is None else unsure.least_probability,
        degraded=_degraded(predictor, index, images, request, how),
    )


def _degraded(
    predictor: Predictor, index: Index, images: Sequence[ImageRecord], request: Request, how: Bootstrap
) -> Degraded | None:
    if request.degrade_images is None:
        return None
    return evaluate_degraded(predictor, index, images, request.degrade_images, how)


def _scores(judged: Judged, spec: ModelSpec, how: Bootstrap) -> Scores:
    positive = None if spec.positive_class is None else spec.classes.index(spec.positive_class)
    return score(
        judged.truth,
        judged.probabilities,
        judged.groups,
        predicted=judged.chosen,
        positive=positive,
        bootstrap=how,
    )


def shown_path(path: Path) -> str:
    """A path for a record, which is handed on: as it was typed, but of an absolute one the name alone."""
    return path.name if path.is_absolute() else str(path)


def _answers(
    predictor: Predictor, index: Index, images: Sequence[ImageRecord]
) -> tuple[NDArray[np.float32], int | None]:
    """float32 [n, classes], and how many of them the first model of a cascade gave."""
    paths = [index.path_of(image) for image in images]
    answered_first = None
    if isinstance(predictor, StagedPredictor):
        rows, stages = zip(*counted(predictor.answers(paths), "images", len(paths)), strict=True)
        probabilities, answered_first = np.stack(rows), stages.count(1)
    else:
        probabilities = np.stack(list(counted(predictor.probabilities(paths), "images", len(paths))))
    expected = (len(images), len(predictor.spec.classes))
    if probabilities.shape != expected or not np.isfinite(probabilities).all():
        raise ModelError(f"the model gave {probabilities.shape} values, expected {expected}, all of them finite")
    return probabilities, answered_first


def _prediction(
    image: ImageRecord, chosen: np.int64, probabilities: NDArray[np.float32], classes: tuple[str, ...]
) -> Prediction:
    label, values = str(image.label), tuple(map(float, probabilities))
    probability = values[classes.index(label)]
    return Prediction(image.path, image.subject, label, classes[chosen], probability, values, image.sha256)


def subject_results(predictions: Sequence[Prediction]) -> tuple[SubjectResult, ...]:
    """One row for each known subject, in order of name."""
    known = sorted((p for p in predictions if p.subject is not None), key=lambda p: str(p.subject))
    rows = []
    for subject, group in groupby(known, key=lambda p: str(p.subject)):
        own = list(group)
        correct = sum(p.label == p.predicted for p in own)
        labels = tuple(sorted({p.label for p in own}))
        mean = sum(p.label_probability for p in own) / len(own)
        rows.append(SubjectResult(subject, labels, len(own), correct, correct / len(own), mean))
    return tuple(rows)


def _notes_on(
    scores: Scores, split: str, predictor: Predictor, images: Collection[ImageRecord], seen: Collection[ImageRecord]
) -> Iterator[str]:
    """Sentences on training overlap, subjects and intervals. `seen` are the images of the index seen in training."""
    yield from _on_training(split, predictor, images, seen)
    unknown = sum(image.subject is None for image in images)
    if unknown == len(images):
        yield "no subject is known: intervals are over images, and no claim about patients can be made"
    elif unknown:
        yield f"the subject of {unknown:,} images is unknown: intervals take each of them for a subject of its own"
    yield from _on_intervals(scores, predictor.spec.classes)
    yield "research use, not a diagnosis"


def _on_training(
    split: str, predictor: Predictor, images: Collection[ImageRecord], seen: Collection[ImageRecord]
) -> Iterator[str]:
    trained = len(set(seen).intersection(images))
    if trained:
        yield f"{trained:,} of {len(images):,} images were seen in training: the scores flatter"
    elif not predictor.trained_on and not seen:
        yield "overlap cannot be ruled out: the model does not say which images it was trained on"
    subjects = {image.subject for image in seen if image.subject is not None}
    related = sum(image.subject in subjects for image in set(images).difference(seen))
    if related:
        of_all = f"{related:,} of {len(images):,} images"
        yield f"{of_all} come from subjects whose other images were seen in training: the scores flatter"
    if split == "validation":
        yield "the validation fold has steered training: expect a little less on new subjects"


def _on_intervals(scores: Scores, classes: tuple[str, ...]) -> Iterator[str]:
    unit, groups = scores.bootstrap.unit, scores.group_count
    alone = [name for name, count in zip(classes, scores.groups_per_class, strict=True) if count == 1]
    if groups == 1:
        yield f"1 {unit}: no interval"
    elif alone:
        yield f"1 {unit} of class {', '.join(alone)}: no interval"
    elif groups < _FEW_GROUPS:
        yield (
            f"{groups} {unit}s: the intervals take so few into account, but are too narrow if one {unit} in five "
            "has most errors"
        )
    if scores.has_intervals and scores.accuracy.value in (0.0, 1.0):
        alike = "right" if scores.accuracy.value else "wrong"
        yield f"every image was answered {alike}: bounds are those of one image a {unit}"
