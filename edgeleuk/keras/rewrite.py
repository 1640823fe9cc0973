"""Rewriting a Keras graph so that the int8 delegate runs it in one piece.

Which of its average pools become depthwise convolutions, where they go, and why not further: XNNPACK takes
AVERAGE_POOL_2D in float only, so each one cuts an int8 graph in two. A depthwise convolution with equal weights is the
same average, and commutes with what a 1x1 convolution, its bias and a batch normalization do to a pixel: behind them it
has fewer channels to work on.

Windows that reach over the border are corrected by a constant factor for each pixel of the map, exact in float and (for
3x3) on the int8 grid. Networks are trained with average pools as they stand, and rewritten when they are quantized.
Why, what that costs, and what was measured and left out: docs/design.md, "Average pools are rewritten after training".
"""

from dataclasses import dataclass
from typing import Any

from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import OUTPUT, KerasGraph
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection

MOVED, IN_PLACE, LEFT_ALONE = "moved", "in place", "left alone"
_LAYERS = tf_keras.layers
_RELU = tf_keras.activations.relu
_LINEAR = tf_keras.activations.linear


@dataclass(frozen=True)
class Change:
    """What became of a layer that matched, at least in part: `detail` says where it went, or why no further."""

    layer: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class Rewriting:
    """A rewritten network with the weights of the old one, and what became of each layer that matched."""

    network: Any
    changes: tuple[Change, ...]


def rewrite(model: Any, exact_border: bool = True) -> Rewriting:
    """Turn the average pools of a functional model into depthwise convolutions; the model itself stays as it is.

    The answers are those of the model up to float rounding. Without `exact_border`, windows with padding average over
    the padding, too, which is cheaper and what a network can be trained with. Raises ModelError if the network
    cannot be rebuilt.
    """
    graph = KerasGraph(model)
    changes = rewrite_graph(graph, exact_border)
    changed = any(change.outcome != LEFT_ALONE for change in changes)
    return Rewriting(graph.build() if changed else model, changes)


def rewrite_graph(graph: KerasGraph, exact_border: bool = True) -> tuple[Change, ...]:
    """The same in a graph that is not built yet."""
    layers = graph.model.layers
    pools = [layer for layer in layers if type(layer) is tf_keras.layers.AveragePooling2D]
    changes = [rewrite_pool(graph, pool, exact_border) for pool in pools]
    return (*changes, *(change for layer in layers for change in _nested(layer)))


def _nested(layer: Any) -> list[Change]:
    if not isinstance(layer, tf_keras.Model):
        return []
    inner = (each for each in layer.submodules if type(each) is tf_keras.layers.AveragePooling2D)
    names = sorted(each.name for each in inner)
    reason = f"a model nested in the network is not looked into, and this one holds {', '.join(names)}"
    return [Change(layer.name, LEFT_ALONE, reason)] if names else []


def rewrite_pool(graph: KerasGraph, pool: Any, exact_border: bool) -> Change:
    """Rewrite one AveragePooling2D layer of the graph, or leave it alone."""
    reason = _why_not(graph, pool, exact_border)
    if reason:
        return Change(pool.name, LEFT_ALONE, reason)
    if _covers_the_map(pool):
        graph.replace(_LAYERS.GlobalAveragePooling2D(keepdims=True, name=pool.name, dtype=_dtype(pool)))
        return Change(pool.name, IN_PLACE, "as a mean: its window is the whole map")
    reason = _why_in_place(graph, pool)
    if reason:
        graph.replace(_convolution(pool))
        _correct_border(graph, pool, pool.name, exact_border)
        return Change(pool.name, IN_PLACE, reason)
    convolution = graph.only_reader(pool.name)
    graph.bypass(pool.name)
    behind, activation = _end_of_linear_part(graph, convolution)
    if convolution.activation is not _LINEAR:
        graph.set(convolution.name, activation="linear")
        split = _LAYERS.Activation(convolution.activation, name=f"{convolution.name}_activation", dtype=_dtype(pool))
        graph.insert(split, behind)
        activation = split
    graph.insert(_convolution(pool), behind)
    last = activation.name if _activation(activation) is _RELU else pool.name
    _correct_border(graph, pool, last, exact_border)
    return Change(
        pool.name, MOVED, f"behind {behind}: {convolution.filters} channels instead of {pool.input_shape[-1]}"
    )


