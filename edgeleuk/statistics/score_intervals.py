"""Intervals of all scores of an evaluation at once: by bootstrap if there are groups enough, else as few allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.few_subjects import FEW_SUBJECTS, jackknife_spread, share_bounds
from edgeleuk.statistics.resampling import Bootstrap, intervals, weighted_auroc, weighted_rates

_OVERALL = 3  # accuracy, balanced accuracy and weighted F1 stand before the recalls
_NO_WIDTH = 1e-12


@dataclass(frozen=True)
class Answers:
    """Of each image its class and the chosen one, int [n], probabilities float [n, classes], and group, int64 [n]."""

    truth: NDArray[np.integer]
    chosen: NDArray[np.integer]
    probabilities: NDArray[np.floating]
    groups: NDArray[np.int64]

    @property
    def class_count(self) -> int:
        """Classes that the model knows."""
        return int(self.probabilities.shape[1])

    @property
    def group_count(self) -> int:
        """Groups of images."""
        return int(self.groups.max()) + 1

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """bool [classes, groups]: whether the group has an image of the class."""
        found = np.zeros((self.class_count, self.group_count), np.bool_)
        found[self.truth, self.groups] = True
        return found

    @property
    def groups_per_class(self) -> tuple[int, ...]:
        """How many groups have an image of each class."""
        return tuple(self.present.sum(axis=1).tolist())

    @cached_property
    def _per_group(self) -> NDArray[np.float64]:
        """float64 [groups, classes * classes]: the confusion matrix of each."""
        shape = (self.group_count, self.class_count, self.class_count)
        cells = np.ravel_multi_index((self.groups, self.truth, self.chosen), shape)
        return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape[0], -1).astype(np.float64)

    def statistics(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 [statistics, resamples] of how often each group was drawn, float64 [resamples, groups].

        Accuracy, balanced accuracy, weighted F1, the recall of each class, AUROC; NaN if undefined.
        """
        count, held = self.class_count, np.flatnonzero(self.present.any(axis=1))
        rates = weighted_rates((drawn @ self._per_group).reshape(-1, count, count))
        rates[1] = rates[_OVERALL + held].mean(axis=0)
        weights, scores = drawn[:, self.groups], self.probabilities.astype(np.float64)
        one = [weighted_auroc(self.truth == k, scores[:, k], weights) for k in against_rest(range(count))]
        return np.concatenate([rates, np.mean(one, axis=0, keepdims=True)])


def against_rest(classes: range | list[int]) -> list[int]:
    """Classes whose ROC curve counts: with two, the curve of one is that of the other."""
    return list(classes)[1:] if len(classes) == 2 else list(classes)


def bounds_of(answers: Answers, values: Sequence[float], how: Bootstrap) -> NDArray[np.float64]:
    """float64 [statistics, 2]: interval of each of `Answers.statistics`, whose `values` these are; NaN without one.

    There have to be two groups, and two in each class that has any. A statistic that rests on fewer than `FEW_SUBJECTS`
    groups, and one that no resample changes, gets what `few_subjects` gives.
    """
    everyone = np.ones(answers.group_count, np.bool_)
    members = [*[everyone] * _OVERALL, *answers.present, everyone]
    few = [0 < members_of.sum() < FEW_SUBJECTS for members_of in members]
    bounds = np.full((len(values), 2), np.nan)
    if not all(few):
        bounds = intervals(answers.statistics, answers.groups, how)
        few = [known or high - low <= _NO_WIDTH for known, (low, high) in zip(few, bounds, strict=True)]
    chosen = [number for number, value in enumerate(values) if few[number] and not np.isnan(value)]
    for number in chosen:
        bounds[number] = _few_bounds(answers, values[number], number, members[number], how.confidence)
    return bounds


def _few_bounds(
    answers: Answers, value: float, number: int, members: NDArray[np.bool_], confidence: float
) -> tuple[float, float]:
    """Bounds of the statistic of this number, which rests on these groups, bool [groups]."""
    counts = [count for count in answers.groups_per_class if count]
    class_of = number - _OVERALL
    subjects = int(members.sum())
    images = len(answers.truth)
    if 0 <= class_of < answers.class_count:
        images = int((answers.truth == class_of).sum())
    spread = 0.0
    if subjects < FEW_SUBJECTS:  # of more, none of which changed anything in any resample, it is 0
        left_out = 1 - np.eye(answers.group_count)[members]
        spread = jackknife_spread(answers.statistics(left_out)[number])
    # All but accuracy and recall are no better known than the class that has the fewest groups.
    weakest = min(counts) if number in (1, 2, _OVERALL + answers.class_count) else subjects
    return share_bounds(value, spread, subjects, images, confidence, weakest - 1)
