"""Removing channels that are zero changes no answer: on random graphs, and on InceptionV3."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.pruning.channels import Channels, find_channels
from edgeleuk.pruning.macs import Costs, count_macs
from edgeleuk.pruning.slicing import kept_filters, slice_network

LAYERS = tf_keras.layers
SIDE = 6


def _convolution(draw: Any, tensors: list[Any], filters: int | None = None) -> Any:
    normalized = draw(st.booleans())
    tensor = LAYERS.Conv2D(
        filters or draw(st.integers(1, 5)), draw(st.sampled_from([1, 3])), padding="same", use_bias=not normalized
    )(draw(st.sampled_from(tensors)))
    if normalized:
        tensor = LAYERS.BatchNormalization(scale=draw(st.booleans()))(tensor)
    return LAYERS.Activation(draw(st.sampled_from(["relu", "linear", "tanh"])))(tensor)


def _depthwise(draw: Any, tensors: list[Any]) -> Any:
    layer = LAYERS.DepthwiseConv2D(3, padding="same", depth_multiplier=draw(st.integers(1, 2)))
    return layer(draw(st.sampled_from(tensors)))


def _concatenation(draw: Any, tensors: list[Any]) -> Any:
    return LAYERS.Concatenate()(draw(st.lists(st.sampled_from(tensors), min_size=2, max_size=3)))


def _addition(draw: Any, tensors: list[Any]) -> Any:
    other = draw(st.sampled_from(tensors))
    return LAYERS.Add()([_convolution(draw, tensors, other.shape[-1]), other])


def _pool(draw: Any, tensors: list[Any]) -> Any:
    kinds = [
        LAYERS.MaxPooling2D(3, strides=1, padding="same"),
        LAYERS.AveragePooling2D(3, strides=1, padding="same"),
        AverageConvolution(),
        BorderCorrection((SIDE, SIDE)),
        LAYERS.BatchNormalization(),
        LAYERS.Dropout(0.5),
    ]
    return draw(st.sampled_from(kinds))(draw(st.sampled_from(tensors)))


def _network(draw: Any) -> Any:
    """A graph of at most 7 steps, each on any tensor so far, in the layer types that such networks are made of.

    Drawn within the test, for Keras takes seeds from `random`, which a strategy may not do.
    """
    tf_keras.backend.clear_session()
    source = tf_keras.Input((SIDE, SIDE, 3))
    tensors = [source, _convolution(draw, [source])]
    steps = draw(st.lists(st.sampled_from([_convolution, _depthwise, _concatenation, _addition, _pool]), max_size=5))
    for step in [*steps, _convolution]:
        tensors.append(step(draw, tensors))
    features = LAYERS.GlobalAveragePooling2D()(LAYERS.Concatenate()(tensors[-3:]))
    model = tf_keras.Model(source, LAYERS.Dense(3, activation="softmax")(features))
    _fill(model, draw(st.integers(0, 1000)))
    return model


def _fill(model: Any, seed: int) -> None:
    """Random weights throughout, so that nothing is zero or one by its initialization."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([random.uniform(0.2, 1, weight.shape) for weight in layer.get_weights()])


def _zeroed(model: Any, channels: Channels, keep: Any) -> Any:
    """The network with whatever makes the channels that go set to zero."""
    twin = tf_keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    for name, groups in channels.makes.items():
        gone, layer = ~keep[groups], twin.get_layer(name)
        weights = layer.get_weights()
        for weight in weights[:3] if isinstance(layer, LAYERS.BatchNormalization) else weights:
            if isinstance(layer, LAYERS.DepthwiseConv2D) and weight.ndim == 4:
                weight.reshape(*weight.shape[:2], -1)[..., gone] = 0
            else:  # of a normalization gamma, beta and mean, or beta, mean and variance: any variance will do
                weight[..., gone] = 0
        layer.set_weights(weights)
    return twin


