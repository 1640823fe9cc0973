"""A network of others in the form that quantization-aware training takes, with the same answers from other layers.

Activations inside layers become layers of their own, separable convolutions the two that they are, and a batch
normalization that follows no convolution, which int8 graphs could not fold, one of one weight a channel (or part of the
dense layer beside it). Batch-norm statistics do not move in quantization-aware training, so this changes nothing of
what it does.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import OUTPUT, KerasGraph
from edgeleuk.quantization.places import CONVOLUTIONS, RELU6, activation_of, refusal, refuse_unknown

_LAYERS = tf_keras.layers
_LINEAR = tf_keras.activations.linear
Weights = dict[str, list[NDArray[np.float32]]]


def normal_form(model: Any) -> Any:
    """The flat functional network in that form; the model itself stays as it is.

    Raises ModelError for a layer that cannot be trained with simulated int8 arithmetic.
    """
    graph = KerasGraph(model)
    weights: Weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    for layer in model.layers:
        _refuse(graph, layer)
        if type(layer) is _LAYERS.SeparableConv2D:
            _take_apart(graph, layer, weights)
        elif isinstance(layer, (*CONVOLUTIONS, _LAYERS.Dense)) and layer.activation is not _LINEAR:
            _split(graph, layer)
        elif type(layer) is _LAYERS.Activation and layer.activation is _LINEAR:
            graph.bypass(layer.name)
        elif type(layer) is _LAYERS.Activation and activation_of(layer) == RELU6:
            graph.replace(_LAYERS.ReLU(6.0, name=layer.name))
    normal = _built(graph, weights)
    graph = KerasGraph(normal)
    for layer in normal.layers:
        if isinstance(layer, _LAYERS.BatchNormalization):
            _settle(graph, layer, weights)
    settled = _built(graph, weights)
    for layer in settled.layers:
        refuse_unknown(layer)
    return settled


def _built(graph: KerasGraph, weights: Weights) -> Any:
    network = graph.build(keep_weights=False)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])
    return network


def _refuse(graph: KerasGraph, layer: Any) -> None:
    """Refuse by its own name what would otherwise be found in another layer that is made of it."""
    if graph.uses(layer.name) > 1 or not isinstance(layer, (*CONVOLUTIONS, _LAYERS.Dense, _LAYERS.SeparableConv2D)):
        return refuse_unknown(layer) if graph.uses(layer.name) > 1 else None
    known = (_LINEAR, tf_keras.activations.relu)
    name = getattr(layer.activation, "__name__", "")
    last = graph.readers(layer.name) == [OUTPUT] and name in ("softmax", "sigmoid")
    return None if layer.activation in known or name == "relu6" or last else refuse_unknown(layer)


def _split(graph: KerasGraph, layer: Any) -> None:
    """Give a layer's activation a place behind it."""
    name = f"{layer.name}_activation"
    graph.set(layer.name, activation="linear")
    clipped = getattr(layer.activation, "__name__", "") == RELU6
    graph.insert(
        _LAYERS.ReLU(6.0, name=name) if clipped else _LAYERS.Activation(layer.activation, name=name), layer.name
    )


def _take_apart(graph: KerasGraph, layer: Any, weights: Weights) -> None:
    """A separable convolution as a depthwise one and a 1x1 one, which keeps the name."""
    depthwise = _LAYERS.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        layer.padding,
        layer.depth_multiplier,
        dilation_rate=layer.dilation_rate,
        use_bias=False,
        name=f"{layer.name}_depthwise",
    )
    kernel, *rest = weights[layer.name]
    weights[depthwise.name], weights[layer.name] = [kernel], rest
    graph.replace(_LAYERS.Conv2D(layer.filters, 1, use_bias=layer.use_bias, name=layer.name))
    graph.insert_before(depthwise, layer.name)
    if layer.activation is not _LINEAR:
        _split(graph, layer)


def _settle(graph: KerasGraph, norm: Any, weights: Weights) -> None:
    """Keep a batch normalization that folds into the convolution before it; write any other as something that is."""
    source = graph.layer(graph.sources(norm.name)[0])
    alone = len(graph.readers(source.name)) == 1
    factor, shift = _scale_and_shift(norm, weights)
    if isinstance(source, CONVOLUTIONS) and alone:
        return
    if type(source) is _LAYERS.Dense and alone:
        _fold_backward(graph, source, norm, weights)
    elif len(norm.output_shape) == 4 and tuple(norm.axis) == (3,):
        graph.replace(_LAYERS.DepthwiseConv2D(1, name=norm.name))
        weights[norm.name] = [factor.reshape(1, 1, -1, 1), shift]
    else:
        _fold_forward(graph, norm, weights)


def _scale_and_shift(norm: Any, weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x becomes x * scale + shift, float32 [channels] each."""
    values = iter(weights[norm.name])
    gamma = next(values) if norm.scale else np.float32(1)
    beta = next(values) if norm.center else np.float32(0)
    mean, variance = values
    scale = gamma / np.sqrt(variance + np.float32(norm.epsilon))
    return scale.astype(np.float32), (beta - mean * scale).astype(np.float32)


def _fold_backward(graph: KerasGraph, dense: Any, norm: Any, weights: Weights) -> None:
    scale, shift = _scale_and_shift(norm, weights)
    kernel, *bias = weights[dense.name]
    weights[dense.name] = [kernel * scale, shift + (bias[0] * scale if bias else 0)]
    graph.set(dense.name, use_bias=True)
    graph.bypass(norm.name)


def _fold_forward(graph: KerasGraph, norm: Any, weights: Weights) -> None:
    """Into the dense layer that alone reads it, through dropout. Raises ModelError if there is none."""
    reader = graph.only_reader(norm.name)
    while isinstance(reader, _LAYERS.Dropout):
        reader = graph.only_reader(reader.name)
    if type(reader) is not _LAYERS.Dense:
        raise refusal(norm, "is a BatchNormalization beside no convolution or dense layer")
    scale, shift = _scale_and_shift(norm, weights)
    kernel, *bias = weights[reader.name]
    weights[reader.name] = [kernel * scale[:, np.newaxis], shift @ kernel + (bias[0] if bias else 0)]
    graph.set(reader.name, use_bias=True)
    graph.bypass(norm.name)
