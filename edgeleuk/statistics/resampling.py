"""The cluster bootstrap: whole groups of images (subjects) are drawn with replacement, never single images.

Images of one subject resemble each other, so an interval over images is too narrow. Field & Welsh 2007, "Bootstrapping
clustered data", J. R. Statist. Soc. B 69(3); percentile interval: Efron & Tibshirani 1993, "An Introduction to the
Bootstrap", ch. 13.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingExtraError

_BATCH_VALUES = 1_000_000  # at most this many image weights at a time: 8 MB an array


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made; `unit` names one group of images in results."""

    unit: str = "subject"
    resamples: int = 2000
    seed: int = 0
    confidence: float = 0.95


def scipy_stats() -> Any:
    """The module scipy.stats. Raises MissingExtraError if it is not installed."""
    try:
        import scipy.stats
    except ImportError as error:
        raise MissingExtraError("evaluate", "report") from error
    return scipy.stats


def draws(
    random: np.random.Generator, count: int, resamples: int, batch: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """int64 [resamples, count] in parts of at most `batch` rows: which of `count` are drawn, with replacement."""
    for done in range(0, resamples, batch or resamples):
        yield random.integers(0, count, (min(batch or resamples, resamples - done), count))


def intervals(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    groups: NDArray[np.int64],
    bootstrap: Bootstrap,
) -> NDArray[np.float64]:
    """float64 [statistics, 2], lower and upper bound; NaN if a statistic is never defined.

    `groups` int [n] numbers the group of each image from 0. `statistic` turns float64 [resamples, groups], how often
    each group was drawn, into float64 [statistics, resamples]. A resample in which a statistic is undefined (no image
    of a class was drawn) is left out of that statistic's interval.
    """
    count, random = int(groups.max()) + 1, np.random.default_rng(bootstrap.seed)
    parts = draws(random, count, bootstrap.resamples, max(1, _BATCH_VALUES // len(groups)))
    distribution = np.concatenate([statistic(multiplicities(part, count)) for part in parts], axis=-1)
    bounds = np.full((len(distribution), 2), np.nan)
    defined = ~np.isnan(distribution).all(axis=-1)
    tail = (1 - bootstrap.confidence) / 2
    bounds[defined] = np.nanquantile(distribution[defined], [tail, 1 - tail], axis=-1).T
    return bounds


def multiplicities(sample: NDArray[np.int64], group_count: int) -> NDArray[np.float64]:
    """float64 [resamples, groups]: how often each group is in each row of sample, int [resamples, drawn]."""
    rows = np.arange(len(sample))[:, None] * group_count
    drawn = np.bincount((sample + rows).ravel(), minlength=len(sample) * group_count)
    return drawn.reshape(len(sample), group_count).astype(np.float64)


def weighted_rates(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 [3 + classes, ...] of confusion matrices [..., classes, classes], rows the truth.

    In this order: accuracy, balanced accuracy (mean recall), weighted F1, recall of each class. NaN if a class has
    no image; F1 of a class neither present nor predicted is 0. Each matrix holds at least one image.
    """
    hits = np.diagonal(matrices, axis1=-2, axis2=-1).astype(np.float64)
    support, claimed = matrices.sum(axis=-1), matrices.sum(axis=-2)
    recall = np.divide(hits, support, out=np.full(hits.shape, np.nan), where=support > 0)
    f1 = np.divide(2 * hits, support + claimed, out=np.zeros(hits.shape), where=support + claimed > 0)
    total = support.sum(axis=-1)
    overall = np.stack([hits.sum(axis=-1) / total, recall.mean(axis=-1), (f1 * support).sum(axis=-1) / total])
    return np.concatenate([overall, np.moveaxis(recall, -1, 0)])


def weighted_auroc(
    positive: NDArray[np.bool_], ranking: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64 [resamples]: area under the ROC curve for each row of weights, float64 [resamples, n].

    The weighted share of (positive, negative) pairs in which the positive image ranks higher, ties counted half:
    Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve". NaN if one side weighs nothing.
    """
    order = np.argsort(ranking, kind="stable")
    starts = np.flatnonzero(np.diff(ranking[order], prepend=-np.inf))
    positives = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    negatives = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    area = np.full(len(weights), np.nan)
    np.divide((positives * below).sum(axis=1), pairs, out=area, where=pairs > 0)
    return area


def roc_curve(
    positive: NDArray[np.bool_], ranking: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """1 - specificity and sensitivity, float64 [distinct ranks + 1] each, as more and more of the highest are taken."""
    order = np.argsort(-ranking, kind="stable")
    ends = np.flatnonzero(np.diff(-ranking[order], append=np.inf))
    found = np.concatenate([[0], np.cumsum(positive[order])[ends]])
    taken = np.concatenate([[0], ends + 1])
    return (taken - found) / (~positive).sum(), found / positive.sum()
