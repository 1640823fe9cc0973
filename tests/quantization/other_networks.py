"""Tiny networks of the kinds that people bring: residual, depthwise, densely connected; batch norms are disturbed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.quantization.toolkit import tf_keras

LAYERS = tf_keras.layers
SIZE = 32


def images(count: int = 24, seed: int = 1) -> NDArray[np.float32]:
    """float32 [count, SIZE, SIZE, 3] on the int8 grid: noise about colours that differ."""
    random = np.random.default_rng(seed)
    drawn = 128 + random.normal(0, 60, (count, 1, 1, 3)) + random.normal(0, 20, (count, SIZE, SIZE, 3))
    return ((np.clip(drawn, 0, 255).round() - 128) / 127.5).astype(np.float32)


def mobile() -> Any:
    """As MobileNetV2: an inverted residual block, ReLU6, a padded depthwise convolution of stride 2."""
    source = tf_keras.Input((SIZE, SIZE, 3))
    x = _normal(LAYERS.Conv2D(16, 3, strides=2, padding="same", use_bias=False), source, 6.0)
    y = _normal(LAYERS.Conv2D(32, 1, use_bias=False), x, 6.0)
    y = _normal(LAYERS.DepthwiseConv2D(3, padding="same", use_bias=False), y, 6.0)
    x = LAYERS.Add(name="sum")([x, _normal(LAYERS.Conv2D(16, 1, use_bias=False), y)])
    x = LAYERS.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = _normal(LAYERS.DepthwiseConv2D(3, strides=2, use_bias=False), x, 6.0)
    x = LAYERS.Dropout(0.2)(LAYERS.GlobalAveragePooling2D(keepdims=True)(x))
    return _ended(source, LAYERS.Reshape((3,))(LAYERS.Conv2D(3, 1)(x)), LAYERS.Activation("softmax"))


def residual() -> Any:
    """As ResNet: padding before the first convolution and its pool, a projected shortcut, ReLU behind the sum."""
    source = tf_keras.Input((SIZE, SIZE, 3))
    x = _normal(LAYERS.Conv2D(16, 7, strides=2), LAYERS.ZeroPadding2D(3)(source), None)
    x = LAYERS.MaxPooling2D(3, 2)(LAYERS.ZeroPadding2D(1)(x))
    shortcut = _normal(LAYERS.Conv2D(32, 1), x)
    y = _normal(LAYERS.Conv2D(32, 3, padding="same"), x, None)
    x = LAYERS.Activation("relu")(LAYERS.Add()([shortcut, _normal(LAYERS.Conv2D(32, 1), y)]))
    return _ended(source, LAYERS.Dense(3, activation="softmax")(LAYERS.GlobalAveragePooling2D()(x)))


def dense() -> Any:
    """As DenseNet: normalization before convolution, all is concatenated; two average pools, a normalized head."""
    source = tf_keras.Input((SIZE, SIZE, 3))
    x = LAYERS.Conv2D(8, 3, activation="relu")(source)
    for _ in range(2):
        y = LAYERS.Activation("relu")(LAYERS.BatchNormalization()(x))
        x = LAYERS.Concatenate()([x, LAYERS.SeparableConv2D(8, 3, padding="same", activation="relu")(y)])
    x = LAYERS.AveragePooling2D(3, 1, "same")(LAYERS.AveragePooling2D(2)(x))
    x = LAYERS.Dropout(0.2)(LAYERS.BatchNormalization()(LAYERS.GlobalAveragePooling2D()(x)))
    x = LAYERS.Activation("relu")(LAYERS.BatchNormalization()(LAYERS.Dense(16)(x)))
    return _ended(source, LAYERS.Dense(3)(x), LAYERS.Activation("linear"), LAYERS.Softmax())


def _normal(convolution: Any, source: Any, clip: Any = "") -> Any:
    """Convolution and batch normalization; a ReLU unless `clip` is ""."""
    found = LAYERS.BatchNormalization()(convolution(source))
    return found if clip == "" else LAYERS.ReLU(clip)(found)


def _ended(source: Any, scores: Any, *last: Any) -> Any:
    for layer in last:
        scores = layer(scores)
    model = tf_keras.Model(source, scores)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, LAYERS.BatchNormalization):
            count = layer.gamma.shape[0]
            values = random.uniform(0.5, 1.5, count), random.normal(0, 0.3, count)
            layer.set_weights([*values, np.zeros(count), np.ones(count)])
    return model
