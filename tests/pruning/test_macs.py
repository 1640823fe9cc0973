from typing import Any

import pytest

from benchmarks.scale_models import macs as macs_of_file
from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.layers import AverageConvolution
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.keras.rewrite import rewrite
from edgeleuk.pruning.macs import count_macs, layer_costs
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.runtime.graph import read_graph

LAYERS = tf_keras.layers


def _model(size: Any) -> Any:
    return tf_keras.Sequential(
        [
            LAYERS.Input((*size, 3)),
            LAYERS.Conv2D(8, (3, 5), strides=2, name="first"),
            LAYERS.BatchNormalization(),
            LAYERS.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise"),
            AverageConvolution(name="average"),
            LAYERS.MaxPooling2D(),
            LAYERS.Conv2D(6, 1, name="last"),
            LAYERS.GlobalAveragePooling2D(),
            LAYERS.Dense(4, activation="softmax", name="dense"),
        ]
    )


@pytest.mark.slow
def test_operations_are_those_of_the_converted_graph() -> None:
    model = _model((20, 24))
    found = {cost.layer: cost.macs for cost in layer_costs(model)}
    outputs, pooled = 9 * 10, 4 * 5
    assert found == {
        "first": outputs * 15 * 3 * 8,
        "depthwise": outputs * 9 * 16,
        "average": outputs * 9 * 16,
        "last": pooled * 16 * 6,
        "dense": 6 * 4,
    }
    assert count_macs(model) == sum(found.values()) == macs_of_file(read_graph(convert_float(model), "model"))


def test_groups_and_repeated_layers_count_as_they_run() -> None:
    source = tf_keras.Input((6, 6, 4))
    paired, twice = LAYERS.Conv2D(4, 1, groups=2), LAYERS.Conv2D(4, 1)
    assert count_macs(tf_keras.Model(source, twice(twice(paired(source))))) == 36 * (2 * 4 + 4 * 4 + 4 * 4)


def test_a_size_that_is_not_fixed_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"first makes .* whose size is not fixed"):
        count_macs(_model((None, None)))


@pytest.mark.slow
def test_rewriting_average_pools_adds_their_own_operations_and_changes_no_others() -> None:
    stock = build_network(NetworkConfig(2, 75, 0.125, pools="average"))
    models = stock, rewrite(stock).network
    before, after = ({cost.layer: cost.macs for cost in layer_costs(model)} for model in models)
    pools = {layer.name for layer in stock.layers if isinstance(layer, LAYERS.AveragePooling2D)}
    assert {name: macs for name, macs in after.items() if name not in pools} == before
    assert set(after) - set(before) == pools
    assert 0 < sum(after[name] for name in pools) < 0.01 * count_macs(stock)
