"""The confidence that the first model of a cascade needs to answer: pure array functions."""

import math

import numpy as np
from numpy.typing import NDArray

_MARGIN = 1e-4


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
