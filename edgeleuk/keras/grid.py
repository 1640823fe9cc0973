"""An int8 grid on which constant factors lie as exactly as they can, and 1 lies exactly."""

import numpy as np
from numpy.typing import NDArray

_STEPS = 255


def factor_range(factors: NDArray[np.floating]) -> tuple[float, float]:
    """Return (0, high) of the 256-value grid for factors of at least 1: its step is 1 / n for the n that errs least.

    A range that ends at the greatest factor has a step that divides nothing, and 1 would become 0.997, more than half a
    step of what is multiplied. The n tried are those that use more than half the grid; 1, 1.5 and 2.25, the factors of
    a 3x3 pool's border, have n = 112 and no error. Raises ValueError for a factor below 1.
    """
    values = np.unique(factors).astype(np.float64)
    if values[0] < 1:
        raise ValueError(f"least factor is {values[0]}; expected 1 or more")
    finest = int(_STEPS / values[-1])
    if finest == 0:  # more than the grid has steps: 1 cannot lie on it
        return 0.0, float(values[-1])
    best = min(range(finest, finest // 2, -1), key=lambda steps: _error(values, steps))
    return 0.0, _STEPS / best


def _error(values: NDArray[np.float64], steps: int) -> float:
    return round(float(np.abs(np.round(values * steps) / steps - values).max()), 12)
