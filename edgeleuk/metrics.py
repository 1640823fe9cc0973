"""Classification metrics with intervals that respect which images belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import DataError
from edgeleuk.resampling import Bootstrap, intervals, statistics_packages, weighted_auroc, weighted_rates

__all__ = ["Bootstrap", "Estimate", "Scores", "confusion_matrix", "score", "weighted_f1"]


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap interval; bounds are None where there is none to give."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Scores:
    """What `score` found. `recall` and `groups_per_class` are in class order, `confusion` rows are the truth.

    AUROC is None where a class has no image, a recall where its class has none; sensitivity and specificity are
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

    `predicted` int [n] defaults to the most probable class; `positive` is the number of the positive class. Raises
    DataError without images, MissingExtraError without the 'report' extra.
    """
    count, class_count = probabilities.shape
    if not count:
        raise DataError("no images to score; expected at least one with a label")
    how = bootstrap or Bootstrap()
    chosen = probabilities.argmax(axis=1) if predicted is None else predicted
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    per_class = tuple(len(np.unique(numbers[truth == k])) for k in range(class_count))
    values = _values(truth, chosen, probabilities)
    bounds = np.full((len(values), 2), np.nan)
    if numbers.max() > 0 and 1 not in per_class:
        bounds = _bounds(truth, chosen, probabilities.astype(np.float64), numbers, how)
    accuracy, balanced_accuracy, f1 = map(_estimate, values[:3], bounds[:3])
    recall = tuple(map(_maybe, values[3:-1], bounds[3:-1]))
    of_two = positive if class_count == 2 else None
    return Scores(
        accuracy=accuracy,
        balanced_accuracy=balanced_accuracy,
        weighted_f1=f1,
        auroc=_maybe(values[-1], bounds[-1]),
        recall=recall,
        sensitivity=None if of_two is None else recall[of_two],
        specificity=None if of_two is None else recall[1 - of_two],
        confusion=tuple(map(tuple, confusion_matrix(truth, chosen, class_count).tolist())),
        image_count=count,
        group_count=int(numbers.max()) + 1,
        groups_per_class=per_class,
        bootstrap=how,
    )


def _values(
    truth: NDArray[np.integer], chosen: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> list[float]:
    """Accuracy, balanced accuracy, weighted F1, each recall, AUROC, from scikit-learn; NaN where undefined."""
    metrics, _ = statistics_packages()
    classes = list(range(probabilities.shape[1]))
    present = sorted(set(truth.tolist()))
    auroc = float("nan")
    if present == classes:
        # Not multi_class="ovr": it refuses rows whose sum is not 1 to the last digit, as int8 outputs are.
        auroc = float(np.mean([metrics.roc_auc_score(truth == k, probabilities[:, k]) for k in _against_rest(classes)]))
    return [
        metrics.accuracy_score(truth, chosen),
        # Not balanced_accuracy_score, which warns about predictions of a class that has no image.
        metrics.recall_score(truth, chosen, labels=present, average="macro", zero_division=0),
        metrics.f1_score(truth, chosen, labels=classes, average="weighted", zero_division=0),
        *metrics.recall_score(truth, chosen, labels=classes, average=None, zero_division=np.nan),
        auroc,
    ]


def _bounds(
    truth: NDArray[np.integer],
    chosen: NDArray[np.integer],
    probabilities: NDArray[np.float64],
    groups: NDArray[np.int64],
    bootstrap: Bootstrap,
) -> NDArray[np.float64]:
    """float64 [statistics, 2]: interval of each of `_values`, NaN where there is none."""
    present = np.unique(truth)
    class_count = probabilities.shape[1]
    shape = (int(groups.max()) + 1, class_count, class_count)
    cells = np.ravel_multi_index((groups, truth, chosen), shape)
    per_group = np.bincount(cells, minlength=np.prod(shape)).reshape(shape[0], -1).astype(np.float64)

    def statistic(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        rates = weighted_rates((drawn @ per_group).reshape(-1, class_count, class_count))
        rates[1] = rates[3 + present].mean(axis=0)
        weights = drawn[:, groups]
        one = [weighted_auroc(truth == k, probabilities[:, k], weights) for k in _against_rest(range(class_count))]
        return np.concatenate([rates, np.mean(one, axis=0, keepdims=True)])

    return intervals(statistic, groups, bootstrap)


def _against_rest(classes: range | list[int]) -> list[int]:
    """Classes whose ROC curve counts: with two, the curve of one is that of the other."""
    return list(classes)[1:] if len(classes) == 2 else list(classes)


def _maybe(value: float, bounds: NDArray[np.float64]) -> Estimate | None:
    return None if np.isnan(value) else _estimate(value, bounds)


def _estimate(value: float, bounds: NDArray[np.float64]) -> Estimate:
    low, high = map(float, bounds)
    # Without spread (every group without an error, say) the bootstrap knows nothing of the uncertainty.
    known = high - low > 1e-12
    return Estimate(float(value), low if known else None, high if known else None)
