"""Average pools become depthwise convolutions, and no answer changes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection, window_shares
from edgeleuk.keras.rewrite import IN_PLACE, LEFT_ALONE, MOVED, Rewriting, rewrite

LAYERS = tf_keras.layers
CHANNELS = 5
ENDINGS = ("nothing", "inner relu", "inner tanh", "relu", "relu layer", "leaky relu layer", "sigmoid")
sizes = st.tuples(st.integers(2, 8), st.integers(2, 8))
windows = st.tuples(st.integers(1, 4), st.integers(1, 4))
paddings = st.sampled_from(["same", "valid"])


def _window_fits(size: tuple[int, int], window: tuple[int, int], padding: str) -> bool:
    return padding == "same" or all(side >= part for side, part in zip(size, window, strict=True))


def _branch(tensor: Any, filters: int, bias: bool, norm: bool, ending: str) -> Any:
    """A 1x1 convolution with what may follow it."""
    inner = ending.removeprefix("inner ") if ending.startswith("inner") else None
    tensor = LAYERS.Conv2D(filters, 1, use_bias=bias, activation=inner, bias_initializer="random_normal")(tensor)
    if norm:
        random = dict.fromkeys(("beta_initializer", "gamma_initializer", "moving_mean_initializer"), "random_normal")
        tensor = LAYERS.BatchNormalization(**random)(tensor)
    if ending in ("relu", "sigmoid"):
        return LAYERS.Activation(ending)(tensor)
    if ending.endswith("relu layer"):
        return LAYERS.ReLU(negative_slope=0.3 if ending.startswith("leaky") else 0.0)(tensor)
    return tensor


def _difference(old: Any, new: Any) -> np.ndarray:
    """|old - new| on noise, by pixel: [h, w]."""
    values = np.random.default_rng(0).normal(size=(2, *old.input_shape[1:])).astype(np.float32)
    return np.abs(np.asarray(old(values)) - np.asarray(new(values))).max(axis=(0, 3))


def _no_pool_left(rewriting: Rewriting) -> bool:
    return not any(isinstance(layer, LAYERS.AveragePooling2D) for layer in rewriting.network.layers)


@settings(max_examples=40)
@given(sizes, windows, paddings, st.booleans(), st.booleans(), st.sampled_from(ENDINGS))
def test_a_pool_behind_its_1x1_convolution_answers_as_before(
    size: tuple[int, int], window: tuple[int, int], padding: str, bias: bool, norm: bool, ending: str
) -> None:
    if not _window_fits(size, window, padding) or (padding == "valid" and size == window):
        return
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((*size, CHANNELS))
    model = tf_keras.Model(source, _branch(LAYERS.AveragePooling2D(window, 1, padding)(source), 3, bias, norm, ending))
    rewriting = rewrite(model)
    assert [change.outcome for change in rewriting.changes] == [MOVED]
    assert _no_pool_left(rewriting)
    assert _difference(model, rewriting.network).max() < 1e-5
    inside = rewrite(model, exact_border=False).network
    whole = np.ones(model.output_shape[1:3], bool)
    if padding == "same":
        whole = np.outer(*(window_shares(size[i], window[i], 1) for i in (0, 1))) > 1 - 1e-9
    assert (_difference(model, inside)[whole] < 1e-5).all()


@settings(max_examples=40)
@given(sizes, windows, paddings, st.integers(1, 3))
def test_a_pool_in_its_place_answers_as_before(
    size: tuple[int, int], window: tuple[int, int], padding: str, stride: int
) -> None:
    if not _window_fits(size, window, padding):
        return
    source = tf_keras.Input((*size, CHANNELS))
    model = tf_keras.Model(source, LAYERS.AveragePooling2D(window, stride, padding)(source))
    rewriting = rewrite(model)
    assert [change.outcome for change in rewriting.changes] == [IN_PLACE]
    assert _no_pool_left(rewriting)
    assert _difference(model, rewriting.network).max() < 1e-5


@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 4))
def test_window_shares_are_what_padding_leaves(size: int, window: int, stride: int) -> None:
    ones = np.ones((1, size, 1, 1), np.float32)
    found = AverageConvolution((window, 1), stride)(ones).numpy().ravel()
    assert np.allclose(window_shares(size, window, stride), found)


def test_only_the_border_differs_without_the_correction() -> None:
    source = tf_keras.Input((6, 6, CHANNELS))
    model = tf_keras.Model(source, LAYERS.AveragePooling2D(3, 1, "same")(source))
    found = _difference(model, rewrite(model, exact_border=False).network)
    assert found[1:-1, 1:-1].max() < 1e-6
    assert found[0].min() > 1e-3


def test_the_convolution_runs_before_the_average_and_the_relu_behind_it() -> None:
    source = tf_keras.Input((6, 6, CHANNELS))
    pooled = LAYERS.AveragePooling2D(3, 1, "same", name="pool")(source)
    network = rewrite(tf_keras.Model(source, _branch(pooled, 3, False, True, "relu"))).network
    kinds = [type(layer) for layer in network.layers[1:]]
    assert kinds == [LAYERS.Conv2D, LAYERS.BatchNormalization, AverageConvolution, LAYERS.Activation, BorderCorrection]
    assert network.get_layer("pool").output_shape == (None, 6, 6, 3)


def test_the_model_itself_stays_as_it_is() -> None:
    source = tf_keras.Input((6, 6, CHANNELS))
    model = tf_keras.Model(source, _branch(LAYERS.AveragePooling2D(3, 1, "same")(source), 3, True, True, "inner relu"))
    before = model.get_config()
    rewrite(model)
    assert model.get_config() == before


def _two_readers(pooled: Any) -> Any:
    return LAYERS.Concatenate()([LAYERS.Conv2D(2, 1, name="a")(pooled), LAYERS.Conv2D(2, 1, name="b")(pooled)])


HALF_MATCHES = {
    "two readers": (_two_readers, "it is read by a, b"),
    "the output": (lambda pooled: pooled, "it is read by the output of the network"),
    "a 3x3 convolution": (LAYERS.Conv2D(3, 3, padding="same", name="big"), "big is no 1x1 convolution"),
    "a depthwise convolution": (LAYERS.DepthwiseConv2D(1, name="deep"), "deep is no 1x1 convolution"),
    "a stride": (LAYERS.Conv2D(3, 1, strides=2, name="far"), "far has strides"),
    "more channels": (LAYERS.Conv2D(CHANNELS + 1, 1, name="wide"), "wide makes 5 channels 6, not fewer"),
}


@pytest.mark.parametrize("name", HALF_MATCHES)
def test_a_half_match_stays_in_its_place_and_says_why(name: str) -> None:
    follow, reason = HALF_MATCHES[name]
    source = tf_keras.Input((6, 6, CHANNELS))
    model = tf_keras.Model(source, follow(LAYERS.AveragePooling2D(3, 1, "same", name="pool")(source)))
    rewriting = rewrite(model)
    (change,) = rewriting.changes
    assert (change.layer, change.outcome) == ("pool", IN_PLACE)
    assert reason in change.detail
    assert _difference(model, rewriting.network).max() < 1e-5


def test_a_convolution_that_is_applied_twice_is_not_moved() -> None:
    source = tf_keras.Input((6, 6, CHANNELS))
    shared = LAYERS.Conv2D(3, 1, name="shared")
    pooled = LAYERS.AveragePooling2D(3, 1, "same")(source)
    model = tf_keras.Model(source, LAYERS.Add()([shared(pooled), shared(source)]))
    rewriting = rewrite(model)
    assert rewriting.changes[0].outcome == IN_PLACE
    assert "shared is applied 2 times" in rewriting.changes[0].detail
    assert _difference(model, rewriting.network).max() < 1e-5


def test_grouped_and_dilated_1x1_convolutions_commute_too() -> None:
    source = tf_keras.Input((6, 6, 8))
    pooled = LAYERS.AveragePooling2D(3, 1, "same")(source)
    model = tf_keras.Model(source, LAYERS.Conv2D(4, 1, groups=2, dilation_rate=2, padding="same")(pooled))
    rewriting = rewrite(model)
    assert rewriting.changes[0].outcome == MOVED
    assert _difference(model, rewriting.network).max() < 1e-5


def test_a_batch_norm_that_others_read_too_keeps_them_all_right() -> None:
    source = tf_keras.Input((6, 6, CHANNELS))
    convolved = LAYERS.Conv2D(3, 1)(LAYERS.AveragePooling2D(3, 1, "same")(source))
    normed = LAYERS.BatchNormalization(beta_initializer="ones")(convolved)
    model = tf_keras.Model(source, LAYERS.Concatenate()([normed, LAYERS.ReLU()(normed), convolved + 2 * normed]))
    assert _difference(model, rewrite(model).network).max() < 1e-5


def _left_alone() -> dict[str, tuple[Any, str]]:
    source = tf_keras.Input((6, 6, CHANNELS))
    twice = LAYERS.AveragePooling2D(3, 1, "same", name="pool")
    first = LAYERS.AveragePooling2D(3, 1, "same", data_format="channels_first", name="pool")
    uneven = LAYERS.AveragePooling2D(3, (1, 2), "same", name="pool")
    free = tf_keras.Input((None, None, CHANNELS))
    inner = tf_keras.Sequential(
        [tf_keras.Input((6, 6, CHANNELS)), LAYERS.AveragePooling2D(2, name="deep")], name="pool"
    )
    return {
        "applied twice": (tf_keras.Model(source, twice(twice(source))), "applied 2 times"),
        "channels first": (tf_keras.Model(source, first(source)), "channels_first"),
        "uneven strides": (tf_keras.Model(source, uneven(source)), "strides (1, 2) differ"),
        "free size": (
            tf_keras.Model(free, LAYERS.AveragePooling2D(3, 1, "same", name="pool")(free)),
            "size of its input is not fixed",
        ),
        "nested": (tf_keras.Model(source, inner(source)), "nested in the network is not looked into"),
    }


@pytest.mark.parametrize("name", ["applied twice", "channels first", "uneven strides", "free size", "nested"])
def test_what_cannot_be_rewritten_is_left_alone_and_listed(name: str) -> None:
    model, reason = _left_alone()[name]
    rewriting = rewrite(model)
    (change,) = rewriting.changes
    assert (change.layer, change.outcome) == ("pool", LEFT_ALONE)
    assert reason in change.detail
    assert rewriting.network is model


def test_a_network_without_pools_is_returned_as_it_is() -> None:
    model = tf_keras.Sequential([tf_keras.Input((6, 6, 3)), LAYERS.Conv2D(2, 1)])
    assert rewrite(model) == Rewriting(model, ())


@given(sizes)
def test_a_window_that_is_the_whole_map_becomes_a_mean(size: tuple[int, int]) -> None:
    source = tf_keras.Input((*size, CHANNELS))
    model = tf_keras.Model(source, LAYERS.Conv2D(3, 1)(LAYERS.AveragePooling2D(size)(source)))
    rewriting = rewrite(model)
    assert rewriting.changes[0].detail == "as a mean: its window is the whole map"
    assert rewriting.network.output_shape == (None, 1, 1, 3)
    assert _difference(model, rewriting.network).max() < 1e-5


def test_a_sequential_model_is_rewritten() -> None:
    model = tf_keras.Sequential([tf_keras.Input((6, 6, 4)), LAYERS.AveragePooling2D(3, 1), LAYERS.Conv2D(2, 1)])
    rewriting = rewrite(model)
    assert rewriting.changes[0].outcome == MOVED
    assert _difference(model, rewriting.network).max() < 1e-5


def test_rewritten_layers_are_saved_and_loaded_with_their_model(tmp_path: Any) -> None:
    source = tf_keras.Input((6, 6, CHANNELS))
    model = rewrite(tf_keras.Model(source, LAYERS.AveragePooling2D((2, 3), 2, "same")(source))).network
    model.save(tmp_path / "model.keras")
    assert _difference(model, tf_keras.models.load_model(tmp_path / "model.keras")).max() == 0
