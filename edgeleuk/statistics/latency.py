"""Percentiles of latency with intervals that make no assumption about their distribution.

Queries of one process are not independent: where its memory came to lie, and what else the machine did meanwhile, hits
all of them alike (Mytkowicz et al. 2009, "Producing Wrong Data Without Doing Anything Obviously Wrong!"). So the unit
is the process: an interval is one of order statistics over the processes' own percentiles, and a difference between two
models has to be larger than that between processes of one model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.resampling import draws

CONFIDENCE = 0.95
RESAMPLES = 10_000
FEWEST_FOR_RATIO = 5  # processes a side, see `ratio_of_medians`


@dataclass(frozen=True)
class Interval:
    """Bounds in the unit of the values; `confidence` is the exact one, at least `CONFIDENCE`."""

    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds over all queries of all processes.

    The intervals are of the processes' typical median and 90th percentile; None with too few processes (below 6).
    """

    runs: int
    min_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    std_ms: float
    p50_interval: Interval | None
    p90_interval: Interval | None

    @property
    def relative_width(self) -> float | None:
        """Width of the median's interval as a share of the median."""
        found = self.p50_interval
        return None if found is None else (found.high - found.low) / self.p50_ms


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """The narrowest symmetric pair of order statistics that holds the median with `confidence`; None below that.

    P(x_(k) <= median <= x_(n+1-k)) = 1 - 2 * sum_{i<k} C(n, i) / 2^n, whatever the distribution (David & Nagaraja
    2003, "Order Statistics", sec. 7.1). Six values are the fewest for 95 %: their least and greatest, at 96.9 %.
    """
    count, ordered = len(values), sorted(values)
    found, outside = None, 0.0
    for position in range(count // 2):
        outside += 2 * math.comb(count, position) / 2**count
        if outside > 1 - confidence:
            break
        found = Interval(ordered[position], ordered[-1 - position], 1 - outside)
    return found


def latency(processes: Sequence[Sequence[float]]) -> Latency:
    """Summary of the milliseconds of each process's queries. Raises ValueError without any."""
    samples = np.concatenate([np.asarray(each, np.float64) for each in processes])
    p50, p90, p95, p99 = np.quantile(samples, [0.5, 0.9, 0.95, 0.99])
    return Latency(
        len(samples),
        float(samples.min()),
        float(p50),
        float(p90),
        float(p95),
        float(p99),
        float(samples.mean()),
        float(samples.std(ddof=1)) if len(samples) > 1 else 0.0,
        median_interval([float(np.median(each)) for each in processes]),
        median_interval([float(np.quantile(each, 0.9)) for each in processes]),
    )


@dataclass(frozen=True)
class Ratio:
    """How many times as long the second takes, with a percentile-bootstrap interval; no bounds with few processes."""

    value: float
    low: float | None
    high: float | None
    confidence: float = CONFIDENCE


def ratio_of_medians(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], seed: int = 0, resamples: int = RESAMPLES
) -> Ratio:
    """`typical_ms` of `second` over that of `first`; processes are what is resampled.

    Percentile bootstrap of both sides (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13). Of normal,
    heavy-tailed, skewed and two-peaked processes it holds the true ratio in 94 to 97 % of cases with 5 or more a side,
    in 92 to 94 % with 4, 90 % with 3 and 67 % with 2: no bounds are given below 5. What differs between two runs of
    the benchmark but not between processes of one (a machine that drifts) is beyond any such interval.
    """
    medians = [_medians(side) for side in (first, second)]
    value = float(np.median(medians[1]) / np.median(medians[0]))
    if min(map(len, medians)) < FEWEST_FOR_RATIO:
        return Ratio(value, None, None)
    random = np.random.default_rng(seed)
    drawn = [np.median(side[next(draws(random, len(side), resamples))], axis=1) for side in medians]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn[1] / drawn[0], [tail, 1 - tail])
    return Ratio(value, float(low), float(high))


def typical_ms(processes: Sequence[Sequence[float]]) -> float:
    """Median of the processes' medians: of a typical process, however many queries each made."""
    return float(np.median(_medians(processes)))


def _medians(processes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    return np.array([np.median(each) for each in processes], np.float64)
