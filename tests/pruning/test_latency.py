import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.bench.measured import Protocol
from edgeleuk.device.delegate import coverage
from edgeleuk.errors import UsageError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.keras.rewrite import IN_PLACE, MOVED, rewrite
from edgeleuk.pruning.channels import find_channels
from edgeleuk.pruning.latency import Probe, int8_content, int8_latency_ms, search_macs
from edgeleuk.pruning.slicing import slice_network
from edgeleuk.runtime.backend import Network

FULL, LEAST = 1_000_000, 100_000


def _measure(macs: int) -> Probe:
    """A machine with an overhead of 1 ms and 10 ns a thousand operations, and networks of whole ten thousands."""
    macs = macs // 10_000 * 10_000
    return Probe(macs, 1 + macs / 100_000)


@given(st.floats(2, 10.9))
def test_the_largest_network_within_the_budget_is_found_in_few_measurements(budget_ms: float) -> None:
    best, probes = search_macs(_measure, LEAST, FULL, budget_ms)
    assert best in probes
    assert 0.96 * budget_ms - 0.1 <= best.latency_ms <= budget_ms
    assert len(probes) <= 8


def test_a_curve_is_followed_as_well_as_a_line() -> None:
    def measure(macs: int) -> Probe:
        return Probe(macs, (macs / FULL) ** 2 * 10)

    best, probes = search_macs(measure, LEAST, FULL, 5.0)
    assert 4.7 <= best.latency_ms <= 5
    assert len(probes) <= 8


def test_a_search_ends_where_there_is_nothing_between() -> None:
    def measure(macs: int) -> Probe:
        return Probe(FULL, 10.0) if macs >= FULL else Probe(LEAST, 1.0)

    best, probes = search_macs(measure, LEAST, FULL, 5.0)
    assert best == Probe(LEAST, 1.0)
    assert len(probes) == 3


def test_a_budget_that_nothing_meets_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=re.escape("the nearest takes 2 ms (100,000 MACs)")):
        search_macs(_measure, LEAST, FULL, 1.9)


def test_a_network_within_the_budget_is_not_pruned() -> None:
    with pytest.raises(UsageError, match="takes 11 ms as it is, within 12: nothing to prune"):
        search_macs(_measure, LEAST, FULL, 12)


@pytest.mark.slow
def test_the_real_int8_graph_is_measured() -> None:
    layers = tf_keras.layers
    small, large = (
        tf_keras.Sequential(
            [
                layers.Input((32, 32, 3)),
                layers.Conv2D(filters, 3, activation="relu"),
                layers.Conv2D(filters, 3, activation="relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(2, activation="softmax"),
            ]
        )
        for filters in (8, 256)
    )
    brief = Protocol(processes=1, runs=5, seconds=0.1)
    times = [int8_latency_ms(model, protocol=brief) for model in (small, large)]
    assert 0 < times[0] < times[1]  # 400 times the operations


@pytest.mark.slow
@pytest.mark.parametrize("pruned", [False, True])
def test_what_is_measured_is_the_graph_that_is_deployed_in_one_piece(pruned: bool) -> None:
    tf_keras.utils.set_random_seed(0)
    network = build_network(NetworkConfig(2, 75, 0.125, pools="average"))
    network = _all_but_two_filters_removed(network) if pruned else network
    found = coverage(Network(int8_content(network), Path("network.tflite")).operations())
    assert found is not None
    assert (found.partitions, found.outside) == (1, {"SOFTMAX": 1})


def _all_but_two_filters_removed(network: Any) -> Any:
    """But of convolutions behind average pools: some then make more channels than they read."""
    behind = {
        node.outbound_layer.name
        for layer in network.layers
        if isinstance(layer, tf_keras.layers.AveragePooling2D)
        for node in layer._outbound_nodes
    }
    for layer in network.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.beta.assign(np.ones(layer.beta.shape))  # what two random filters make of noise may fade to nothing
    names = set(find_channels(network).convolutions) - behind
    sliced = slice_network(network, {name: np.array([0, 1]) for name in names})
    assert {change.outcome for change in rewrite(sliced).changes} == {MOVED, IN_PLACE}
    return sliced
