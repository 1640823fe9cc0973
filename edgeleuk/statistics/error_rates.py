"""How often a model is right about the cells of a subject whom it has never seen.

Held-out subjects differ: on one patient's cells a model errs more often than on another's. What counts for the next
patient is therefore the spread between subjects beside the mean, and pooled cells, taken for independent, make the rate
look far better known than it is. The beta-binomial model says both: of subject i with n_i cells the model is right on
k_i ~ Binomial(n_i, r_i), r_i ~ Beta with mean m and intraclass correlation c (Williams 1975, "The analysis of binary
responses from toxicological experiments involving reproduction and teratogenicity", Biometrics 31). A priori m is
uniform and so is the square root of c, a proper form of what Gelman et al. propose for this model ("Bayesian Data
Analysis", 3rd ed., ch. 5). Numpy alone, as devices need it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.beta import beta_quantiles, log_gamma, nodes

LEAST_SUBJECTS = 3
_MEANS, _CORRELATIONS = 48, 40
_LARGEST = 1e6


@dataclass(frozen=True)
class Rate:
    """The share of cells that a model gets right in a new subject of one class: Beta(right, wrong).

    `value` is the share over all held-out cells, of as many `subjects` and `images`.
    """

    right: float
    wrong: float
    value: float
    subjects: int
    images: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Of the rate in a new subject, with 95 %."""
        low, high = beta_quantiles(self.right, self.wrong, np.array([0.025, 0.975]))
        return float(low), float(high)


@dataclass(frozen=True)
class ErrorRates:
    """Of positive cells (sensitivity) and of all others (specificity), each in a new subject."""

    sensitivity: Rate
    specificity: Rate

    @property
    def too_few(self) -> bool:
        """Whether a class rests on fewer than `LEAST_SUBJECTS` subjects."""
        return min(self.sensitivity.subjects, self.specificity.subjects) < LEAST_SUBJECTS


def new_subject_rate(right: NDArray[np.integer], sizes: NDArray[np.integer]) -> Rate:
    """The rate of a new subject, from how many of each held-out one's cells were right, int [subjects], of `sizes`.

    The posterior of mean and correlation is summed over a grid; the rate that it predicts for a new subject is the beta
    distribution of the same mean and variance. Raises ValueError without a subject.
    """
    if not len(sizes):
        raise ValueError("no subject to learn a rate from; expected at least one")
    at, prior = nodes(_MEANS)
    roots = (np.arange(_CORRELATIONS) + 0.5) / _CORRELATIONS
    mean, correlation = at[:, None, None], (roots**2)[None, :, None]
    many = 1 / correlation - 1
    log_likelihood = (
        _log_rising(mean * many, right)
        + _log_rising((1 - mean) * many, sizes - right)
        - _log_rising(np.broadcast_to(many, (1, *many.shape[1:])), sizes)
    ).sum(axis=2)
    weights = np.exp(log_likelihood - log_likelihood.max()) * prior[:, None]
    weights /= weights.sum()
    centre = float((weights * at[:, None]).sum())
    within = (weights * (at * (1 - at))[:, None] * roots**2).sum()
    variance = float(within + (weights * (at[:, None] - centre) ** 2).sum())
    strength = min(max(centre * (1 - centre) / variance - 1, 1e-3), _LARGEST)
    cells = int(sizes.sum())
    value = float(right.sum()) / cells
    return Rate(centre * strength, (1 - centre) * strength, value, len(sizes), cells)


def rates_by_subject(
    positive: NDArray[np.bool_], called: NDArray[np.bool_], subjects: NDArray[np.integer]
) -> ErrorRates | None:
    """Of held-out cells: whether each is positive, whether it was called so, bool [n], and its subject, int [n].

    None if there are no cells of one of the two.
    """
    if not positive.any() or positive.all():
        return None
    both = [new_subject_rate(*_per_subject((positive == called)[own], subjects[own])) for own in (positive, ~positive)]
    return ErrorRates(*both)


def _per_subject(
    right: NDArray[np.bool_], subjects: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    numbers = np.unique(subjects, return_inverse=True)[1]
    return np.bincount(numbers, weights=right).astype(np.int64), np.bincount(numbers).astype(np.int64)


def _log_rising(start: NDArray[np.float64], steps: NDArray[np.integer]) -> NDArray[np.float64]:
    """ln of start (start + 1) ... (start + steps - 1)."""
    first = np.maximum(start, 1e-12)
    return log_gamma(first + steps) - log_gamma(first)