def _why_not(graph: KerasGraph, pool: Any, exact_border: bool) -> str:
    """Why a pool cannot become a depthwise convolution; "" if it can."""
    if graph.uses(pool.name) != 1:
        return f"it is applied {graph.uses(pool.name)} times"
    if pool.data_format != "channels_last":
        return f"its data format is {pool.data_format}; expected channels_last"
    if pool.strides[0] != pool.strides[1] and not _covers_the_map(pool):
        return f"its strides {pool.strides} differ, which a depthwise convolution does not allow"
    if pool.input_shape[-1] is None:
        return "the number of its channels is not fixed"
    if exact_border and pool.padding == "same" and None in pool.input_shape[1:3]:
        return "the size of its input is not fixed, so its border cannot be corrected"
    return ""


def _covers_the_map(pool: Any) -> bool:
    return bool(pool.padding == "valid" and pool.pool_size == pool.input_shape[1:3])


def _why_in_place(graph: KerasGraph, pool: Any) -> str:
    """Why it cannot go behind a 1x1 convolution, or should not; "" if it can."""
    readers = graph.readers(pool.name)
    if len(readers) != 1 or readers[0] == OUTPUT:
        names = ", ".join(name or "the output of the network" for name in readers)
        return f"not moved: it is read by {names}"
    follower = graph.layer(readers[0])
    if type(follower) is not _LAYERS.Conv2D or follower.kernel_size != (1, 1):
        return f"not moved: {follower.name} is no 1x1 convolution"
    if graph.uses(follower.name) != 1:
        return f"not moved: {follower.name} is applied {graph.uses(follower.name)} times"
    if follower.data_format != "channels_last" or follower.strides != (1, 1):
        return f"not moved: {follower.name} has strides {follower.strides}, data format {follower.data_format}"
    if pool.strides != (1, 1):
        return f"not moved: it leaves {follower.name} fewer pixels"
    channels = pool.input_shape[-1]
    if follower.filters >= channels:
        return f"not moved: {follower.name} makes {channels} channels {follower.filters}, not fewer"
    return ""


def _end_of_linear_part(graph: KerasGraph, convolution: Any) -> tuple[str, Any]:
    """The last layer that averages commute with, and the one that alone reads that, if any."""
    last, reader = convolution, graph.only_reader(convolution.name)
    is_last = convolution.activation is not _LINEAR
    if not is_last and type(reader) is _LAYERS.BatchNormalization and tuple(reader.axis) == (3,):
        last, reader = reader, graph.only_reader(reader.name)
    return last.name, None if is_last else reader


def _activation(layer: Any) -> Any:
    """The function of an activation layer; it may be scaled as its input is, if that is a plain ReLU."""
    if type(layer) is _LAYERS.ReLU:
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        return _RELU if plain else None
    return layer.activation if type(layer) is _LAYERS.Activation else None


def _correct_border(graph: KerasGraph, pool: Any, behind: str, exact_border: bool) -> None:
    """Behind a ReLU, with which a positive factor commutes: the convolution then keeps it fused."""
    if exact_border and pool.padding == "same":
        size = pool.input_shape[1:3]
        name = f"{pool.name}_border"
        graph.insert(BorderCorrection(size, pool.pool_size, pool.strides[0], name=name, dtype=_dtype(pool)), behind)


def _convolution(pool: Any) -> AverageConvolution:
    return AverageConvolution(pool.pool_size, pool.strides[0], pool.padding, name=pool.name, dtype=_dtype(pool))


def _dtype(layer: Any) -> Any:
    return layer.get_config()["dtype"]
