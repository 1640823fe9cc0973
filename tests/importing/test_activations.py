"""Activations that do not convert are written as layers that do, with the same answers."""

from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.importing.activations import settle_activations
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.runtime.graph import read_graph

pytestmark = pytest.mark.slow
_LAYERS = tf_keras.layers


def _network(*activations: Any) -> Any:
    """A small residual network with an activation behind each convolution."""
    tf_keras.utils.set_random_seed(3)
    image = x = _LAYERS.Input((8, 8, 3))
    x = _LAYERS.Conv2D(4, 3, padding="same")(x)
    for activation in activations:
        x = _LAYERS.Add()([x, activation(_LAYERS.Conv2D(4, 3, padding="same")(x))])
    x = _LAYERS.GlobalAveragePooling2D()(x)
    return tf_keras.Model(image, _LAYERS.Dense(2, activation="softmax")(x))


def _fused(name: str) -> Any:
    return _LAYERS.Conv2D(4, 1, activation=name)


KINDS = {
    "a layer": lambda name: [_LAYERS.Activation(name)],
    "fused": lambda name: [_fused(name)],
    "shared": lambda name: [_LAYERS.Activation(name)] * 3,
}
OPERATIONS = {"tf.nn.silu": [tf.nn.silu], "twice": [tf.nn.silu, tf.nn.silu]}
NETWORKS = {
    f"{name} {kind}": make(name) for name in ("swish", "hard_sigmoid") for kind, make in KINDS.items()
} | OPERATIONS


@pytest.mark.parametrize("activations", NETWORKS.values(), ids=NETWORKS)
def test_the_answers_stay_and_all_becomes_int8(activations: list[Any]) -> None:
    network = _network(*activations)
    settled = settle_activations(network)
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 3)).astype(np.float32)
    assert np.allclose(network(images), settled(images), atol=1e-6)
    model = quantize_int8(convert_float(settled), (image[np.newaxis] for image in images), (-1, 1))
    assert set(read_graph(model).dtype_counts()) <= {"int8", "int32"}


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_greatest_of_a_map_is_a_max_pool(keepdims: bool) -> None:
    image = _LAYERS.Input((8, 8, 3))
    x = _LAYERS.GlobalMaxPooling2D(keepdims=keepdims)(_LAYERS.Conv2D(4, 3)(image))
    network = tf_keras.Model(image, _LAYERS.Dense(2, activation="softmax")(x))
    settled = settle_activations(network)
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 3)).astype(np.float32)
    assert settled.output_shape == network.output_shape
    assert np.allclose(network(images), settled(images), atol=1e-6)
    model = quantize_int8(convert_float(settled), (image[np.newaxis] for image in images), (-1, 1))
    assert set(read_graph(model).dtype_counts()) <= {"int8", "int32"}


def test_a_shared_layer_with_such_an_activation_is_refused_by_name() -> None:
    shared = _LAYERS.Conv2D(4, 1, activation="swish", name="twice_used")
    with pytest.raises(ModelError, match="layer twice_used is applied 2 times"):
        settle_activations(_network(shared, shared))
