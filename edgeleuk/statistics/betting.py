"""Tests that may be looked at after every observation: wealth of bets that a mean stays within bounds.

Whoever bets on an observation x in [0, 1] at odds that are fair or worse while its mean is in [low, high] multiplies
wealth 1 by more than c with a chance of at most 1/c, whenever one looks (Ville's inequality). Bets are those of
Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting"; the wealth is spread over
several of them, and a share of it moves between them after each observation, so that a change that comes late is found,
too (the Simple Jumper of Vovk et al. 2021, "Retrain or not retrain: conformal test martingales for change-point
detection"). Numpy only: it runs on the device.
"""

import numpy as np
from numpy.typing import NDArray

JUMP = 0.01  # the share of the wealth that is spread anew after each observation
_STAKES = np.array([0.25, 0.5, 0.9])  # of the largest bet that cannot lose more than all
_LEAST = 1e-6  # a bound of 0 or 1 allows no finite bet

Floats = NDArray[np.float64]


def bets(low: float, high: float) -> tuple[Floats, Floats]:
    """The bets (slope, bound) [bets]: each multiplies its wealth by 1 + slope * (x - bound), which is never negative.

    Its mean is at most 1 while that of x is in [low, high], both of 0 to 1. The first bets nothing.
    """
    low, high = min(low, 1 - _LEAST), max(high, _LEAST)
    below = -_STAKES / (1 - low) if low > 0 else np.empty(0)
    above = _STAKES / high if high < 1 else np.empty(0)
    slopes = np.concatenate([[0.0], below, above])
    return slopes, np.where(slopes < 0, low, high)


def wealth(values: Floats, low: float, high: float) -> Floats:
    """The wealth [units] after each of `values` [units] of 0 to 1, NaN where there is none: it then stays as it was."""
    slopes, bounds = bets(low, high)
    held = np.full(len(slopes), 1 / len(slopes))
    found = np.empty(len(values))
    for unit, value in enumerate(values.tolist()):
        if value == value:  # no NaN
            held = (1 - JUMP) * held + JUMP * held.mean()
            held = np.minimum(held * (1 + slopes * (value - bounds)), 1e250)
        found[unit] = held.sum()
    return found


def change(values: Floats, low: float, high: float) -> tuple[int, int]:
    """Since which unit, and whether values are too low (-1) or too high (1): where betting on that pays most.

    `values` [units], NaN where there is none, end where a change was found. The estimate is CUSUM's: the start of the
    run of units whose joint gain is largest.
    """
    best = (0.0, 0, 1)
    for side, bound in ((-1, min(low, 1 - _LEAST)), (1, max(high, _LEAST))):
        slope = side * _STAKES[1] / ((1 - bound) if side < 0 else bound)
        gains = np.nan_to_num(np.log1p(slope * (values - bound)))[::-1].cumsum()
        at = int(gains.argmax())
        best = max(best, (float(gains[at]), len(values) - 1 - at, side))
    return best[1], best[2]


def ranks(values: Floats, quantiles: Floats) -> Floats:
    """The share [n] of 0 to 1 of a reference's values below each value, from its quantiles at equally spaced shares.

    Between two quantiles it is interpolated; of a value that is several of them it is their middle. Beyond the first
    and the last it is 0 and 1. NaN stays NaN.
    """
    shares = np.linspace(0, 1, len(quantiles))
    left, right = (np.searchsorted(quantiles, values, side) for side in ("left", "right"))
    tied = (shares[np.minimum(left, len(shares) - 1)] + shares[np.maximum(right - 1, 0)]) / 2
    start = shares[np.maximum(left - 1, 0)]
    lower, upper = quantiles[np.maximum(left - 1, 0)], quantiles[np.minimum(left, len(quantiles) - 1)]
    width = np.where(upper > lower, upper - lower, 1.0)
    inside = start + (values - lower) / width / (len(quantiles) - 1)
    found = np.where(right > left, tied, np.where(left == 0, 0.0, np.where(left == len(quantiles), 1.0, inside)))
    return np.where(np.isnan(values), np.nan, found)
