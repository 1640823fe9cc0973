"""How often answers are wrong if only the surest are given: the curve of risk over coverage.

El-Yaniv & Wiener 2010, "On the Foundations of Noise-free Selective Classification"; area below it: Geifman, Uziel &
El-Yaniv 2019, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SelectiveRisk:
    """Shares, float64 [distinct confidences] each, of answers given and of those that are wrong; the surest first."""

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Mean risk over all coverages: 0 is an ordering that gives every wrong answer last and has none."""
        widths = np.diff(self.coverage, prepend=0.0)
        return float((self.risk * widths).sum())


def selective_risk(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> SelectiveRisk:
    """Of confidences float [n], n at least 1, and which answers are right, bool [n]; ties are given together."""
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(np.diff(-confidence[order], append=np.inf))
    given = ends + 1
    wrong = np.cumsum(~right[order])[ends]
    return SelectiveRisk(given / len(confidence), wrong / given)
