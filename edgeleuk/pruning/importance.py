"""How much each group of channels matters to a network, by two published criteria."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.pruning.channels import Channels

_LAYERS = tf_keras.layers
_SMALLEST = 1e-7  # probability whose logarithm is taken


def bn_l1(model: Any, channels: Channels) -> NDArray[np.float64]:
    """Return float64 [groups]: L1 norm of each filter as the batch normalization behind it scales it.

        |gamma| / sqrt(variance + epsilon) * sum |w|, over the L2 norm of these within the layer

    The sum of absolute weights is the criterion of Li et al. 2017, "Pruning Filters for Efficient ConvNets"; the factor
    |gamma| that of Liu et al. 2017, "Learning Efficient Convolutional Networks through Network Slimming" (1 if the
    normalization has none, as in InceptionV3); dividing by the layer's norm makes layers comparable, Molchanov et al.
    2017, "Pruning Convolutional Neural Networks for Resource Efficient Inference", sec. 2.2. Filters that stand or fall
    together add up.
    """
    graph = KerasGraph(model)
    importance = np.zeros(len(channels.free))
    for name in channels.convolutions:
        kernel = model.get_layer(name).get_weights()[0]
        norms = np.abs(kernel.astype(np.float64)).sum(axis=(0, 1, 2)) * _scale(graph.only_reader(name))
        length = np.sqrt((norms**2).sum())
        np.add.at(importance, channels.makes[name], norms / length if length else norms)
    return importance


def _scale(layer: Any) -> NDArray[np.float64] | float:
    """By how much a batch normalization multiplies each channel; 1 for any other layer."""
    if type(layer) is not _LAYERS.BatchNormalization:
        return 1.0
    gamma = layer.gamma.numpy() if layer.scale else 1.0
    return np.asarray(np.abs(gamma) / np.sqrt(layer.moving_variance.numpy().astype(np.float64) + layer.epsilon))


def taylor(
    model: Any, channels: Channels, batches: Iterable[tuple[Any, Any]], class_weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return float64 [groups]: mean over images of (sum of a * dL/da over a group's pixels)^2.

    First order of what the loss L, cross-entropy weighted by class, would change by if the channel's values a were 0:
    Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", the first-order criterion with gates
    behind batch normalization; here squared for each image instead of each batch, so that it does not depend on the
    size of a batch. Filters that stand or fall together add up before squaring. `batches` are images
    [batch, size, size, 3] with class numbers [batch].
    """
    graph = KerasGraph(model)
    names = [_gate(graph, name) for name in channels.convolutions]
    probe = tf_keras.Model(model.inputs, [*(model.get_layer(name).output for name in names), *model.outputs])

    @tf.function(reduce_retracing=True)
    def changes(images: Any, labels: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            *gates, probabilities = probe(images, training=False)
            chosen = tf.gather(probabilities, labels, axis=1, batch_dims=1)
            loss = -tf.reduce_sum(weights * tf.math.log(tf.maximum(chosen, _SMALLEST)))
        slopes = tape.gradient(loss, gates, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return tf.concat(
            [tf.reduce_sum(a * slope, axis=(1, 2)) for a, slope in zip(gates, slopes, strict=True)], axis=1
        )

    groups = np.concatenate([channels.makes[name] for name in channels.convolutions])
    total, images_seen = np.zeros(len(channels.free)), 0
    for images, labels in batches:
        weights = class_weights[labels].astype(np.float32)
        found = changes(tf.constant(images), tf.constant(labels), tf.constant(weights)).numpy().astype(np.float64)
        joint = np.zeros((len(channels.free), len(images)))
        np.add.at(joint, groups, found.T)
        total += (joint**2).sum(axis=1)
        images_seen += len(images)
    return total / max(1, images_seen)


def _gate(graph: KerasGraph, convolution: str) -> str:
    """The layer behind which a filter's channel is switched off: its batch normalization, else itself."""
    reader = graph.only_reader(convolution)
    return str(reader.name) if type(reader) is _LAYERS.BatchNormalization else convolution
