"""The share of positive cells in a subject, with what the model's own errors do to it.

Of the cells that a model answered it calls p = s * sensitivity + (1 - s) * (1 - specificity) positive if the share s
are: Rogan & Gladen 1978, "Estimating prevalence from the results of a screening test", Am. J. Epidemiol. 107. Solved
for s that is outside of 0 to 1 whenever few are positive, and treats the two rates as known. The Bayesian form does
neither: Gelman & Carpenter 2020, "Bayesian analysis of tests with unknown specificity and sensitivity", J. R. Statist.
Soc. C 69. Here the rates are those of a new subject (`error_rates`), s is uniform a priori, and the posterior is summed
over a grid, so that the same cells always give the same interval. Cells that a person labelled count as known.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.beta import beta_quantiles, exact_bounds, nodes
from edgeleuk.statistics.error_rates import ErrorRates

_SHARES = np.linspace(0, 1, 501)
_WIDTHS = np.concatenate([[0.5], np.ones(len(_SHARES) - 2), [0.5]]) / (len(_SHARES) - 1)
_RATES = 20
_ALWAYS = 1e-12
MOST_CELLS = 20_000


@dataclass(frozen=True)
class Counts:
    """Cells of one subject: those that the model answered and calls positive, and those that a person labelled."""

    positive: float
    answered: float
    known_positive: int = 0
    known: int = 0

    @property
    def cells(self) -> float:
        """All that count."""
        return self.answered + self.known

    @property
    def share(self) -> float:
        """Of them the share that counts as positive, the model's errors included; one cell or more."""
        return (self.positive + self.known_positive) / self.cells


@dataclass(frozen=True)
class Share:
    """The share of positive cells and its interval."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """Upper less lower bound."""
        return self.high - self.low


def raw_share(counts: Counts, confidence: float = 0.95) -> Share:
    """The share as it was counted, one cell or more, with bounds that know nothing of the model's errors."""
    low, high = exact_bounds(counts.positive + counts.known_positive, counts.cells, confidence)
    return Share(counts.share, low, high)


@lru_cache(maxsize=4096)
def corrected_share(counts: Counts, rates: ErrorRates, confidence: float = 0.95) -> Share:
    """Median and highest-density interval of the share, given the model's errors in a new subject."""
    mass = _posterior(counts, rates) * _WIDTHS
    mass /= mass.sum()
    order = np.argsort(-mass / _WIDTHS, kind="stable")
    chosen = order[: 1 + int(np.searchsorted(np.cumsum(mass[order]), confidence))]
    middle = np.interp(0.5, np.cumsum(mass) - mass / 2, _SHARES)
    return Share(float(middle), float(_SHARES[chosen].min()), float(_SHARES[chosen].max()))


def share_of(counts: Counts, rates: ErrorRates | None, confidence: float = 0.95) -> Share:
    """`corrected_share`, or `raw_share` without rates."""
    return raw_share(counts, confidence) if rates is None else corrected_share(counts, rates, confidence)


def more_cells(counts: Counts, rates: ErrorRates | None, width: float) -> int | None:
    """How many more cells narrow the interval to `width`, if as many of them are called positive as until now.

    0 if it is as narrow already; None if not even `MOST_CELLS` would: then the errors' own uncertainty is too wide.
    """
    if share_of(counts, rates).width <= width:
        return 0
    if share_of(with_answered(counts, MOST_CELLS), rates).width > width:
        return None
    few, enough = counts.answered, float(MOST_CELLS)
    while enough - few > max(1.0, 0.01 * enough):
        between = float(round((few + enough) / 2))
        narrow = share_of(with_answered(counts, between), rates).width <= width
        few, enough = (few, between) if narrow else (between, enough)
    return max(1, round(enough - counts.answered))


def with_answered(counts: Counts, answered: float) -> Counts:
    """As many answered cells, of the same share positive; of none, that of the cells that a person labelled."""
    share = counts.positive / counts.answered if counts.answered else counts.share
    return Counts(share * answered, answered, counts.known_positive, counts.known)


def telling(rates: ErrorRates) -> float:
    """Share of what is known of the rates under which a call means anything: sensitivity above 1 - specificity."""
    sensitivity, specificity, weights = _grid(rates)
    return float(weights[sensitivity + specificity > 1].sum())


def _posterior(counts: Counts, rates: ErrorRates) -> NDArray[np.float64]:
    """float64 [shares]: density, up to a factor."""
    called, not_called, weights = _chances(rates)
    log_density = counts.positive * called + (counts.answered - counts.positive) * not_called
    known, missed = counts.known_positive, counts.known - counts.known_positive
    shares = np.clip(_SHARES, _ALWAYS, 1 - _ALWAYS)
    log_density += (known * np.log(shares) + missed * np.log1p(-shares))[:, None]
    log_density -= log_density.max()
    return np.asarray(np.exp(log_density) @ weights, np.float64)


@lru_cache(maxsize=4)
def _chances(rates: ErrorRates) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """ln of the chance that a cell is called positive, and that it is not, float64 [shares, pairs]; the pairs' weights.

    Pairs of rates under which the call means nothing, or the contrary, are left out.
    """
    sensitivity, specificity, weights = _grid(rates)
    sound = sensitivity + specificity > 1
    positive, negative = sensitivity[sound], specificity[sound]
    chance = _SHARES[:, None] * positive + (1 - _SHARES)[:, None] * (1 - negative)
    chance = np.clip(chance, _ALWAYS, 1 - _ALWAYS)
    return np.log(chance), np.log1p(-chance), weights[sound]


def _grid(rates: ErrorRates) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pairs of sensitivity and specificity and the weight of each, float64 [pairs]."""
    at, weights = nodes(_RATES)
    sensitivity, specificity = (
        beta_quantiles(rate.right, rate.wrong, at) for rate in (rates.sensitivity, rates.specificity)
    )
    pairs = np.meshgrid(sensitivity, specificity, indexing="ij")
    return pairs[0].ravel(), pairs[1].ravel(), np.outer(weights, weights).ravel()
