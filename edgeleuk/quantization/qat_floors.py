"""The floors of `edgeleuk.quantization.floors` for the ranges that a quantization-aware network carries."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.quantization.floors import bias_floor, dead_floor, wide_enough
from edgeleuk.quantization.toolkit import QuantizeLayer, tf_keras

_LAYERS = tf_keras.layers


def widen_ranges(quantized: Any) -> None:
    """Widen, in place, the ranges that are too narrow to convert: of constant outputs, and of filters beside a bias.

    What was wide enough stays as it was trained. The network's own answers change by no more than the int8 file's do.
    """
    for layer in quantized.layers:
        output = _range(layer)
        if output is not None:
            low, high = output
            for variable, value in zip((low, high), wide_enough(_number(low), _number(high)), strict=True):
                variable.assign(value)
    for layer in quantized.layers:
        if isinstance(getattr(layer, "layer", None), _LAYERS.Conv2D | _LAYERS.DepthwiseConv2D | _LAYERS.Dense):
            _widen_kernel(layer)


def _number(variable: Any) -> float:
    return float(variable.numpy())


def _widen_kernel(wrapper: Any) -> None:
    """One range an output channel of a convolution, one for all of a dense layer."""
    found = _variables(wrapper)
    name = "depthwise_kernel" if "depthwise_kernel_min" in found else "kernel"
    if f"{name}_min" not in found:
        return
    low, high = found[f"{name}_min"], found[f"{name}_max"]
    bounds = np.maximum(np.abs(low.numpy()), np.abs(high.numpy()))
    floor = np.maximum(dead_floor(bounds), _needed(wrapper, bounds.shape))
    if (floor > bounds).any():
        wide = np.maximum(bounds, floor).astype(np.float32)
        low.assign(-wide)
        high.assign(wide)


def _needed(wrapper: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """The range in whose steps the bias fits, of a channel or of all."""
    source = _input_range(wrapper)
    if source is None:
        return np.zeros(shape)
    bias, factor = _folded(wrapper)
    needed = bias_floor(bias / np.maximum(np.abs(factor), np.finfo(np.float32).tiny), *source)
    return needed if shape else needed.max()


def _folded(wrapper: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """The bias of each output with the batch normalization behind it folded in, and what that multiplies weights by."""
    layer = wrapper.layer
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(1, np.float32)
    readers = [getattr(node.outbound_layer, "layer", None) for node in wrapper._outbound_nodes]
    if len(readers) != 1 or not isinstance(readers[0], _LAYERS.BatchNormalization):
        return bias, np.ones(1, np.float32)
    norm = readers[0]
    factor = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    factor = factor * norm.gamma.numpy() if norm.scale else factor
    shift = norm.beta.numpy() if norm.center else 0.0
    return shift + (bias - norm.moving_mean.numpy()) * factor, factor


def _input_range(wrapper: Any) -> tuple[float, float] | None:
    """The range of what a layer reads: of the nearest layer before it that has one; None if they are several."""
    tensor = wrapper.input
    while not isinstance(tensor, list):
        source = tensor._keras_history.layer
        found = _range(source)
        if found is not None:
            return _number(found[0]), _number(found[1])
        if isinstance(source, _LAYERS.InputLayer):
            return None
        tensor = source.input
    return None


def _range(layer: Any) -> tuple[Any, Any] | None:
    """The variables of a layer's output range, if it has one."""
    found = _variables(layer)
    name = layer.name if isinstance(layer, QuantizeLayer) else "output"
    return (found[f"{name}_min"], found[f"{name}_max"]) if f"{name}_min" in found else None


def _variables(layer: Any) -> dict[str, Any]:
    return {weight.name.split("/")[-1].split(":")[0]: weight for weight in layer.weights}
