"""Statistics of batch normalization, anew."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras


def recalibrate(model: Any, batches: Iterable[NDArray[np.float32]]) -> None:
    """Set mean and variance of every batch normalization to their average over batches of images.

    A moving average lags behind the weights and remembers the last few batches; the average over many, taken with the
    weights as they ended, does not (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", 3). And with fewer channels
    to add up, what reaches a normalization is not what its statistics are of; a network that is measured with the old
    ones looks far worse than it is: Li et al. 2020, "EagleEye: Fast Sub-net Evaluation for Efficient Neural Network
    Pruning". Without batches nothing changes.
    """
    layers = [layer for layer in model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for number, images in enumerate(batches):
        for layer in layers:
            layer.momentum = number / (number + 1)  # of each batch the same share
        model(tf.constant(images), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
