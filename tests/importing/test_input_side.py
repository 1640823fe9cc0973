"""What a network does to pixels moves into the spec or in front of it, and its answers stay."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.importing.input_side import settle_input
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.runtime.preprocessing import scale_pixels
from edgeleuk.spec import ModelSpec, Preprocessing

pytestmark = pytest.mark.slow
_LAYERS = tf_keras.layers
_RAW = Preprocessing(12, 30, pixel_scale=1.0, pixel_offset=0.0)
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _network(front: Callable[[Any], Any], shape: Any = (12, 12, 3), padding: str = "same", **kind: Any) -> Any:
    """A small network with random weights behind what `front` does to its input."""
    tf_keras.utils.set_random_seed(1)
    image = _LAYERS.Input(shape, **kind)
    x = _LAYERS.Conv2D(4, 3, padding=padding, name="first", bias_initializer="uniform")(front(image))
    x = _LAYERS.GlobalAveragePooling2D()(_LAYERS.ReLU()(x))
    return tf_keras.Model(image, _LAYERS.Dense(2, activation="softmax")(x))


def _settled(network: Any, prepare: Preprocessing = _RAW) -> tuple[Any, Preprocessing, tuple[str, ...]]:
    settled, spec, notes = settle_input(network, ModelSpec(("a", "b"), prepare))
    return settled, spec.preprocessing, notes


def _check_same(network: Any, before: Preprocessing, settled: Any, after: Preprocessing) -> None:
    """Both give the same answers to the same pictures, each with its own preprocessing."""
    rgb = np.random.default_rng(0).integers(0, 256, (5, *before.input_shape)).astype(np.uint8)
    first, second = (rgb[..., ::-1] if each.colour_order == "BGR" else rgb for each in (before, after))
    kind = network.inputs[0].dtype.as_numpy_dtype
    given = scale_pixels(first, before).astype(kind)
    expected = np.concatenate([network(image[np.newaxis], training=False).numpy() for image in given])
    found = settled(scale_pixels(second, after)).numpy()
    assert settled.input_shape == (None, *after.input_shape)
    assert settled.inputs[0].dtype == tf.float32
    assert np.allclose(expected, found, atol=2e-5), np.abs(expected - found).max()


def _normalization(x: Any) -> Any:
    return _LAYERS.Normalization(mean=_MEANS, variance=np.square(_DEVIATIONS))(_LAYERS.Rescaling(1 / 255)(x))


def _batch_norm(x: Any) -> Any:
    return _LAYERS.BatchNormalization(
        beta_initializer="uniform",
        moving_mean_initializer=tf_keras.initializers.Constant(100.0),
        moving_variance_initializer=tf_keras.initializers.Constant(2000.0),
    )(x)


def _augmented(x: Any) -> Any:
    x = _LAYERS.RandomRotation(0.2)(_LAYERS.RandomFlip()(x))
    x = _LAYERS.RandomContrast(0.2)(_LAYERS.RandomZoom(0.2)(x))
    return _LAYERS.GaussianNoise(0.1)(_LAYERS.Rescaling(1 / 127.5, -1)(x))


UNIFORM = {
    "rescaling": lambda x: _LAYERS.Rescaling(1 / 127.5, -1)(x),
    "two rescalings": lambda x: _LAYERS.Rescaling(2.0, -1)(_LAYERS.Rescaling(1 / 255)(x)),
    "operators": lambda x: x / 127.5 - 1.0,
    "multiplied": lambda x: 2 * (x * (1 / 255)) - 1,
    "a cast": lambda x: tf.cast(x, tf.float32) / 255.0,
    "augmentation": _augmented,
    "mobilenet": lambda x: tf_keras.applications.mobilenet_v2.preprocess_input(x),
    "an adapted normalization": lambda x: _LAYERS.Normalization(axis=None, mean=120.0, variance=2500.0)(x),
}
BY_CHANNEL = {
    "normalization": _normalization,
    "inverted": lambda x: (255.0 - x) / 127.5 - 1,
    "caffe": lambda x: tf_keras.applications.resnet50.preprocess_input(x),
    "torch": lambda x: (x / 255.0 - np.array(_MEANS, np.float32)) / np.array(_DEVIATIONS, np.float32),
    "turned": lambda x: _normalization(x[..., ::-1]),
    "batch normalization": _batch_norm,
}


@pytest.mark.parametrize("front", UNIFORM.values(), ids=UNIFORM)
def test_scaling_of_all_channels_alike_moves_into_the_spec(front: Callable[[Any], Any]) -> None:
    network = _network(front)
    settled, prepare, notes = _settled(network)
    assert prepare.is_uniform
    assert prepare.pixel_scale != 1
    assert settled.layers[1].name == "first"
    assert notes
    _check_same(network, _RAW, settled, prepare)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("front", BY_CHANNEL.values(), ids=BY_CHANNEL)
def test_scaling_by_channel_stands_in_front_or_in_the_first_convolution(
    front: Callable[[Any], Any], padding: str
) -> None:
    network = _network(front, padding=padding)
    settled, prepare, _ = _settled(network)
    assert prepare.scale_and_offset == (1 / 127.5, -128 / 127.5)
    assert settled.layers[1].name == ("first" if padding == "valid" else "channel_scaling")
    _check_same(network, _RAW, settled, prepare)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_spec_that_scales_channels_apart_becomes_one_scale(padding: str) -> None:
    apart = dataclasses.replace(
        _RAW,
        pixel_scale=tuple(1 / 255 / deviation for deviation in _DEVIATIONS),
        pixel_offset=tuple(-mean / deviation for mean, deviation in zip(_MEANS, _DEVIATIONS, strict=True)),
    )
    network = _network(lambda x: x, padding=padding)
    settled, prepare, _ = _settled(network, apart)
    assert prepare.is_uniform
    _check_same(network, apart, settled, prepare)


def test_a_convolution_without_bias_takes_the_scaling_too() -> None:
    image = _LAYERS.Input((12, 12, 3))
    x = _LAYERS.Conv2D(4, 3, use_bias=False)(_normalization(image))
    x = _LAYERS.GlobalAveragePooling2D()(_LAYERS.BatchNormalization()(x))
    network = tf_keras.Model(image, _LAYERS.Dense(2, activation="softmax")(x))
    settled, prepare, _ = _settled(network)
    _check_same(network, _RAW, settled, prepare)


@pytest.mark.parametrize("kind", ["uint8", "int32"])
def test_an_input_of_integers_becomes_float32(kind: str) -> None:
    network = _network(lambda x: _LAYERS.Rescaling(1 / 127.5, -1)(x), dtype=kind)
    settled, prepare, notes = _settled(network, Preprocessing(12, 30))
    assert any("pixel_scale" in note for note in notes)
    assert np.allclose(prepare.scale_and_offset, (1 / 127.5, -1))
    _check_same(network, _RAW, settled, prepare)


def test_a_network_that_scales_by_itself_is_shown_raw_pixels_where_the_spec_says_nothing() -> None:
    network = _network(lambda x: _LAYERS.Rescaling(1 / 127.5, -1)(x))
    settled, prepare, notes = _settled(network, Preprocessing(12, 30))
    assert any("by itself" in note for note in notes)
    _check_same(network, _RAW, settled, prepare)


def test_a_spec_that_scales_what_the_network_scales_is_refused() -> None:
    network = _network(lambda x: _LAYERS.Rescaling(1 / 127.5, -1)(x))
    with pytest.raises(SpecError, match=r"scales them, too.*\"pixel_scale\": 1, \"pixel_offset\": 0"):
        _settled(network, dataclasses.replace(_RAW, pixel_scale=1 / 255))


@pytest.mark.parametrize("shape", [(None, None, 3), (12, None, 3), (None, None, None)])
def test_a_free_size_is_fixed_from_the_spec(shape: Any) -> None:
    if shape[2] is None:
        shape = (None, None, 3)
    network = _network(lambda x: x, shape)
    settled, prepare, _ = _settled(network, Preprocessing(12, 30))
    _check_same(network, Preprocessing(12, 30), settled, prepare)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((8, 20, 3), {"input_size_px": 8, "input_width_px": 20}),
        ((12, 12, 1), {"input_size_px": 12, "colour_order": "GREY"}),
        ((None, None, 1), {"input_size_px": 8, "input_width_px": 20, "colour_order": "GREY"}),
    ],
)
def test_other_shapes_are_taken(shape: Any, settings: dict[str, Any]) -> None:
    network, prepare = _network(lambda x: x, shape), Preprocessing(crop_px=30, **settings)
    settled, after, _ = _settled(network, prepare)
    _check_same(network, prepare, settled, after)


def test_a_batch_of_one_becomes_any_batch() -> None:
    network = _network(lambda x: x, batch_size=1)
    settled, prepare, _ = _settled(network, Preprocessing(12, 30))
    _check_same(network, Preprocessing(12, 30), settled, prepare)


@pytest.mark.parametrize("shape", [(12, 12, 3), (20, 20, 3), (None, None, 3)])
@pytest.mark.parametrize("operation", [False, True])
def test_a_resizing_to_the_specs_size_is_left_out(shape: Any, operation: bool) -> None:
    network = _network(lambda x: tf.image.resize(x, (12, 12)) if operation else _LAYERS.Resizing(12, 12)(x), shape)
    settled, prepare, notes = _settled(network, Preprocessing(12, 30))
    assert settled.input_shape == (None, 12, 12, 3)
    assert any("left out" in note for note in notes)
    _check_same(_network(lambda x: x), Preprocessing(12, 30), settled, prepare)


def test_a_resizing_to_another_size_is_refused_with_the_size_to_say() -> None:
    network = _network(lambda x: _LAYERS.Resizing(12, 16)(x), (None, None, 3))
    with pytest.raises(SpecError, match=r'"input_size_px": 12, "input_width_px": 16'):
        _settled(network, Preprocessing(20, 30))


def test_a_centre_crop_becomes_a_plain_one() -> None:
    network = _network(lambda x: _LAYERS.Rescaling(1 / 255)(_LAYERS.CenterCrop(9, 12)(x)), (20, 20, 3))
    raw = dataclasses.replace(_RAW, input_size_px=20)
    settled, prepare, _ = _settled(network, raw)
    assert np.allclose(prepare.scale_and_offset, (1 / 255, 0))
    _check_same(network, raw, settled, prepare)


@pytest.mark.parametrize(
    ("shape", "settings", "says"),
    [
        ((12, 12, 3), {"input_size_px": 16}, r'"input_size_px": 12'),
        ((12, 20, 3), {"input_size_px": 12}, r'"input_width_px": 20'),
        ((12, 12, 1), {"input_size_px": 12}, r'"colour_order": "GREY"'),
        ((12, 12, 3), {"input_size_px": 12, "colour_order": "GREY"}, r'"RGB" or "BGR"'),
        ((12, 12, 4), {"input_size_px": 12}, "4 channels"),
    ],
)
def test_a_spec_that_contradicts_the_input_is_refused_with_what_to_say(
    shape: Any, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        _settled(_network(lambda x: x, shape), Preprocessing(crop_px=30, **settings))


def test_several_inputs_are_refused_by_name() -> None:
    inputs = [_LAYERS.Input((12, 12, 3), name=name) for name in ("picture", "mask")]
    x = _LAYERS.GlobalAveragePooling2D()(_LAYERS.Concatenate()(inputs))
    network = tf_keras.Model(inputs, _LAYERS.Dense(2, activation="softmax")(x))
    with pytest.raises(ModelError, match=r"2 inputs \(picture, mask\)"):
        _settled(network)


def test_scaling_that_something_else_reads_too_stays_in_the_network() -> None:
    def front(x: Any) -> Any:
        scaled = _LAYERS.Rescaling(1 / 127.5, -1)(x)
        return _LAYERS.Concatenate()([scaled, _LAYERS.Rescaling(2.0)(scaled)])

    network = _network(front)
    settled, prepare, _ = _settled(network)
    assert np.allclose(prepare.scale_and_offset, (1 / 127.5, -1))
    _check_same(network, _RAW, settled, prepare)
