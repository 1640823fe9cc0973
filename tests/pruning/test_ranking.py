import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import UsageError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.macs import Costs
from edgeleuk.pruning.ranking import Limits, Ranking

LAYERS = tf_keras.layers


def _network() -> Any:
    source = tf_keras.Input((8, 8, 3))
    stem = LAYERS.Conv2D(24, 3, padding="same", name="stem")(source)
    narrow = LAYERS.Conv2D(4, 1, name="narrow")(stem)
    wide = LAYERS.Conv2D(20, 3, padding="same", name="wide")(stem)
    tied = LAYERS.Conv2D(20, 1, name="tied")(stem)
    joined = LAYERS.Concatenate()([narrow, LAYERS.Add()([wide, tied])])
    return tf_keras.Model(source, LAYERS.Dense(2)(LAYERS.GlobalAveragePooling2D()(joined)))


NETWORK = _network()
CHANNELS = find_channels(NETWORK)
COSTS = Costs(NETWORK, CHANNELS)
EVEN = np.ones(len(CHANNELS.free))


def _left(keep: Any) -> dict[str, int]:
    return {name: int(keep[CHANNELS.makes[name]].sum()) for name in CHANNELS.convolutions}


def _ranking(importance: Any = EVEN, multiple: int = 8, least_share: float = 0.0) -> Ranking:
    return Ranking(COSTS, CHANNELS, importance, Limits(multiple, least_share))


@given(st.integers(0, 100), st.sampled_from([1, 3, 8]), st.floats(0, 1), st.floats(0, 1))
def test_the_budget_is_kept_and_nothing_more_fits_in(seed: int, multiple: int, least: float, share: float) -> None:
    importance = np.random.default_rng(seed).random(len(EVEN))
    ranking = _ranking(importance, multiple, least)
    budget = int(ranking.least_macs + share * (ranking.full_macs - ranking.least_macs))
    keep = ranking.within(budget)
    assert ranking.macs(keep) <= budget
    left = _left(keep)
    assert left["wide"] == left["tied"]
    for name, before in _left(np.ones_like(keep)).items():
        assert left[name] == before or left[name] % multiple == 0
        assert left[name] >= max(1, least * before)
        gone = np.flatnonzero(~keep[CHANNELS.makes[name]])
        step = min(multiple - left[name] % multiple, len(gone))
        if step:  # the most important of what went do not fit in
            groups = CHANNELS.makes[name][gone]
            more = keep.copy()
            more[groups[np.argsort(-importance[groups], kind="stable")[:step]]] = True
            assert ranking.macs(more) > budget


def test_within_a_layer_the_least_important_go_first() -> None:
    importance = EVEN * 1e6
    importance[CHANNELS.makes["stem"]] = np.arange(24)[::-1]
    ranking = _ranking(importance)
    keep = ranking.within(ranking.full_macs - 1)
    assert keep[CHANNELS.makes["stem"]].tolist() == [True] * 16 + [False] * 8


def test_of_equally_important_layers_the_one_that_costs_more_shrinks() -> None:
    importance = EVEN.copy()
    importance[CHANNELS.makes["stem"]] = 1e6
    left = _left(_ranking(importance, multiple=1).within(COSTS.macs(COSTS.sizes) - 1))
    assert left == {"stem": 24, "narrow": 4, "wide": 19, "tied": 19}  # a filter of narrow saves a tenth of that


def test_a_layer_narrower_than_the_multiple_is_left_alone() -> None:
    ranking = _ranking()
    assert _left(ranking.within(ranking.least_macs)) == {"stem": 8, "narrow": 4, "wide": 8, "tied": 8}


def test_a_layer_keeps_its_least_share() -> None:
    ranking = _ranking(multiple=1, least_share=0.3)
    assert _left(ranking.within(ranking.least_macs)) == {"stem": 8, "narrow": 2, "wide": 6, "tied": 6}


def test_a_budget_that_nothing_meets_is_told_with_the_nearest() -> None:
    ranking = _ranking()
    nearest = f"the nearest has {ranking.least_macs:,} ({ranking.least_macs / ranking.full_macs:.1%}"
    with pytest.raises(UsageError, match=re.escape(nearest)):
        ranking.within(ranking.least_macs - 1)
    assert ranking.macs(ranking.within(ranking.least_macs)) == ranking.least_macs
