"""How well a score tells subjects of one class from all others: the area under the ROC curve, over subjects.

The interval is the percentile bootstrap over whole subjects (`resampling`). Where no pair of subjects is ranked wrongly
every resample says the same, and the bootstrap knows nothing: then the lower bound is the exact one of as many pairs,
none of them wrong, as the smaller side has subjects (Clopper & Pearson 1934). With few subjects on a side neither is
given: `python -m benchmarks.answers` simulates how often the interval then misses.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.beta import exact_bounds
from edgeleuk.statistics.resampling import Bootstrap, intervals, weighted_auroc

LEAST_PATIENTS = 10
_NO_WIDTH = 1e-12


@dataclass(frozen=True)
class PatientRoc:
    """AUROC of `positive` subjects against `negative` ones; its bounds, None if either are too few.

    `score` says in words what the subjects were ranked by.
    """

    score: str
    positive: int
    negative: int
    auroc: float | None
    low: float | None = None
    high: float | None = None

    @property
    def too_few(self) -> bool:
        """Whether there is no interval."""
        return self.low is None


def patient_roc(
    positive: NDArray[np.bool_], ranking: NDArray[np.float64], score: str, how: Bootstrap | None = None
) -> PatientRoc:
    """Of subjects, bool [n], and the score of each, float64 [n]; no AUROC if one side has no subject."""
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return PatientRoc(score, many, few, None)
    value = float(weighted_auroc(positive, ranking, np.ones((1, len(ranking))))[0])
    if min(many, few) < LEAST_PATIENTS:
        return PatientRoc(score, many, few, value)
    everyone = np.arange(len(ranking))
    bounds = intervals(lambda drawn: weighted_auroc(positive, ranking, drawn)[None], everyone, how or Bootstrap())[0]
    low, high = (float(bound) for bound in bounds)
    if high - low <= _NO_WIDTH:
        low, high = exact_bounds(value * min(many, few), min(many, few), (how or Bootstrap()).confidence)
    return PatientRoc(score, many, few, value, low, high)