def _keep(channels: Channels, seed: int) -> Any:
    """Some of the groups, bool [groups]: all that may not go, and at least one filter of each convolution."""
    keep = (np.random.default_rng(seed).random(len(channels.free)) < 0.6) | ~channels.free
    for name in channels.convolutions:
        groups = channels.makes[name]
        keep[groups[0]] |= not keep[groups].any()
    return keep


@given(st.data())
@settings(max_examples=25)
def test_slicing_away_what_is_zero_changes_no_answer(data: Any) -> None:
    model = _network(data.draw)
    channels = find_channels(model)
    keep = _keep(channels, data.draw(st.integers(0, 1000)))
    images = np.random.default_rng(0).uniform(-1, 1, (2, SIDE, SIDE, 3)).astype(np.float32)
    zeroed = _zeroed(model, channels, keep)
    sliced = slice_network(model, kept_filters(channels, keep))
    assert np.allclose(zeroed(images), sliced(images), atol=1e-5)
    for name in channels.convolutions:
        assert sliced.get_layer(name).filters == keep[channels.makes[name]].sum()


@given(st.data())
@settings(max_examples=15)
def test_the_cost_of_what_stays_is_that_of_the_sliced_network(data: Any) -> None:
    model = _network(data.draw)
    channels = find_channels(model)
    costs = Costs(model, channels)
    keep = _keep(channels, data.draw(st.integers(0, 1000)))
    numbers = np.bincount(costs.kind[keep], minlength=len(costs.sizes))
    steps = np.minimum(numbers, 1)
    saved = costs.saved(numbers, steps)
    assert costs.macs(costs.sizes) == count_macs(model)
    assert costs.macs(numbers) == count_macs(slice_network(model, kept_filters(channels, keep)))
    for kind in range(len(numbers)):
        fewer = numbers.copy()
        fewer[kind] -= steps[kind]
        assert saved[kind] == costs.macs(numbers) - costs.macs(fewer)


@pytest.mark.slow
@pytest.mark.parametrize("pools", ["depthwise", "average"])
def test_inception_v3_is_sliced_exactly(pools: str) -> None:
    model = build_network(NetworkConfig(2, 75, 0.125, pools=pools))
    channels = find_channels(model)
    assert len(channels.convolutions) == 94
    assert not channels.fixed
    keep = _keep(channels, 0)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    zeroed = _zeroed(model, channels, keep)
    sliced = slice_network(model, kept_filters(channels, keep))
    assert np.allclose(zeroed.predict_on_batch(images), sliced.predict_on_batch(images), atol=1e-6)
    assert count_macs(sliced) < 0.6 * count_macs(model)


def _residual() -> Any:
    source = tf_keras.Input((SIDE, SIDE, 3))
    one, other = (LAYERS.Conv2D(4, 1, name=name)(source) for name in ("one", "other"))
    return tf_keras.Model(source, LAYERS.Conv2D(2, 1, name="last")(LAYERS.Add()([one, other])))


@pytest.mark.parametrize(
    ("kept", "complaint"),
    [
        ({"one": [0, 1]}, "a filter of other that stays is tied to one of one that goes"),
        ({"one": [0, 1], "other": [1, 2]}, "a filter of one that stays is tied to one of other that goes"),
        ({"one": [], "other": []}, "nothing would be left of one; keep at least one of its 4 filters"),
        ({"last": [0]}, "filters of last that were to go must stay: they are the output of the network"),
        ({"second": [0]}, "second is not a convolution of the network"),
        ({"one": [1, 0]}, "the filters to keep of one are not ascending positions of its 4 filters"),
        ({"one": [0, 4]}, "the filters to keep of one are not ascending positions of its 4 filters"),
    ],
)
def test_what_cannot_be_kept_is_refused(kept: dict[str, list[int]], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        slice_network(_residual(), {name: np.array(positions, np.intp) for name, positions in kept.items()})


def test_tied_filters_go_together() -> None:
    sliced = slice_network(_residual(), {"one": np.array([0, 3]), "other": np.array([0, 3])})
    assert [sliced.get_layer(name).filters for name in ("one", "other", "last")] == [2, 2, 2]
