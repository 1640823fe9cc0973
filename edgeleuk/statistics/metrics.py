"""Classification metrics with intervals that respect which images belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import DataError
from edgeleuk.statistics.few_subjects import FEW_SUBJECTS, METHOD
from edgeleuk.statistics.resampling import Bootstrap, weighted_rates
from edgeleuk.statistics.score_intervals import Answers, bounds_of

__all__ = ["Bootstrap", "Estimate", "Scores", "confusion_matrix", "score", "weighted_f1"]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, bounds None if there is none to give; `groups` it rests on, subjects mostly."""

    value: float
    low: float | None = None
    high: float | None = None
    groups: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if one bound is given without the other."""
        if (self.low is None) != (self.high is None):
            raise ValueError(f"an interval from {self.low} to {self.high}; expected two bounds, or none")


@dataclass(frozen=True)
class Scores:
    """What `score` found. `recall` and `groups_per_class` are in class order, `confusion` rows are the truth.

    AUROC is None if a class has no image, a recall if its class has none; sensitivity and specificity are
    None unless there are two classes and a positive one. With more than two classes AUROC is the unweighted mean of
    one class against the rest. Balanced accuracy is the mean recall of the classes that have images.
    """

    accuracy: Estimate
    balanced_accuracy: Estimate
    weighted_f1: Estimate
    auroc: Estimate | None
    recall: tuple[Estimate | None, ...]
    sensitivity: Estimate | None
    specificity: Estimate | None
    confusion: tuple[tuple[int, ...], ...]
    image_count: int
    group_count: int
    groups_per_class: tuple[int, ...]
    bootstrap: Bootstrap

    @property
    def has_intervals(self) -> bool:
        """Whether there are groups enough: two or more, and two or more in each class that has images."""
        return self.group_count >= 2 and 1 not in self.groups_per_class

    @property
    def interval_method(self) -> str:
        """How the intervals were made, in words."""
        drawn = f"percentile bootstrap, {self.bootstrap.resamples:,} resamples, seed {self.bootstrap.seed}"
        few = METHOD.replace("subjects", f"{self.bootstrap.unit}s")
        if self.group_count < FEW_SUBJECTS:
            return few
        small = any(0 < count < FEW_SUBJECTS for count in self.groups_per_class)
        return f"{drawn}; of classes with fewer than {FEW_SUBJECTS} {self.bootstrap.unit}s: {few}" if small else drawn


def confusion_matrix(truth: NDArray[np.integer], predicted: NDArray[np.integer], class_count: int) -> NDArray[np.int64]:
    """int64 [classes, classes] of two int [n] arrays: rows are the truth, columns the prediction.

    Raises ValueError for a number outside 0 to class_count - 1.
    """
    cells = np.ravel_multi_index((truth, predicted), (class_count, class_count))
    return np.bincount(cells, minlength=class_count**2).reshape(class_count, class_count).astype(np.int64)


def weighted_f1(truth: NDArray[np.integer], predicted: NDArray[np.integer], class_count: int) -> float:
    """F1 of each class, 2 TP / (2 TP + FP + FN), averaged with the number of its images in truth, int [n], as weight.

    A class neither present nor predicted counts 0, as in scikit-learn's f1_score(average="weighted",
    zero_division=0), which agrees; so does no image at all. Needs no package beside numpy.
    """
    if not len(truth):
        return 0.0
    return float(weighted_rates(confusion_matrix(truth, predicted, class_count).astype(np.float64))[2])


def score(
    truth: NDArray[np.integer],
    probabilities: NDArray[np.floating],
    groups: NDArray[np.integer],
    *,
    predicted: NDArray[np.integer] | None = None,
    positive: int | None = None,
    bootstrap: Bootstrap | None = None,
) -> Scores:
    """Scores of truth int [n] and probabilities float [n, classes]; groups int [n] says which images belong together.

    `predicted` int [n] defaults to the most probable class; `positive` is the number of the positive class. A score of
    `FEW_SUBJECTS` groups or more has the interval of a bootstrap, others that of `few_subjects`. Raises DataError
    without images, MissingExtraError without the 'report' extra.
    """
    count, class_count = probabilities.shape
    if not count:
        raise DataError("no images to score; expected at least one with a label")
    how = bootstrap or Bootstrap()
    chosen = probabilities.argmax(axis=1) if predicted is None else predicted
    answers = Answers(truth, chosen, probabilities, np.unique(groups, return_inverse=True)[1].astype(np.int64))
    per_class, everyone = answers.groups_per_class, answers.group_count
    values = answers.statistics(np.ones((1, everyone)))[:, 0].tolist()
    bounds = np.full((len(values), 2), np.nan)
    if everyone > 1 and 1 not in per_class:
        bounds = bounds_of(answers, values, how)
    accuracy, balanced_accuracy, f1 = (_estimate(values[n], bounds[n], everyone) for n in range(3))
    recall = tuple(map(_maybe, values[3:-1], bounds[3:-1], per_class))
    of_two = positive if class_count == 2 else None
    return Scores(
        accuracy=accuracy,
        balanced_accuracy=balanced_accuracy,
        weighted_f1=f1,
        auroc=_maybe(values[-1], bounds[-1], everyone),
        recall=recall,
        sensitivity=None if of_two is None else recall[of_two],
        specificity=None if of_two is None else recall[1 - of_two],
        confusion=tuple(map(tuple, confusion_matrix(truth, chosen, class_count).tolist())),
        image_count=count,
        group_count=everyone,
        groups_per_class=per_class,
        bootstrap=how,
    )


def _maybe(value: float, bounds: NDArray[np.float64], groups: int) -> Estimate | None:
    return None if np.isnan(value) else _estimate(value, bounds, groups)


def _estimate(value: float, bounds: NDArray[np.float64], groups: int) -> Estimate:
    low, high = (None if np.isnan(bound) else float(bound) for bound in bounds)
    return Estimate(float(value), low, high, groups)
