"""The confidence that the first model of a cascade needs to answer: pure array functions."""

import math

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.resampling import scipy_stats

# Sharper than this, int8 answers (of 256 steps) would be 1 in float32 and no longer tell themselves apart.
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.5, 10.0
_MARGIN = 1e-4


def fit_temperature(probabilities: NDArray[np.float32], truth: NDArray[np.integer], floor: float) -> float:
    """The temperature T that makes the true classes most likely: the least mean of -log softmax(log(p) / T)[truth].

    Guo et al. 2017, "On Calibration of Modern Neural Networks". `probabilities` is float32 [n, classes], `truth` int
    [n]; less than `floor` counts as that: what an 8-bit output writes as 0 is not impossible. The loss is convex in
    1 / T, so its only minimum from 0.5 to 10 is found. Raises MissingExtraError without scipy.
    """
    scipy_stats()  # one sentence if scipy is missing
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = np.log(np.maximum(probabilities.astype(np.float64), floor))
    rows = np.arange(len(truth))

    def loss(inverse: float) -> float:
        return -float(log_softmax(inverse * logits, axis=1)[rows, truth].mean())

    bounds = (1 / MOST_TEMPERATURE, 1 / LEAST_TEMPERATURE)
    return 1 / float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def choose_threshold(
    confidence: NDArray[np.float32],
    first_right: NDArray[np.bool_],
    large_right: NDArray[np.bool_],
    max_drop: float,
) -> float | None:
    """The lowest threshold down to which no more than `max_drop`, a share of the images, is lost to the large model.

    All arrays are [n]: how sure the first model is, and what each model gets right. The first answers if its
    confidence is at least the threshold, so images of equal confidence stand or fall together. Every distinct
    confidence is tried, the surest first, until one loses more than is allowed: a still lower one that happens to lose
    less again has been lucky on these images. None if not even the surest will do.

    The result lies below that confidence, by 1e-4 or half-way to the next one, whichever is nearer: on another
    processor the same image may be less sure by a rounding error. It is exact in float32.
    """
    levels, places = np.unique(-confidence, return_inverse=True)  # the surest first
    gained = first_right.astype(np.int64) - large_right.astype(np.int64)
    change = np.cumsum(np.bincount(places, weights=gained, minlength=len(levels)))
    lost_too_much = np.flatnonzero(change < -math.floor(max_drop * len(confidence) + 1e-9))
    allowed = int(lost_too_much[0]) if len(lost_too_much) else len(levels)
    if not allowed:
        return None
    lowest = -levels[allowed - 1]
    below = -levels[allowed] if allowed < len(levels) else np.float32(0)
    eased = np.float32(lowest - min(_MARGIN, (float(lowest) - float(below)) / 2))
    return float(eased if below < eased else lowest)
