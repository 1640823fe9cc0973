"""Patients, not pictures: how often the interval of a subject's share holds it, and that of an AUROC over subjects.

Each trial draws a model's mean sensitivity and specificity, held-out subjects whose rates differ about them, a new
subject with rates of its own, a share and a number of cells; and asks whether the interval holds the share. Beside it
the same with what is usually done instead: the held-out cells pooled as if independent, and the share as counted.

    python -m benchmarks.answers.patients
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.answers.rows import Row, show
from edgeleuk.statistics.error_rates import ErrorRates, Rate, new_subject_rate
from edgeleuk.statistics.patient_roc import LEAST_PATIENTS, patient_roc
from edgeleuk.statistics.prevalence import Counts, Share, corrected_share, more_cells, raw_share
from edgeleuk.statistics.resampling import Bootstrap

SECTION = "patients"
NOMINAL, SLACK = 0.95, 0.01
_LEAST_CELLS, _MOST_CELLS = 10, 500
_SETTINGS = [
    ("any share", 5, 0.1),
    ("any share", 12, 0.1),
    ("any share", 30, 0.1),
    ("any share", 30, 0.3),
    ("any share", 30, 0.0),
    ("all cells of one class", 12, 0.1),
    ("all cells of one class", 30, 0.3),
]


@dataclass(frozen=True)
class Trial:
    """One new subject: its true share, its counts, and what held-out subjects say of the model's errors."""

    share: float
    counts: Counts
    rates: ErrorRates


def draw(random: np.random.Generator, shares: str, subjects: int, correlation: float) -> Trial:
    """Of `subjects` held-out ones of each class; `correlation` says how much alike the cells of one subject are."""
    strength = 1 / max(correlation, 1e-4) - 1

    def rate_of(mean: float, count: int) -> NDArray[np.float64]:
        return random.beta(mean * strength, (1 - mean) * strength, count)

    means = random.uniform(0.75, 0.99, 2)
    known = []
    for mean in means:
        sizes = random.integers(5, 60, subjects)
        known.append(new_subject_rate(random.binomial(sizes, rate_of(mean, subjects)), sizes))
    share = float(random.uniform()) if shares == "any share" else float(random.integers(0, 2))
    cells = int(np.exp(random.uniform(np.log(_LEAST_CELLS), np.log(_MOST_CELLS))))
    sensitivity, specificity = (float(rate_of(mean, 1)[0]) for mean in means)
    positive = random.binomial(cells, share)
    called = random.binomial(positive, sensitivity) + random.binomial(cells - positive, 1 - specificity)
    return Trial(share, Counts(int(called), cells), ErrorRates(*known))


def pooled(rates: ErrorRates) -> ErrorRates:
    """The same held-out cells, taken for independent."""
    return ErrorRates(*(_pooled(rate) for rate in (rates.sensitivity, rates.specificity)))


def coverage(shares: str, subjects: int, correlation: float, trials: int, seed: int) -> tuple[float, float, float]:
    """Share of trials whose interval holds the true share: ours, with pooled cells, as counted."""
    random, held = np.random.default_rng(seed), np.zeros(3)
    for _ in range(trials):
        trial = draw(random, shares, subjects, correlation)
        found = (
            corrected_share(trial.counts, trial.rates),
            corrected_share(trial.counts, pooled(trial.rates)),
            raw_share(trial.counts),
        )
        held += [_holds(one, trial.share) for one in found]
    ours, independent, counted = held / trials
    return float(ours), float(independent), float(counted)


def roc_coverage(subjects: int, trials: int, seed: int) -> float:
    """Share of trials whose interval of the AUROC holds the true one, with as many subjects on each side."""
    from scipy.stats import norm

    random, held = np.random.default_rng(seed), 0
    labels = np.arange(2 * subjects) < subjects
    for _ in range(trials):
        distance = random.uniform(0.2, 2.5)
        found = patient_roc(labels, random.normal(labels * distance), "score", Bootstrap(resamples=500))
        truth = norm.cdf(distance / np.sqrt(2))
        held += found.low is not None and found.high is not None and found.low <= truth <= found.high
    return held / trials


def enough(trials: int, seed: int) -> float:
    """Share of trials in which as many more cells as were said to be needed narrowed the interval to 0.2 or less."""
    random, narrow, asked = np.random.default_rng(seed), 0, 0
    while asked < trials:
        trial = draw(random, "any share", 30, 0.01)
        more = more_cells(trial.counts, trial.rates, 0.2)
        if more:
            asked += 1
            grown = trial.counts.answered + more
            called = float(random.binomial(int(grown), trial.counts.share))
            narrow += corrected_share(Counts(called, grown), trial.rates).width <= 0.22
    return narrow / trials


def rows(trials: int = 1000, seed: int = 0) -> list[Row]:
    """The figures of this section."""
    return list(_rows(trials, seed))


def _rows(trials: int, seed: int) -> Iterator[Row]:
    for shares, subjects, correlation in _SETTINGS:
        ours, independent, counted = coverage(shares, subjects, correlation, trials, seed)
        what = (
            f"interval of a share holds it: {shares}, {subjects} held-out subjects a class, correlation {correlation}"
        )
        value = f"{ours:.3f} (cells pooled {independent:.3f}, as counted {counted:.3f}; {trials:,} trials)"
        bar = f"{NOMINAL} on average over shares" if shares == "any share" else ""
        yield Row(SECTION, what, value, bar, ours >= NOMINAL - SLACK if bar else None)
    for subjects in (LEAST_PATIENTS, 30):
        found = roc_coverage(subjects, trials, seed)
        yield Row(SECTION, f"interval of an AUROC holds it, {subjects} subjects a side", f"{found:.3f}")
    narrow = enough(max(20, trials // 10), seed)
    yield Row(SECTION, "as many more cells as said narrow the interval to 0.2 (10 % over allowed)", f"{narrow:.3f}")


def _holds(found: Share, truth: float) -> bool:
    return found.low - 1e-9 <= truth <= found.high + 1e-9


def _pooled(rate: Rate) -> Rate:
    right = rate.value * rate.images
    return Rate(right + 1, rate.images - right + 1, rate.value, rate.subjects, rate.images)


if __name__ == "__main__":
    show(rows())
