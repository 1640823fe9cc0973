"""Where the int8 graph of a network rounds: which layers make a tensor of their own, and which have a kernel.

A convolution, the batch normalization behind it and the ReLU behind that are one int8 operator, and so is a sum with
its ReLU; only what comes out of the operator is rounded. Pools, padding and changes of shape keep the scale of what
they read, and a concatenation has one scale for all its inputs.
"""

from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection, ChannelScaling
from edgeleuk.quantization.scheme import LayerQuantization
from edgeleuk.quantization.toolkit import tf_keras

_LAYERS = tf_keras.layers
CONVOLUTIONS = (_LAYERS.Conv2D, _LAYERS.DepthwiseConv2D)
SAME_SCALE = (
    _LAYERS.MaxPooling2D,
    _LAYERS.AveragePooling2D,
    _LAYERS.Dropout,  # spatial ones included, which are of its kind
    _LAYERS.ZeroPadding2D,
    _LAYERS.Flatten,
    _LAYERS.Reshape,
)
_UNROUNDED = (*(kind for kind in SAME_SCALE if kind is not _LAYERS.AveragePooling2D), _LAYERS.InputLayer)
_ROUNDED = (BorderCorrection, ChannelScaling, _LAYERS.Concatenate, _LAYERS.GlobalAveragePooling2D)
RELU, RELU6, SCORES = "relu", "relu6", ("softmax", "sigmoid")


def quantization_of(layer: Any) -> LayerQuantization:
    """How one layer of a flat float network is quantized. Raises ModelError for one that has no int8 form here."""
    refuse_unknown(layer)
    if isinstance(layer, _LAYERS.DepthwiseConv2D):
        return LayerQuantization(kernel="depthwise", output=_is_rounded(layer))
    if isinstance(layer, _LAYERS.Conv2D):
        return LayerQuantization(kernel="channel", output=_is_rounded(layer))
    if isinstance(layer, _LAYERS.Dense):
        return LayerQuantization(kernel="tensor", output=_is_rounded(layer))
    if isinstance(layer, _LAYERS.AveragePooling2D):
        return LayerQuantization(output=range_source(layer) is not None)
    if isinstance(layer, _UNROUNDED) or activation_of(layer) in SCORES:
        return LayerQuantization()
    return LayerQuantization(output=_is_rounded(layer))


def refuse_unknown(layer: Any) -> None:
    """Raise ModelError for a layer that cannot be trained with simulated int8 arithmetic: its name, type and why."""
    reason = _why_not(layer)
    if reason:
        raise refusal(layer, reason)


def refusal(layer: Any, reason: str) -> ModelError:
    """The error that says which layer stands in the way, `reason` being a predicate, and what else can be done."""
    return ModelError(
        f"layer {layer.name} {reason}, for which quantization-aware training has no int8 form; 'edgeleuk convert "
        "RUN --int8' of the float run quantizes it after training instead"
    )


def _why_not(layer: Any) -> str:
    kind = type(layer).__name__
    if len(layer._inbound_nodes) > 1:
        return f"is a {kind} that is applied {len(layer._inbound_nodes)} times"
    if isinstance(layer, _LAYERS.Conv2DTranspose | _LAYERS.SeparableConv2D):
        return f"is a {kind}"
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        return f"is a {kind} of channels first"
    if isinstance(layer, CONVOLUTIONS + (_LAYERS.Dense,)):
        return "" if layer.activation is tf_keras.activations.linear else f"has the activation {_name(layer)}"
    if isinstance(layer, _LAYERS.Activation | _LAYERS.ReLU | _LAYERS.Softmax):
        found = activation_of(layer)
        if found is None:
            what = "a maximum, slope or threshold of its own" if isinstance(layer, _LAYERS.ReLU) else _name(layer)
            return f"is a {kind} of {what}"
        return f"is a {found} within the network" if found in SCORES and layer._outbound_nodes else ""
    known = (*SAME_SCALE, *_UNROUNDED, *_ROUNDED, _LAYERS.Add, _LAYERS.BatchNormalization, AverageConvolution)
    return "" if isinstance(layer, known) else f"is a {kind}"


def activation_of(layer: Any) -> str | None:
    """What an activation layer computes: "relu", "relu6", "softmax" or "sigmoid"; None if it is another, or none."""
    if isinstance(layer, _LAYERS.Softmax):
        return SCORES[0]
    if isinstance(layer, _LAYERS.ReLU):
        if layer.negative_slope or layer.threshold:
            return None
        return RELU if layer.max_value is None else RELU6 if float(layer.max_value) == 6.0 else None
    name = _name(layer) if isinstance(layer, _LAYERS.Activation) else None
    return name if name in (RELU, RELU6, *SCORES) else None


def _name(layer: Any) -> str:
    return str(getattr(layer.activation, "__name__", type(layer.activation).__name__))


def _is_rounded(layer: Any) -> bool:
    """Whether its output is a tensor with a range of its own: not if the next layer is part of the same operator."""
    readers = [node.outbound_layer for node in layer._outbound_nodes]
    # An int8 concatenation needs one scale for all its inputs: its own output's.
    if readers and all(isinstance(reader, _LAYERS.Concatenate) for reader in readers):
        return False
    return not (len(readers) == 1 and _is_fused(layer, readers[0]))


def _is_fused(layer: Any, reader: Any) -> bool:
    if isinstance(layer, CONVOLUTIONS + (_LAYERS.Dense,)) and isinstance(reader, _LAYERS.BatchNormalization):
        return True
    fusing = (*CONVOLUTIONS, _LAYERS.Dense, _LAYERS.BatchNormalization, _LAYERS.Add, AverageConvolution)
    return isinstance(layer, fusing) and activation_of(reader) in (RELU, RELU6)


def range_source(pool: Any) -> str | None:
    """Name of the layer whose range an average pool keeps; None if that has none of its own."""
    source = pool.input._keras_history.layer
    while isinstance(source, SAME_SCALE):
        source = source.input._keras_history.layer
    return source.name if quantization_of(source).output else None
