"""Wealth that grows only if a mean leaves its bounds, whenever one looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgeleuk.statistics.betting import bets, change, ranks, wealth

_UNIT = st.floats(0, 1)


@given(_UNIT, _UNIT, _UNIT)
def test_no_bet_loses_more_than_all_and_none_pays_within_the_bounds(one, other, value):
    low, high = sorted((one, other))
    slopes, bounds = bets(low, high)
    assert (1 + slopes * (value - bounds) >= 0).all()
    for mean in (low, high):
        assert (1 + slopes * (mean - bounds) <= 1 + 1e-9).all()


@given(arrays(float, st.integers(0, 50), elements=_UNIT), _UNIT, _UNIT)
def test_wealth_is_finite_and_never_negative(values, one, other):
    found = wealth(values, *sorted((one, other)))
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_what_is_missing_changes_nothing():
    values = np.array([0.9, np.nan, 0.8])
    found = wealth(values, 0.5, 0.5)
    assert found[1] == found[0]
    assert found[2] == wealth(values[[0, 2]], 0.5, 0.5)[1]


@pytest.mark.parametrize("shares", [(0.5,), (0.1, 0.4), (0.9,)])
def test_the_wealth_of_fair_bets_rarely_grows_though_one_looks_after_each(shares):
    """Coins at the worst mean that is tolerated: at most one run in 20 may ever reach 20 (Ville)."""
    random = np.random.default_rng(0)
    reached = [
        wealth((random.uniform(size=100) < share).astype(float), share, share).max() >= 20
        for share in shares
        for _ in range(120)
    ]
    assert np.mean(reached) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(reached))


def test_a_mean_that_leaves_late_is_found_as_soon_as_one_that_leaves_at_once():
    random = np.random.default_rng(0)
    same, other = random.uniform(size=300), random.uniform(0, 0.3, size=60)
    early = np.flatnonzero(wealth(other, 0.5, 0.5) >= 100)[0]
    late = np.flatnonzero(wealth(np.concatenate([same, other]), 0.5, 0.5) >= 100)[0] - 300
    assert 0 < late <= 3 * early


def test_the_beginning_of_a_change_and_its_side_are_estimated():
    values = np.concatenate([np.tile([0.2, 0.8], 20), np.full(15, 0.9)])
    since, side = change(values, 0.45, 0.55)
    assert (since in (39, 40), side) == (True, 1)
    assert change(1 - values, 0.45, 0.55)[1] == -1


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=30), st.integers(-7, 7))
def test_a_rank_is_between_the_shares_below_and_not_above(quantiles, value):
    ordered = np.sort(np.array(quantiles, float))
    [found] = ranks(np.array([value], float), ordered)
    below, most = (np.searchsorted(ordered, value, side) / len(ordered) for side in ("left", "right"))
    assert 0 <= found <= 1
    assert below - 1 / len(ordered) - 1e-9 <= found <= most + 1 / len(ordered) + 1e-9


def test_ranks_are_interpolated_and_those_of_ties_lie_in_their_middle():
    quantiles = np.array([0.0, 1.0, 1.0, 1.0, 2.0])
    found = ranks(np.array([-1, 0, 0.5, 1, 1.5, 2, 3, np.nan]), quantiles)
    assert found[:-1].tolist() == pytest.approx([0, 0, 0.125, 0.5, 0.875, 1, 1])
    assert np.isnan(found[-1])


@given(arrays(float, 200, elements=st.floats(-1e6, 1e6, width=32)))
def test_the_mean_rank_of_the_reference_itself_is_a_half(values):
    quantiles = np.quantile(values, np.linspace(0, 1, 21))
    assert ranks(values, np.maximum.accumulate(quantiles)).mean() == pytest.approx(0.5, abs=0.06)
