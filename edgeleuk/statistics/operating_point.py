"""The probability from which the positive class is chosen, for a wanted sensitivity, specificity or least cost."""

import math

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import DataError
from edgeleuk.statistics.few_subjects import FEW_SUBJECTS, jackknife_spread, share_bounds
from edgeleuk.statistics.metrics import Bootstrap, Estimate
from edgeleuk.statistics.resampling import intervals

CLOPPER_PEARSON = "exact (Clopper-Pearson), since each subject has one image"
CLUSTER_BOOTSTRAP = "cluster bootstrap over subjects, since they have several images"
FEW = "Clopper-Pearson of the effective number of images, since there are few subjects with several images each"
_MARGIN = 1 / 512  # half a step of an int8 output: another processor's softmax may differ by one


def threshold_for_sensitivity(ranking: NDArray[np.floating], positive: NDArray[np.bool_], wanted: float) -> float:
    """The highest threshold that at least a share `wanted`, 0 to 1, of the positive images reaches.

    `ranking` float [n] is the probability of the positive class, `positive` bool [n] the truth. It lies below the
    probability that decides, by half a step of an int8 output or half-way to the next lower one. Raises DataError
    without a positive image.
    """
    values = np.sort(ranking[positive].astype(np.float64))
    if not len(values):
        raise DataError("no positive image to choose a threshold on; expected one at least")
    missed = math.floor(len(values) * (1 - wanted) + 1e-9)
    return _eased(ranking, float(values[min(missed, len(values) - 1)]))


def threshold_for_specificity(ranking: NDArray[np.floating], positive: NDArray[np.bool_], wanted: float) -> float:
    """The lowest threshold that at least a share `wanted` of the other images does not reach; as for sensitivity."""
    values = np.sort(ranking[~positive].astype(np.float64))
    if not len(values):
        raise DataError("no negative image to choose a threshold on; expected one at least")
    kept = math.ceil(len(values) * wanted - 1e-9)
    level = float(values[kept - 1]) if kept else 0.0  # what may still be taken for negative
    above = ranking[ranking > level]
    return min(1.0, level + min(_MARGIN, (float(above.min()) - level) / 2 if len(above) else _MARGIN))


def threshold_for_cost(missed: float, false_alarm: float) -> float:
    """The threshold of least expected cost if probabilities are right: false_alarm / (missed + false_alarm).

    Elkan 2001, "The Foundations of Cost-Sensitive Learning"; costs of a positive that is missed and of a negative that
    is taken for one. It holds where the positive class is as frequent as where the probabilities were calibrated.
    """
    return false_alarm / (missed + false_alarm)


def fewest_for(wanted: float) -> int:
    """How many subjects of the class a share can be told from 1 with: one in that many may be missed, and not below
    the number from which the project draws conclusions on subjects at all."""
    return max(FEW_SUBJECTS, math.ceil(1 / (1 - wanted) - 1e-9))


def share_interval(
    right: NDArray[np.bool_], groups: NDArray[np.integer], how: Bootstrap | None = None
) -> tuple[Estimate, str]:
    """The share of images that are right, bool [n], n at least 1, its interval over groups int [n], and the method.

    Exact if each group has one image (Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in
    the case of the binomial"). Else the cluster bootstrap; of fewer than `FEW_SUBJECTS` groups, or if no resample
    changes it, the bounds of `few_subjects`. With one group there is none.
    """
    how, numbers = how or Bootstrap(), np.unique(groups, return_inverse=True)[1].astype(np.int64)
    sizes, hits = np.bincount(numbers).astype(np.float64), np.bincount(numbers, weights=right)
    count, value = len(sizes), float(right.mean())
    if count < 2:
        return Estimate(value, groups=count), "none, of a single subject"
    if len(right) == count:
        # Without a spread the effective number of images is that of the groups: each is one.
        return Estimate(value, *share_bounds(value, 0.0, count, count, how.confidence), count), CLOPPER_PEARSON
    if count >= FEW_SUBJECTS and 0 < value < 1:
        low, high = intervals(lambda drawn: ((drawn @ hits) / (drawn @ sizes))[None], numbers, how)[0]
        return Estimate(value, float(low), float(high), count), CLUSTER_BOOTSTRAP
    spread = jackknife_spread((hits.sum() - hits) / (sizes.sum() - sizes))
    return Estimate(value, *share_bounds(value, spread, count, len(right), how.confidence), count), FEW


def _eased(ranking: NDArray[np.floating], level: float) -> float:
    below = ranking[ranking < level]
    return max(0.0, level - min(_MARGIN, (level - float(below.max())) / 2 if len(below) else _MARGIN))
