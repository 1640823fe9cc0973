"""Tiny networks for tests of mixed precision."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.quantization.toolkit import tf_keras

LAYERS = tf_keras.layers
SIZE = 24


def pixels(count: int = 40, seed: int = 0) -> list[NDArray[np.uint8]]:
    """uint8 [SIZE, SIZE, 3] each: noise of differing brightness and contrast."""
    random = np.random.default_rng(seed)
    drawn = [random.normal(random.uniform(68, 188), random.uniform(5, 60), (SIZE, SIZE, 3)) for _ in range(count)]
    return [np.clip(np.round(image), 0, 255).astype(np.uint8) for image in drawn]


def images(count: int = 40, seed: int = 0) -> list[NDArray[np.float32]]:
    """The same as float32 [1, SIZE, SIZE, 3] on the int8 grid, as the device sees them."""
    return [
        (image[np.newaxis].astype(np.float32) - np.float32(128)) / np.float32(127.5) for image in pixels(count, seed)
    ]


def lopsided(factor: float = 3000.0) -> Any:
    """A network one channel of whose "wide" is `factor` times as large as it might be, and undone by "after".

    Scaling a channel before a ReLU and the weights that read it by the reciprocal changes nothing in float (Nagel et
    al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction"), but a tensor has one scale.
    """
    tf_keras.utils.set_random_seed(1)
    source = tf_keras.Input((SIZE, SIZE, 3))
    stem = LAYERS.Conv2D(8, 3, strides=2, activation="relu", name="stem")(source)
    wide = LAYERS.Conv2D(8, 3, activation="relu", bias_initializer="random_normal", name="wide")(stem)
    after = LAYERS.Conv2D(8, 1, activation="relu", name="after")(LAYERS.MaxPooling2D(2, name="pool")(wide))
    last = LAYERS.Conv2D(8, 3, activation="relu", name="last")(after)
    pooled = LAYERS.GlobalAveragePooling2D(name="mean")(last)
    model = tf_keras.Model(source, LAYERS.Dense(2, activation="softmax", name="head")(pooled), name="net")
    kernel, bias = model.get_layer("wide").get_weights()
    readers, other = model.get_layer("after").get_weights()
    model.get_layer("wide").set_weights([kernel * _scaled(8, factor), bias * _scaled(8, factor)])
    model.get_layer("after").set_weights([readers / _scaled(8, factor)[:, None], other])
    return model


def _scaled(channels: int, factor: float) -> NDArray[np.float32]:
    return np.array([factor] + [1] * (channels - 1), np.float32)


def undecided(model: Any, seen: NDArray[np.float32]) -> Any:
    """The model with a last layer that is sure of neither class on the images it sees, and tells them well apart."""
    head = model.layers[-1]
    features = tf_keras.Model(model.input, head.input).predict_on_batch(seen)
    mean = features.mean(axis=0)
    along = head.get_weights()[0] @ [1, -1]
    along -= mean * (along @ mean) / (mean @ mean)  # what all images share says nothing, and int8 would round it
    logits = features @ along
    along, middle = along / np.std(logits), np.median(logits) / np.std(logits)
    head.set_weights([np.stack([along, -along], axis=1), np.array([-middle, middle])])
    return model
