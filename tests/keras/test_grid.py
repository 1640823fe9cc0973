import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.keras.grid import factor_range


def test_the_factors_of_a_3x3_pools_border_lie_on_the_grid_exactly() -> None:
    low, high = factor_range(np.array([1, 1.5, 2.25]))
    assert low == 0
    assert high / 255 == pytest.approx(1 / 112)


@given(st.lists(st.floats(1, 255), min_size=1, max_size=6))
def test_one_is_exact_and_nothing_is_cut_off(others: list[float]) -> None:
    factors = np.array([1.0, *others])
    _, high = factor_range(factors)
    step = high / 255
    codes = np.round(factors / step)
    assert codes.max() <= 255
    assert codes[0] * step == pytest.approx(1, abs=1e-12)
    assert np.abs(codes * step - factors).max() <= step / 2 + 1e-9
    assert step <= 2.02 / (255 / factors.max()) or factors.max() > 127


def test_a_factor_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"least factor is 0\.5"):
        factor_range(np.array([0.5, 1]))
