"""A model on degraded pictures: accuracy, confidence and what is kept apart, by kind of change and severity."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.degradation import KINDS, degrade
from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.sampling import spread_over_classes
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.evaluation.predictors import PicturePredictor, Predictor
from edgeleuk.progress import counted
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import UNCERTAIN, decide
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.statistics.calibration import chance_errors, expected_calibration_error
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.statistics.resampling import Bootstrap
from edgeleuk.statistics.shares import estimates

AS_IT_IS = "as it is"
Change = tuple[str, int]
CHANGES: tuple[Change, ...] = ((AS_IT_IS, 0), *((kind, severity) for kind in KINDS for severity in range(1, 6)))


@dataclass(frozen=True)
class DegradedRow:
    """One kind and severity; `told` is the amount in words, severity 0 the pictures as they are.

    `confidence` is the mean probability of the answers, `ece` the expected calibration error and `chance_ece` what it
    would be on average if every probability were right (see `edgeleuk.statistics.calibration`). `kept_apart` is the
    share of pictures with a warning, of the input gate or of one that holds nothing, `kept_accuracy` the accuracy on
    all others: None if the model gives none.
    """

    kind: str
    severity: int
    told: str
    accuracy: Estimate
    confidence: float
    ece: float
    chance_ece: float
    kept_apart: float | None
    kept_accuracy: float | None

    @property
    def overconfidence(self) -> float:
        """Confidence less accuracy: 0 if the model is right as often as it says."""
        return self.confidence - self.accuracy.value


@dataclass(frozen=True)
class Degraded:
    """All rows, the pictures as they are first; of `images` of the `of_images` that the model was evaluated on.

    `gated`: whether the model's file has an input gate.
    """

    images: int
    of_images: int
    seed: int
    unit: str
    gated: bool
    rows: tuple[DegradedRow, ...]

    def __post_init__(self) -> None:
        """Raise ValueError unless the pictures as they are come first."""
        if not self.rows or (self.rows[0].kind, self.rows[0].severity) != CHANGES[0]:
            raise ValueError(f"the first row of degraded pictures is not {AS_IT_IS!r}")

    def row(self, kind: str, severity: int) -> DegradedRow:
        """Of this kind and severity. Raises KeyError if there is none."""
        for row in self.rows:
            if (row.kind, row.severity) == (kind, severity):
                return row
        raise KeyError(f"{kind}, severity {severity}")

    @property
    def as_it_is(self) -> DegradedRow:
        """The same pictures, nothing changed."""
        return self.rows[0]


@dataclass(frozen=True)
class _Answers:
    """Probabilities float32 [images, changes, classes], and of which something was said, bool [images, changes]."""

    probabilities: NDArray[np.float32]
    warned: NDArray[np.bool_] | None


def evaluate_degraded(
    predictor: Predictor, index: Index, images: Sequence[ImageRecord], count: int, how: Bootstrap
) -> Degraded:
    """Answers to `count` of the images, drawn over classes, each decoded once and changed before preprocessing.

    Raises UsageError for a model that takes no pictures, ModelError for answers that are not finite, ImageError.
    """
    chosen = spread_over_classes(images, count, how.seed)
    answers, spec = _ask(predictor, index, chosen, how.seed), predictor.spec
    truth = np.array([spec.classes.index(str(image.label)) for image in chosen])
    labels = decide(answers.probabilities, spec)
    right = labels == truth[:, np.newaxis]
    confidence = np.take_along_axis(answers.probabilities, labels[..., np.newaxis], axis=-1)[..., 0]
    rows = []
    for n, share in enumerate(estimates(right, truth, np.array(group_ids(chosen)), how)):
        errors = _calibration_errors(truth, answers.probabilities[:, n], how.seed)
        sure = float(confidence[:, n].mean(dtype=np.float64))
        apart = (None, None) if answers.warned is None else _kept_apart(answers.warned[:, n], right[:, n])
        rows.append(DegradedRow(*CHANGES[n], _told(*CHANGES[n]), share, sure, *errors, *apart))
    return Degraded(len(chosen), len(images), how.seed, how.unit, _has_gate(predictor), tuple(rows))


def _ask(predictor: Predictor, index: Index, images: Sequence[ImageRecord], seed: int) -> _Answers:
    shape = (len(images), len(CHANGES))
    pictures = _changed(index, images, seed)
    found = list(counted(_answers(predictor, pictures), "degraded pictures", shape[0] * shape[1]))
    probabilities = np.stack([each for each, _ in found]).reshape(*shape, len(predictor.spec.classes))
    if not np.isfinite(probabilities).all():
        raise ModelError("the model gave values to a degraded picture that are not finite")
    if not isinstance(predictor, Classifier):
        return _Answers(probabilities, None)
    return _Answers(probabilities, np.array([bool(set(said) - {UNCERTAIN}) for _, said in found]).reshape(shape))


def _changed(index: Index, images: Sequence[ImageRecord], seed: int) -> Iterator[Image.Image]:
    """Each image in every change, in the order of `CHANGES`; the noise of an image is its own."""
    for number, record in enumerate(images):
        image = decode_indexed(index.path_of(record))
        for kind, severity in CHANGES:
            yield degrade(image, kind, severity, seed + number) if severity else image


def _answers(
    predictor: Predictor, pictures: Iterable[Image.Image]
) -> Iterator[tuple[NDArray[np.float32], tuple[str, ...]]]:
    """float32 [classes] of each picture, and what was said of it."""
    if isinstance(predictor, Classifier):
        for answer in predictor.predict_many(pictures):
            yield np.array(list(answer.probabilities.values()), np.float32), answer.warnings
    elif isinstance(predictor, PicturePredictor):
        for probabilities in predictor.probabilities_of(pictures):
            yield probabilities, ()
    else:
        raise UsageError("this model takes files only; degraded pictures take a .tflite file or a run")


def _has_gate(predictor: Predictor) -> bool:
    return isinstance(predictor, Classifier) and predictor.picture_gate is not None


def _calibration_errors(truth: NDArray[np.int64], probabilities: NDArray[np.float32], seed: int) -> tuple[float, float]:
    """The expected calibration error, and what it would be by chance."""
    error = expected_calibration_error(truth, probabilities)
    return error, float(chance_errors(probabilities.max(axis=1).astype(np.float64), seed).mean())


def _kept_apart(warned: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[float, float | None]:
    """The share that is kept apart, and the accuracy on the rest."""
    return float(warned.mean()), None if warned.all() else float(right[~warned].mean())


def _told(kind: str, severity: int) -> str:
    return KINDS[kind].told(severity) if severity else ""
