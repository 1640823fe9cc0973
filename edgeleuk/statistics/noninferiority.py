"""Whether a candidate is shown to be not much worse than a reference on the same images.

Non-inferiority: the one-sided lower bound of the difference in accuracy (candidate less reference) lies above minus the
margin. "Inferior" is as strict: the upper bound lies below minus the margin. Everything between was not shown.

**Without subjects**, images are pairs of answers, and only those count on which the models differ: the bound is where
the score test of Nam 1997, "Establishing equivalence of two treatments and sample size requirements in matched-pairs
design", Biometrics 53, just rejects; that is the interval of Tango 1998, "Equivalence test and confidence interval for
the difference in proportions for the paired-sample design", Statistics in Medicine 17. At a margin of 0 it is
McNemar's test.

**With subjects**, both answers to all images of a subject are drawn together, with replacement. The percentile bound of
that cluster bootstrap is too narrow for few subjects, so its level is expanded to what Student's t asks for (Hesterberg
2015, "What teachers should know about the bootstrap", The American Statistician 69). And it is never narrower than the
bound of as many independent images: if no subject shows a difference, a bootstrap alone would be sure of itself.

Below 20 subjects nothing is claimed, and the bounds are the wider ones of `few_subjects`. How often "not inferior" is
wrong with 20 to 60 subjects is simulated by `python -m benchmarks.false_alarms`; the table is in
docs/method/statistics.md.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import DataError
from edgeleuk.statistics.few_subjects import FEW_SUBJECTS, difference_bounds
from edgeleuk.statistics.resampling import Bootstrap, intervals, scipy_stats

NOT_INFERIOR = "not inferior"
INFERIOR = "inferior"
NOT_SHOWN = "not shown"
FEWEST_SUBJECTS = FEW_SUBJECTS
RESAMPLES = 10_000
POWER = 0.8
_FEW_METHOD = "of few subjects: recovered from bounds of what was gained and lost"
_FEWEST_FOR_SPREAD = 5  # a variance of fewer says nothing about how many would be needed
_Rights = NDArray[np.bool_]  # bool [n]: which images a model got right


@dataclass(frozen=True)
class Gate:
    """What has to be shown: a loss of accuracy below `margin` (a share, not points), one-sided at `confidence`."""

    margin: float = 0.01
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        if not (0 < self.margin < 1 and 0.5 < self.confidence < 1):
            raise ValueError(f"{self}: expected a margin between 0 and 1 and a confidence between 0.5 and 1")


@dataclass(frozen=True)
class Interval:
    """The lower and the upper bound of the difference, each of them one-sided."""

    low: float
    high: float


@dataclass(frozen=True)
class Noninferiority:
    """The result; accuracies, difference and bounds are shares, not points.

    `bounds` is None with a single subject. `gained` and `lost` count the images that only the candidate, only the
    reference got right. `needed` says how many units would show it with a chance of 80 %, were both models equally good
    and the units of the same spread; None if it was shown or that spread is unknown.
    """

    verdict: str
    gate: Gate
    reference_accuracy: float
    candidate_accuracy: float
    difference: float
    bounds: Interval | None
    unit: str
    units: int
    images: int
    gained: int
    lost: int
    needed: int | None
    method: str


def compare_images(reference: _Rights, candidate: _Rights, gate: Gate) -> Noninferiority:
    """Compare on independent images: bool [n], which of them each model got right. Raises DataError without any."""
    difference = _differences(reference, candidate)
    bounds = _score_interval(difference, gate.confidence)
    verdict = _verdict(bounds, gate)
    needed = _needed_images(float((difference != 0).mean()), gate)
    return Noninferiority(
        verdict=verdict,
        gate=gate,
        reference_accuracy=float(reference.mean()),
        candidate_accuracy=float(candidate.mean()),
        difference=float(difference.mean()),
        bounds=bounds,
        unit="image",
        units=len(difference),
        images=len(difference),
        gained=int((difference > 0).sum()),
        lost=int((difference < 0).sum()),
        needed=needed if verdict == NOT_SHOWN else None,
        method="score bound of paired answers",
    )


def compare_subjects(
    reference: _Rights, candidate: _Rights, groups: NDArray[np.integer], gate: Gate, seed: int = 0
) -> Noninferiority:
    """Compare on images of subjects: as `compare_images`, groups int [n] says which images belong together."""
    by_image = compare_images(reference, candidate, gate)
    numbers = np.unique(groups, return_inverse=True)[1]
    differences = _differences(reference, candidate)
    net = np.bincount(numbers, weights=differences).astype(np.float64)
    sizes = np.bincount(numbers).astype(np.float64)
    bounds, few = None, len(net) < FEWEST_SUBJECTS
    if len(net) > 1 and by_image.bounds is not None:
        drawn = _drawn_interval(net, sizes, gate.confidence, seed)
        if few:
            gained, lost = (np.bincount(numbers, weights=sign * differences > 0).astype(np.float64) for sign in (1, -1))
            drawn = Interval(*difference_bounds(gained, lost, sizes, 2 * gate.confidence - 1))
        bounds = Interval(min(drawn.low, by_image.bounds.low), max(drawn.high, by_image.bounds.high))
    verdict = NOT_SHOWN if few else _verdict(bounds, gate)
    return dataclasses.replace(
        by_image,
        verdict=verdict,
        bounds=bounds,
        unit="subject",
        units=len(net),
        needed=_needed_subjects(net, sizes, gate) if verdict == NOT_SHOWN else None,
        method=_FEW_METHOD if few else f"cluster bootstrap, {RESAMPLES:,} resamples, seed {seed}",
    )


def score_bound(gained: int, lost: int, count: int, confidence: float = 0.95) -> float:
    """Lower one-sided bound of the difference of paired proportions, (gained - lost) / count: Tango 1998.

    The least d whose score statistic (gained - lost - count d) / sqrt(count (2 q + d (1 - d))) does not exceed the
    normal quantile; q is the probability of a loss that is most likely under d, in closed form
    q = (sqrt(B^2 - 8 count C) - B) / (4 count), B = (2 count - gained + lost) d - gained - lost, C = -lost d (1 - d).
    """
    quantile, brentq = _normal_quantile(confidence), _root_finder()
    estimate = (gained - lost) / count

    def excess(difference: float) -> float:
        linear = (2 * count - gained + lost) * difference - gained - lost
        constant = -lost * difference * (1 - difference)
        losing = (math.sqrt(max(linear**2 - 8 * count * constant, 0.0)) - linear) / (4 * count)
        variance = max(count * (2 * losing + difference * (1 - difference)), 0.0)
        return float((gained - lost - count * difference) ** 2 - quantile**2 * variance)  # squared: no division by 0

    # The estimate itself is a root, too, if its variance is 0 (no image on which the models differ).
    return -1.0 if estimate <= -1 else float(brentq(excess, -1.0, estimate - 1e-9, xtol=1e-12))


def _verdict(bounds: Interval | None, gate: Gate) -> str:
    if bounds is None or bounds.low <= -gate.margin <= bounds.high:
        return NOT_SHOWN
    return NOT_INFERIOR if bounds.low > -gate.margin else INFERIOR


def _differences(reference: _Rights, candidate: _Rights) -> NDArray[np.int64]:
    """int64 [n]: 1 if only the candidate is right, -1 if only the reference is."""
    if not len(reference):
        raise DataError("no image to compare on; expected at least one that both models were evaluated on")
    return candidate.astype(np.int64) - reference.astype(np.int64)


def _score_interval(difference: NDArray[np.int64], confidence: float) -> Interval:
    gained, lost, count = int((difference > 0).sum()), int((difference < 0).sum()), len(difference)
    return Interval(score_bound(gained, lost, count, confidence), -score_bound(lost, gained, count, confidence))


def _drawn_interval(net: NDArray[np.float64], sizes: NDArray[np.float64], confidence: float, seed: int) -> Interval:
    """Bootstrap over subjects of the summed differences over the summed images, both float64 [subjects]."""
    count = len(net)
    stats = scipy_stats()
    expanded = stats.norm.cdf(math.sqrt(count / (count - 1)) * stats.t.ppf(confidence, count - 1))

    def statistic(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((drawn @ net) / (drawn @ sizes))[None]

    how = Bootstrap("subject", RESAMPLES, seed, confidence=2 * float(expanded) - 1)
    low, high = intervals(statistic, np.arange(count), how)[0]
    return Interval(float(low), float(high))


def _needed_images(discordant: float, gate: Gate) -> int:
    """Images that show it if a share of them is discordant, half of those gained (Nam 1997, at equal accuracies)."""
    alpha, beta = _normal_quantile(gate.confidence), _normal_quantile(POWER)
    # Without a discordant image the score bound is -z^2 / (n + z^2).
    least = alpha**2 * (1 - gate.margin) / gate.margin
    return math.ceil(max(discordant * (alpha + beta) ** 2 / gate.margin**2, least))


def _needed_subjects(net: NDArray[np.float64], sizes: NDArray[np.float64], gate: Gate) -> int | None:
    """Subjects of this spread that show it; from the variance of a ratio (Cochran 1977, "Sampling Techniques", 6.4)."""
    count, images = len(net), float(sizes.sum())
    if count < _FEWEST_FOR_SPREAD:
        return None
    residuals = net - net.sum() / images * sizes
    variance = (
        float((residuals**2).sum()) / (count - 1) * (count / images) ** 2
    )  # of the difference, times the subjects
    alpha, beta = _normal_quantile(gate.confidence), _normal_quantile(POWER)
    without_spread = _needed_images(0.0, gate) * count / images
    return math.ceil(max(variance * (alpha + beta) ** 2 / gate.margin**2, without_spread, FEWEST_SUBJECTS))


def _normal_quantile(probability: float) -> float:
    stats = scipy_stats()
    return float(stats.norm.ppf(probability))


def _root_finder() -> Callable[..., float]:
    scipy_stats()  # one sentence if scipy is missing
    from scipy.optimize import brentq

    found: Callable[..., float] = brentq
    return found
