"""Intervals of many shares of the same images at once, such as accuracies of one model on ten changes of each image."""

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.few_subjects import FEW_SUBJECTS, jackknife_spread, share_bounds
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.statistics.resampling import Bootstrap, intervals

_NO_WIDTH = 1e-12


def estimates(
    right: NDArray[np.bool_], truth: NDArray[np.integer], groups: NDArray[np.integer], how: Bootstrap
) -> tuple[Estimate, ...]:
    """The share of each column of right, bool [n, shares], with an interval over groups, int [n], as `score` gives it.

    Every column is resampled alike. Without two groups of each class in truth, int [n], there is no interval. Raises
    MissingExtraError without the 'report' extra.
    """
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    count = int(numbers.max()) + 1
    sizes = np.bincount(numbers).astype(np.float64)
    hits = np.stack([np.bincount(numbers, weights=column, minlength=count) for column in right.T])
    values = hits.sum(axis=1) / sizes.sum()
    per_class = [len(np.unique(numbers[truth == name])) for name in np.unique(truth)]
    if min(per_class) < 2:
        return tuple(Estimate(float(value), groups=count) for value in values)
    bounds = np.full((len(values), 2), np.nan)
    if count >= FEW_SUBJECTS:
        bounds = intervals(lambda drawn: (hits @ drawn.T) / (drawn @ sizes), numbers, how)
    for number, value in enumerate(values):
        if count < FEW_SUBJECTS or bounds[number, 1] - bounds[number, 0] <= _NO_WIDTH:
            spread = jackknife_spread((hits[number].sum() - hits[number]) / (sizes.sum() - sizes))
            bounds[number] = share_bounds(float(value), spread, count, len(right), how.confidence)
    return tuple(
        Estimate(float(value), float(low), float(high), count)
        for value, (low, high) in zip(values, bounds, strict=True)
    )
