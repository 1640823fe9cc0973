"""Tiny networks parts of which compute nothing but a constant, on which the answer depends."""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeleuk.quantization.toolkit import tf_keras
from tests.quantization.networks import LAYERS, SIZE


def _network(*middle: Any) -> Any:
    """A convolution "stem", the layers given, a mean and a head of two classes; weights are the same in each call."""
    tf_keras.utils.set_random_seed(3)
    source = tf_keras.Input((SIZE, SIZE, 3))
    values = source
    for layer in (LAYERS.Conv2D(4, 3, strides=2, name="stem"), *middle):
        values = LAYERS.Activation("relu")(layer(values))
    logits = LAYERS.Dense(2, name="head")(LAYERS.GlobalAveragePooling2D(name="mean")(values))
    model = tf_keras.Model(source, LAYERS.Softmax()(logits), name="net")
    model.get_layer("head").set_weights(
        [np.array([[1, -1], [-0.5, 0.5], [0.3, -0.3], [0.2, 0.4]], np.float32), np.array([0.3, 0], np.float32)]
    )
    return model


def dead_filter() -> Any:
    """One filter of the stem is zeros with a bias that decides."""
    model = _network()
    kernel, bias = model.get_layer("stem").get_weights()
    kernel[..., 1], bias[1] = 0, 4.0
    model.get_layer("stem").set_weights([kernel, bias])
    return model


def dead_layer() -> Any:
    """Every filter of a layer is zeros: its biases are all that the head sees."""
    model = _network(LAYERS.Conv2D(4, 1, name="dead"))
    model.get_layer("dead").set_weights(
        [np.zeros((1, 1, 4, 4), np.float32), np.array([0.1, 3.0, 0.2, 0.1], np.float32)]
    )
    return model


def dead_activation() -> Any:
    """A layer whose ReLU is 0 on every image: the bias of the next one decides."""
    model = _network(LAYERS.Conv2D(4, 1, name="silent"), LAYERS.Conv2D(4, 1, name="next"))
    kernel, bias = model.get_layer("silent").get_weights()
    model.get_layer("silent").set_weights([kernel, bias - 100])
    kernel, bias = model.get_layer("next").get_weights()
    model.get_layer("next").set_weights([kernel, np.array([0.1, 3.0, 0.2, 0.1], np.float32)])
    return model


def dead_transposed() -> Any:
    """All filters of a transposed convolution are zeros."""
    model = _network(LAYERS.Conv2DTranspose(4, 3, name="transposed"))
    model.get_layer("transposed").set_weights(
        [np.zeros((3, 3, 4, 4), np.float32), np.array([0.1, 3.0, 0.2, 0.1], np.float32)]
    )
    return model


def dead_depthwise() -> Any:
    """All filters of a depthwise convolution are zeros."""
    model = _network(LAYERS.DepthwiseConv2D(3, padding="same", name="depthwise"))
    model.get_layer("depthwise").set_weights(
        [np.zeros((3, 3, 4, 1), np.float32), np.array([0.1, 3.0, 0.2, 0.1], np.float32)]
    )
    return model


def dead_normalization() -> Any:
    """A filter of zeros before batch normalization, whose shift decides."""
    model = _network(LAYERS.Conv2D(4, 1, use_bias=False, name="dead"))
    source = model.get_layer("stem").output
    values = LAYERS.Conv2D(4, 1, use_bias=False, name="dead")(LAYERS.Activation("relu")(source))
    values = LAYERS.Activation("relu")(LAYERS.BatchNormalization(name="normalization")(values))
    logits = LAYERS.Dense(2, name="head")(LAYERS.GlobalAveragePooling2D(name="mean")(values))
    twin = tf_keras.Model(model.input, LAYERS.Softmax()(logits), name="net")
    twin.get_layer("head").set_weights(model.get_layer("head").get_weights())
    kernel = twin.get_layer("dead").get_weights()[0]
    kernel[..., 1] = 0
    twin.get_layer("dead").set_weights([kernel])
    ones = np.ones(4, np.float32)
    twin.get_layer("normalization").set_weights(
        [ones, np.array([0.1, 4.0, 0.2, 0.1], np.float32), 0 * ones, 1e-6 * ones]
    )
    return twin


def tiny_weights() -> Any:
    """Weights of 1e-9 beside a bias of 50, which in steps of their scale is more than an int32 holds."""
    model = _network(LAYERS.Conv2D(4, 1, name="tiny"))
    kernel, _ = model.get_layer("tiny").get_weights()
    model.get_layer("tiny").set_weights([kernel * 1e-9, np.array([1, 50, 2, 1], np.float32)])
    return model


def dead_head() -> Any:
    """Weights of zeros in the fully-connected layer: its bias is the answer."""
    model = _network()
    model.get_layer("head").set_weights([np.zeros((4, 2), np.float32), np.array([-1.0, 2.0], np.float32)])
    return model


NETWORKS: tuple[Callable[[], Any], ...] = (
    dead_filter,
    dead_layer,
    dead_activation,
    dead_depthwise,
    dead_normalization,
    tiny_weights,
    dead_head,
)
