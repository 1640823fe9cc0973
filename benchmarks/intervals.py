"""How often an interval over few subjects holds the accuracy that is true: ours, Student's t, and the bootstrap.

Subjects of equal or unequal numbers of images differ in their true error rate by a beta distribution whose standard
deviation is half of, equal to, or twice its mean ("0.5", "1", "2"); or one in five has 90 % of the errors ("few").
Printed are the least and the mean coverage of nominally 95 % over true accuracies of 85 to 99 %, and for the
difference of two models, of which one truly loses a point, how often its one-sided lower bound of 95 % holds. The bar,
90 %, is for subjects that differ moderately, "0.5" and "1"; no interval that was tried holds in the others.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measure import Figure, finish, parser, positive, progress
from edgeleuk.statistics.few_subjects import difference_bounds, jackknife_spread, share_bounds

ACCURACIES = (0.85, 0.95, 0.99)
SPREADS = ("0.5", "1", "2", "few")
MODERATE = ("0.5", "1")
SUBJECTS = (2, 3, 4, 5, 6, 8, 10, 15)
COVERAGE_BAR = 90.0
_IMAGES = 60
_RESAMPLES = 400
_DISCORDANT, _LOSS = 0.04, 0.01


@dataclass(frozen=True)
class Case:
    subjects: int
    accuracy: float
    spread: str
    unequal: bool


def main() -> int:
    """Simulate; returns the exit code."""
    made = parser(__doc__)
    made.add_argument("--trials", type=positive, default=1000, help="trials of each case")
    made.add_argument("--seed", type=int, default=0, help="seed of all of them")
    arguments = made.parse_args()
    return finish("intervals", list(_figures(arguments)), arguments)


def _figures(arguments: argparse.Namespace) -> Iterator[Figure]:
    random = np.random.default_rng(arguments.seed)
    for subjects in SUBJECTS:
        for spread in SPREADS:
            cases = [Case(subjects, p, spread, unequal) for p in ACCURACIES for unequal in (False, True)]
            found = np.array([_coverage(case, arguments.trials, random) for case in cases])
            named = f"{subjects} subjects, spread {spread}"
            progress(named)
            bar = COVERAGE_BAR if spread in MODERATE else None
            yield Figure(f"{named}: least coverage", float(found[:, 0].min()), "%", bar, at_least=True)
            yield Figure(f"{named}: mean coverage", float(found[:, 0].mean()), "%")
            yield Figure(f"{named}: mean, Student's t", float(found[:, 1].mean()), "%")
            yield Figure(f"{named}: mean, percentile bootstrap", float(found[:, 2].mean()), "%")
            losses = [_loss_coverage(case, arguments.trials, random) for case in cases[:2]]
            yield Figure(f"{named}: least, of a loss", min(losses), "%", bar, at_least=True)


def _coverage(case: Case, trials: int, random: np.random.Generator) -> tuple[float, float, float]:
    """Per cent of trials in which our interval, that of Student's t and the bootstrap's hold the true accuracy."""
    held = np.zeros(3)
    for _ in range(trials):
        sizes = image_counts(case, random)
        right = random.binomial(sizes, 1 - true_rates(1 - case.accuracy, case, random))
        value, images = right.sum() / sizes.sum(), int(sizes.sum())
        spread = jackknife_spread((right.sum() - right) / (images - sizes))
        reach = stats.t.ppf(0.975, case.subjects - 1) * spread
        drawn = random.integers(0, case.subjects, (_RESAMPLES, case.subjects))
        quantiles = np.quantile(right[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
        for number, (low, high) in enumerate(
            (share_bounds(value, spread, case.subjects, images), (value - reach, value + reach), quantiles)
        ):
            held[number] += low <= case.accuracy <= high
    ours, student, bootstrap = 100 * held / trials
    return float(ours), float(student), float(bootstrap)


def _loss_coverage(case: Case, trials: int, random: np.random.Generator) -> float:
    """Per cent of trials in which the lower bound of a difference lies below the true one."""
    held = 0
    for _ in range(trials):
        sizes = image_counts(case, random)
        lost = random.binomial(sizes, true_rates((_DISCORDANT + _LOSS) / 2, case, random))
        gained = random.binomial(sizes - lost, (_DISCORDANT - _LOSS) / 2 / (1 - (_DISCORDANT + _LOSS) / 2))
        low, _ = difference_bounds(gained.astype(float), lost.astype(float), sizes.astype(float), 0.9)
        held += low <= -_LOSS
    return 100 * held / trials


def image_counts(case: Case, random: np.random.Generator) -> NDArray[np.int64]:
    """int64 [subjects]: images of each; unequal ones differ about fourfold."""
    if not case.unequal:
        return np.full(case.subjects, _IMAGES)
    return np.maximum(5, np.round(_IMAGES * random.lognormal(0, 0.7, case.subjects))).astype(np.int64)


def true_rates(mean: float, case: Case, random: np.random.Generator) -> NDArray[np.float64]:
    """float64 [subjects]: true rate of each, of this mean."""
    if case.spread == "few":
        bad = random.random(case.subjects) < 0.2
        return np.where(bad, 0.9 * mean / 0.2, 0.1 * mean / 0.8)
    variance = min((float(case.spread) * mean) ** 2, 0.9 * mean * (1 - mean))
    size = mean * (1 - mean) / variance - 1
    return random.beta(mean * size, (1 - mean) * size, case.subjects)


if __name__ == "__main__":
    raise SystemExit(main())
