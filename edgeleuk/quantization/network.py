"""A float network made quantization-aware: annotated, wrapped, and given calibrated ranges before the first step."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection, ChannelScaling
from edgeleuk.quantization.places import CONVOLUTIONS, SAME_SCALE, quantization_of, range_source
from edgeleuk.quantization.scheme import CalibratedQuantizer, QuantizedInput, QuantizedLayer
from edgeleuk.quantization.toolkit import QuantizeLayer, tf, tf_keras

Ranges = dict[str, tuple[float, float]]  # layer name: least and greatest output
_PREFIX, _INPUT = "quant_", "quantize_layer"  # names as tfmot gives them
_LAYERS = tf_keras.layers
_CONSTANT = (AverageConvolution, BorderCorrection, ChannelScaling)  # layers whose constants are put on a grid


def quantize_network(model: Any) -> Any:
    """Return the quantization-aware twin of a flat float network, its ranges not yet set.

    Every layer keeps its name with the prefix "quant_" and its inputs in their order. Raises ModelError for a layer
    type that has no place in the scheme.
    """
    numbers = itertools.count(1)
    source = model.input._keras_history.layer
    image = type(source).from_config(source.get_config()).output
    made = {model.input.ref(): QuantizedInput(CalibratedQuantizer(), name=_INPUT)(image)}
    for layer in model.layers:
        if layer is not source:
            wrapper, settings = _wrapped(layer, numbers), layer._inbound_nodes[0].call_kwargs
            read = tf.nest.map_structure(lambda tensor: made[tensor.ref()], layer.input)
            made[layer.output.ref()] = wrapper(read, **settings)
    quantized = tf_keras.Model(image, made[model.output.ref()], name=model.name)
    _check_concatenations(model, quantized)
    return quantized


def _wrapped(layer: Any, numbers: Iterator[int]) -> Any:
    """A copy of a layer with its weights, within what rounds as its configuration says.

    `tfmot.quantize_apply` ends with the same wrappers, after it has built the whole network five times.
    """
    how = quantization_of(layer)
    constant = {"quantized": next(numbers)} if isinstance(layer, _CONSTANT) else {}
    twin = layer.__class__.from_config(layer.get_config() | constant)
    if layer.weights:
        with tf.name_scope(layer.name):
            twin.build(layer.input_shape)
        twin.set_weights(layer.get_weights())
    return QuantizedLayer(twin, how, name_prefix=_PREFIX)


def _check_concatenations(model: Any, quantized: Any) -> None:
    """Raise ModelError if a concatenation's inputs are not those of the float network, in the same order."""
    for layer in model.layers:
        if isinstance(layer, _LAYERS.Concatenate):
            expected = [_PREFIX + name for name in _input_names(layer)]
            found = _input_names(quantized.get_layer(_PREFIX + layer.name))
            if found != expected:
                raise ModelError(f"inputs of {layer.name} are {found} after quantization, expected {expected}")


def _input_names(layer: Any) -> list[str]:
    return [tensor._keras_history.layer.name for tensor in tf.nest.flatten(layer.input)]


def quantized_outputs(model: Any) -> list[str]:
    """Names of the float network's layers whose output has a range of its own."""
    pools = _LAYERS.AveragePooling2D
    return [layer.name for layer in model.layers if not isinstance(layer, pools) and quantization_of(layer).output]


def measure_ranges(model: Any, batches: Iterable[NDArray[np.float32]]) -> Ranges:
    """Least and greatest value of each quantized output over batches of images [batch, size, size, 3]."""
    names = quantized_outputs(model)
    probe = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])

    @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)])
    def extremes(images: Any) -> Any:
        return tf.stack(
            [(tf.reduce_min(out), tf.reduce_max(out)) for out in tf.nest.flatten(probe(images, training=False))]
        )

    measured = np.stack([extremes(tf.constant(images)).numpy() for images in batches])
    lows, highs = measured[..., 0].min(axis=0), measured[..., 1].max(axis=0)
    return {name: (float(low), float(high)) for name, low, high in zip(names, lows, highs, strict=True)}


def share_ranges(model: Any, ranges: Ranges) -> Ranges:
    """Give what a pool carries into a concatenation the range of that concatenation, and the other way round.

    Pools and concatenations keep their input's scale, so without this the int8 graph rescales between the two. Average
    pools are added with the range of what they read.
    """
    shared = dict(ranges)
    for members in _joined(model, ranges):
        low = min(ranges[name][0] for name in members)
        high = max(ranges[name][1] for name in members)
        shared.update(dict.fromkeys(members, (low, high)))
    pools = (layer for layer in model.layers if isinstance(layer, _LAYERS.AveragePooling2D))
    return shared | {pool.name: shared[source] for pool in pools if (source := range_source(pool))}


def _joined(model: Any, ranges: Ranges) -> list[set[str]]:
    """Names of layers whose outputs must have one range: each concatenation with what is carried into it."""
    groups: list[set[str]] = []
    for layer in model.layers:
        if isinstance(layer, _LAYERS.Concatenate) and layer.name in ranges:
            members = {layer.name, *_carried(layer, ranges)}
            members = members.union(*(group for group in groups if group & members))
            groups = [group for group in groups if not group & members] + [members]
    return groups


def _carried(layer: Any, ranges: Ranges) -> list[str]:
    """Names of the layers with a range whose output reaches `layer` through nothing but scale-keeping layers."""
    found = []
    for source in (tensor._keras_history.layer for tensor in tf.nest.flatten(layer.input)):
        if source.name in ranges:
            found.append(source.name)
        elif isinstance(source, (*SAME_SCALE, _LAYERS.Concatenate)):
            found += _carried(source, ranges)
    return found


def set_ranges(quantized: Any, ranges: Ranges, input_range: tuple[float, float]) -> None:
    """Set the range of the input exactly, of every output from `ranges`, of every kernel from its own values."""
    for layer in quantized.layers:
        if isinstance(layer, QuantizeLayer):
            _assign(layer, layer.name, *input_range)
        elif layer.name.removeprefix(_PREFIX) in ranges:
            _assign(layer, "output", *ranges[layer.name.removeprefix(_PREFIX)])
        if isinstance(getattr(layer, "layer", None), (*CONVOLUTIONS, _LAYERS.Dense)):
            _assign_kernel(layer)


def _assign_kernel(wrapper: Any) -> None:
    """One range an output channel of a convolution, one for all of a dense layer."""
    # The wrapper has put the fake-quantized tensor in place of layer.kernel; the variable is among its weights.
    kernel = next(weight for weight in wrapper.trainable_weights if "kernel" in weight.name)
    found = np.abs(kernel.numpy())
    if isinstance(wrapper.layer, _LAYERS.DepthwiseConv2D):
        _assign(wrapper, "depthwise_kernel", *_both(found.max(axis=(0, 1)).reshape(-1)))
    else:
        _assign(wrapper, "kernel", *_both(found.max(axis=None if found.ndim == 2 else (0, 1, 2))))


def _both(largest: Any) -> tuple[Any, Any]:
    return -largest, largest


def _assign(layer: Any, name: str, low: Any, high: Any) -> None:
    found = {weight.name.split("/")[-1].split(":")[0]: weight for weight in layer.weights}
    found[f"{name}_min"].assign(low)
    found[f"{name}_max"].assign(high)
