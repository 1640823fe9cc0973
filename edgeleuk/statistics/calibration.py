"""Whether probabilities mean what they say: calibration error, Brier score and mean confidence, with intervals.

**ECE**: answers are put into bins by the probability of the most probable class, and the gaps between how sure the
answers of a bin are and how often they are right are averaged, weighted by their number (Naeini et al. 2015,
"Obtaining Well Calibrated Probabilities Using Bayesian Binning"; of top labels: Guo et al. 2017). The bins are
adaptive: of equal numbers of images, not of equal width (Nguyen & O'Connor 2015, "Posterior calibration and exploratory
analysis for natural language processing models"; Nixon et al. 2019, "Measuring Calibration in Deep Learning"), 10 of
them, fewer where they would have less than `FEWEST_IN_BIN` images. Answers of equal probability share a bin.

ECE is a mean of absolute values, and so above 0 by chance even if every probability is right, the more so the fewer the
images. How much, `chance_errors` draws: that many right answers as the probabilities say. A bootstrap adds the same
excess once more, so its percentiles do not bound the ECE; the bounds are its reverse percentiles (Efron & Tibshirani
1993, "An Introduction to the Bootstrap", ch. 13), the lower one no more than the ECE less what chance gives in 1 of 20
cases. `python -m benchmarks.answers.calibration` simulates how often they hold what is true.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.few_subjects import FEW_SUBJECTS, jackknife_spread
from edgeleuk.statistics.metrics import Bootstrap, Estimate
from edgeleuk.statistics.resampling import intervals, scipy_stats

BINS = 10
FEWEST_IN_BIN = 20


@dataclass(frozen=True)
class Bin:
    """Answers of like probability: how many, how sure they are on average, and the share that is right."""

    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationScores:
    """What `calibration_scores` found.

    `overconfidence` is the mean confidence less the accuracy; `brier` is the sum of squared differences over all
    classes, 0 to 2 (Brier 1950, "Verification of forecasts expressed in terms of probability"); `chance_ece` the ECE
    that as many answers would have on average if every probability were right.
    """

    ece: Estimate
    brier: Estimate
    confidence: Estimate
    overconfidence: Estimate
    chance_ece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Confidences:
    """Of n images in groups: the greatest probability float64 [n], whether it is right bool [n], Brier float64 [n]."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    brier: NDArray[np.float64]
    groups: NDArray[np.int64]

    @cached_property
    def bins(self) -> NDArray[np.int64]:
        """int64 [n]: the bin of each image, counted from 0."""
        return equal_mass_bins(self.confidence)

    @cached_property
    def _per_group(self) -> NDArray[np.float64]:
        """float64 [groups, 3 + bins]: images, summed Brier, summed confidence, and the gap of each bin."""
        count, gaps = int(self.groups.max()) + 1, self.confidence - self.right
        sums = [np.bincount(self.groups, each, count) for each in (np.ones_like(gaps), self.brier, self.confidence)]
        binned = np.zeros((count, int(self.bins.max()) + 1))
        np.add.at(binned, (self.groups, self.bins), gaps)
        return np.concatenate([np.stack(sums, axis=1), binned], axis=1)

    def statistics(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 [4, resamples] of how often each group was drawn, float64 [resamples, groups].

        ECE with the bins of all images, Brier score, mean confidence, overconfidence.
        """
        sums = drawn @ self._per_group
        images, gaps = sums[:, :1], sums[:, 3:]
        return (
            np.stack(
                [np.abs(gaps).sum(axis=1), sums[:, 1], sums[:, 2], gaps.sum(axis=1)],
            )
            / images.T
        )


def confidences(
    truth: NDArray[np.integer], probabilities: NDArray[np.floating], groups: NDArray[np.integer]
) -> Confidences:
    """Of truth int [n] and probabilities float [n, classes]; groups int [n] says which images belong together."""
    values = probabilities.astype(np.float64)
    right = values.argmax(axis=1) == truth
    own = np.eye(values.shape[1])[truth]
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    return Confidences(values.max(axis=1), right, ((values - own) ** 2).sum(axis=1), numbers)


def calibration_scores(
    truth: NDArray[np.integer],
    probabilities: NDArray[np.floating],
    groups: NDArray[np.integer],
    how: Bootstrap | None = None,
) -> CalibrationScores:
    """Calibration of truth int [n] and probabilities float [n, classes], n at least 1, with intervals over groups.

    Intervals are of the bootstrap, of `FEW_SUBJECTS` groups or more, else jackknife and Student's t over groups; with
    one group there are none. Raises MissingExtraError without the 'report' extra.
    """
    of = confidences(truth, probabilities, groups)
    how = how or Bootstrap()
    count = int(of.groups.max()) + 1
    values = of.statistics(np.ones((1, count)))[:, 0]
    bounds, chance = _bounds(of, values, count, how), chance_errors(of.confidence, how.seed)
    bounds[0] = _ece_bounds(values[0], bounds[0], chance)
    limits = ((0.0, 1.0), (0.0, 2.0), (0.0, 1.0), (-1.0, 1.0))
    ece, brier, confidence, overconfidence = (
        Estimate(float(value), *_clipped(pair, limit), count)
        for value, pair, limit in zip(values, bounds, limits, strict=True)
    )
    bins = reliability(of.confidence, of.right)
    return CalibrationScores(ece, brier, confidence, overconfidence, float(chance.mean()), bins)


def expected_calibration_error(truth: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """The ECE alone, without its interval, of truth int [n] and probabilities float [n, classes], n at least 1."""
    of = confidences(truth, probabilities, np.zeros(len(truth), np.int64))
    return float(of.statistics(np.ones((1, 1)))[0, 0])


def equal_mass_bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """int64 [n], n at least 1: the bin of each, counted from 0 without gaps; see the module."""
    wanted = max(1, min(BINS, len(confidence) // FEWEST_IN_BIN))
    ordered = np.sort(confidence)
    starts = ordered[np.arange(1, wanted) * len(ordered) // wanted]
    placed = np.searchsorted(np.unique(starts), confidence, side="right")
    return np.unique(placed, return_inverse=True)[1].astype(np.int64)


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """The bins of a reliability diagram, the least sure first, of the most probable class (DeGroot & Fienberg 1983)."""
    placed = equal_mass_bins(confidence)
    members = (placed == number for number in range(int(placed.max()) + 1))
    return tuple(Bin(int(own.sum()), float(confidence[own].mean()), float(right[own].mean())) for own in members)


def chance_errors(confidence: NDArray[np.float64], seed: int = 0, draws: int = 200) -> NDArray[np.float64]:
    """float64 [draws]: ECEs of answers of these confidences, float64 [n], were each right as often as it says."""
    placed, random = equal_mass_bins(confidence), np.random.default_rng(seed)
    within = np.eye(int(placed.max()) + 1)[placed]
    gaps = confidence - (random.uniform(size=(draws, len(confidence))) < confidence)
    return np.asarray(np.abs(gaps @ within).sum(axis=1) / len(confidence))


def _bounds(of: Confidences, values: NDArray[np.float64], count: int, how: Bootstrap) -> NDArray[np.float64]:
    """float64 [4, 2], NaN with one group."""
    if count < 2:
        return np.full((len(values), 2), np.nan)
    if count >= FEW_SUBJECTS:
        return intervals(of.statistics, of.groups, how)
    left_out = of.statistics(1 - np.eye(count))
    quantile = float(scipy_stats().t.ppf((1 + how.confidence) / 2, count - 1))
    half = quantile * np.array([jackknife_spread(row) for row in left_out])
    return np.stack([values - half, values + half], axis=1)


def _ece_bounds(value: float, bounds: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reverse percentiles of the bootstrap's about the value, the lower one no more than what is left above chance."""
    low, high = 2 * value - bounds[::-1]
    return np.array([min(low, value - float(np.quantile(chance, 0.95))), max(high, value)])


def _clipped(bounds: NDArray[np.float64], limits: tuple[float, float]) -> tuple[float | None, float | None]:
    if np.isnan(bounds).any():
        return None, None
    low, high = np.clip(bounds, *limits).tolist()
    return low, high
