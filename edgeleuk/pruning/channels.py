"""Which channels of a Keras graph can only be removed together.

Every filter of a convolution makes a channel. Depthwise convolutions, batch normalizations, pools and activations pass
a channel on; a concatenation moves it by its offset; an addition ties the channels that it sums. What remains are
groups: a filter can go only with its whole group, and a group only if nothing needs it that is not understood here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection

Groups = NDArray[np.intp]  # the group of each channel, in the order of the channels

_LAYERS = tf_keras.layers
_POOLS = (_LAYERS.MaxPooling2D, _LAYERS.AveragePooling2D, _LAYERS.GlobalMaxPooling2D, _LAYERS.GlobalAveragePooling2D)
_PASSING = (*_POOLS, AverageConvolution, BorderCorrection, _LAYERS.Dropout, _LAYERS.ZeroPadding2D)
_ACTIVATIONS = ("linear", "relu", "elu", "selu", "tanh", "swish", "gelu", "softsign")
_FUNCTIONS = tuple(getattr(tf_keras.activations, name) for name in _ACTIVATIONS)  # by element, and zero stays zero


@dataclass(frozen=True)
class Channels:
    """Groups by layer. `reads` and `makes` hold the group of each channel of a layer's input and output; layers with
    several inputs, and those that are not understood, are not in them.

    `free` is bool [groups]: whether the group may go. `fixed` names each convolution some of whose filters may not,
    and the reason.
    """

    reads: Mapping[str, Groups]
    makes: Mapping[str, Groups]
    convolutions: tuple[str, ...]
    free: NDArray[np.bool_]
    fixed: Mapping[str, str]


def find_channels(model: Any) -> Channels:
    """Trace the channels of a functional or sequential model.

    A layer that is not understood fixes all channels that reach it. Raises ModelError if a number of channels is
    not known.
    """
    tracer = _Tracer(tf_keras.Model(model.inputs, model.outputs))
    tracer.trace()
    return tracer.result()


class _Tracer:
    """Walks the graph once, in the order of computation."""

    def __init__(self, model: Any) -> None:
        self._nodes = list(applications(model))
        self._uses = Counter(node.layer.name for node in self._nodes)
        self._outputs = model.outputs
        self._parents: list[int] = []  # union-find over groups
        self._reasons: dict[int, str] = {}  # group: why it is fixed
        self._channels: dict[int, list[int]] = {}  # tensor's id: its groups
        self._reads: dict[str, list[int]] = {}
        self._makes: dict[str, list[int]] = {}
        self._convolutions: list[str] = []
        self._refused: dict[str, str] = {}  # convolutions that are not understood

    def trace(self) -> None:
        """Follow every channel to the outputs."""
        for node in self._nodes:
            self._enter(node)
        for tensor in self._outputs:
            self._fix(self._channels[id(tensor)], "they are the output of the network")

    def result(self) -> Channels:
        """The groups, numbered without gaps."""
        roots = [self._root(group) for group in range(len(self._parents))]
        _, numbers = np.unique(roots, return_inverse=True)
        free = np.ones(numbers.max(initial=-1) + 1, bool)
        reasons: dict[int, str] = {}
        for group, reason in self._reasons.items():
            free[numbers[group]] = False
            reasons.setdefault(int(numbers[group]), reason)
        reads, makes = (
            {name: numbers[groups].astype(np.intp) for name, groups in found.items()}
            for found in (self._reads, self._makes)
        )
        fixed = {
            name: next(reasons[int(group)] for group in makes[name] if not free[group])
            for name in self._convolutions
            if not free[makes[name]].all()
        }
        return Channels(reads, makes, tuple(self._convolutions), free, fixed | self._refused)

    def _enter(self, node: Any) -> None:
        layer = node.layer
        inputs = [self._channels[id(tensor)] for tensor in node.keras_inputs]
        reason = self._why_not(layer, node)
        if reason:
            for groups in inputs:
                self._fix(groups, reason)
            if isinstance(layer, _LAYERS.Conv2D):
                self._refused[layer.name] = reason
            made = [self._new_fixed(tensor, layer) for tensor in tf.nest.flatten(node.outputs)]
        else:
            made = [self._pass_on(layer, inputs)]
            if len(inputs) == 1:
                self._reads[layer.name], self._makes[layer.name] = inputs[0], made[0]
        for tensor, groups in zip(tf.nest.flatten(node.outputs), made, strict=True):
            self._channels[id(tensor)] = groups

    def _why_not(self, layer: Any, node: Any) -> str:
        if self._uses[layer.name] > 1:
            return f"{layer.name} is applied {self._uses[layer.name]} times"
        if type(layer) is _LAYERS.Add and len({tuple(tensor.shape) for tensor in node.keras_inputs}) > 1:
            return f"{layer.name} adds tensors of different shapes"
        return _why_not_understood(layer, node.keras_inputs)

    def _pass_on(self, layer: Any, inputs: list[list[int]]) -> list[int]:
        """The groups of the output of a layer that is understood."""
        kind = type(layer)
        if kind is _LAYERS.Conv2D:
            self._convolutions.append(layer.name)
            return self._new(layer.filters)
        if kind is _LAYERS.Dense:
            made = self._new(layer.units)
            self._fix(made, f"they are the units of the dense layer {layer.name}")
            return made
        if kind is _LAYERS.DepthwiseConv2D:
            return [group for group in inputs[0] for _ in range(layer.depth_multiplier)]
        if kind is _LAYERS.Concatenate:
            return [group for groups in inputs for group in groups]
        for groups in inputs[1:]:  # of an addition
            for one, other in zip(inputs[0], groups, strict=True):
                self._parents[self._root(other)] = self._root(one)
        return inputs[0]

    def _new(self, count: int) -> list[int]:
        first = len(self._parents)
        self._parents += range(first, first + count)
        return list(range(first, first + count))

    def _new_fixed(self, tensor: Any, layer: Any) -> list[int]:
        if tensor.shape.rank in (None, 0) or tensor.shape[-1] is None:
            raise ModelError(f"the number of channels that {layer.name} makes is not known, so none can be removed")
        groups = self._new(int(tensor.shape[-1]))
        self._fix(groups, f"{layer.name} ({type(layer).__name__}) makes them")
        return groups

    def _fix(self, groups: list[int], reason: str) -> None:
        for group in groups:
            self._reasons.setdefault(group, reason)

    def _root(self, group: int) -> int:
        while self._parents[group] != group:
            self._parents[group] = group = self._parents[self._parents[group]]
        return group


def applications(model: Any) -> Iterator[Any]:
    """Every application of a layer of a functional model (a Keras node), after those whose output it reads."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _why_not_understood(layer: Any, inputs: list[Any]) -> str:
    """Why the channels that reach a layer must stay; "" if it is understood."""
    kind, name = type(layer), f"{layer.name} ({type(layer).__name__})"
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        return f"{name} has the data format {layer.data_format}"
    if kind in _PASSING or kind is _LAYERS.Add:
        return ""
    if kind is _LAYERS.Conv2D and layer.groups != 1:
        return f"{name} has {layer.groups} groups"
    if kind in (_LAYERS.Conv2D, _LAYERS.DepthwiseConv2D, _LAYERS.Activation):
        known = layer.activation in _FUNCTIONS
        return "" if known else f"{name} has the activation {_name_of(layer.activation)}"
    if kind in (_LAYERS.BatchNormalization, _LAYERS.Concatenate):
        return _why_not_last_axis(layer, name, inputs[0].shape.rank)
    if kind is _LAYERS.ReLU:
        return "" if not layer.threshold else f"{name} has the threshold {layer.threshold:g}"
    if kind is _LAYERS.Dense:
        return ""
    return f"they reach {name}, a type of layer that is not understood"


def _why_not_last_axis(layer: Any, name: str, rank: int) -> str:
    axes = {axis % rank for axis in np.atleast_1d(layer.axis)}
    return "" if axes == {rank - 1} else f"{name} works along another axis than the channels"


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
