"""Average pools of a .tflite as depthwise convolutions, for which XNNPACK has an int8 kernel; see docs/design.md.

An average pool whose padding counts, as PyTorch's does by default, is PAD and a pool without padding: a convolution
with padding is exactly that. Of one whose padding does not count, the border is corrected as in Keras graphs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeleuk.keras.layers import window_shares
from edgeleuk.keras.rewrite import IN_PLACE, LEFT_ALONE, MOVED, Change
from edgeleuk.quantization.layers import layer_name
from edgeleuk.quantization.tflite.graph import NO_ACTIVATION, RELU, SAME, VALID, TfliteGraph, schema

Pads = tuple[tuple[int, int], tuple[int, int]]  # (before, behind) of rows and of columns


@dataclass(frozen=True)
class _Pool:
    """What a pool reads, past its PAD if there is one, and how."""

    operator: Any
    source: int
    pads: Pads
    window: tuple[int, int]
    stride: int
    same: bool
    activation: int

    @property
    def target(self) -> int:
        """The tensor that it computes."""
        return int(self.operator.outputs[0])


def rewrite_pools(graph: TfliteGraph) -> list[Change]:
    """Rewrite each AVERAGE_POOL_2D, or leave it alone; what became of each."""
    return [_rewrite(graph, operator) for operator in graph.of_kind("AVERAGE_POOL_2D")]


def _rewrite(graph: TfliteGraph, operator: Any) -> Change:
    name = layer_name(graph.name(operator.outputs[0]))
    options = operator.builtinOptions
    if _covers_the_map(graph, operator):
        _as_mean(graph, operator)
        return Change(name, IN_PLACE, "as a mean: its window is the whole map")
    if options.strideH != options.strideW:
        strides = (options.strideH, options.strideW)
        return Change(name, LEFT_ALONE, f"its strides {strides} differ, which a depthwise convolution does not allow")
    pool = _understood(graph, operator)
    reason, follower = _why_in_place(graph, pool)
    graph.remove(operator)
    if follower is None:
        _in_place(graph, pool)
        return Change(name, IN_PLACE, reason)
    behind = layer_name(graph.name(follower.outputs[0]))
    channels, fewer = graph.shape(pool.source)[3], graph.shape(follower.outputs[0])[3]
    _behind(graph, pool, follower)
    return Change(name, MOVED, f"behind {behind}: {fewer} channels instead of {channels}")


def _covers_the_map(graph: TfliteGraph, operator: Any) -> bool:
    options = operator.builtinOptions
    window = (options.filterHeight, options.filterWidth)
    whole = window == graph.shape(operator.inputs[0])[1:3] and options.padding == VALID
    return bool(whole and options.fusedActivationFunction == NO_ACTIVATION)


def _as_mean(graph: TfliteGraph, operator: Any) -> None:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    axes = graph.add_constant(f"{graph.name(operator.outputs[0])}/axes", np.array([1, 2], np.int32))
    graph.remove(operator)
    graph.add("MEAN", (operator.inputs[0], axes), operator.outputs[0], options)


def _understood(graph: TfliteGraph, operator: Any) -> _Pool:
    options = operator.builtinOptions
    source, pads, same = operator.inputs[0], ((0, 0), (0, 0)), options.padding == SAME
    before = graph.maker(source)
    counted = None if same or before is None else counted_pads(graph, before)
    if before is not None and counted is not None:
        source, pads = before.inputs[0], counted
    window = (options.filterHeight, options.filterWidth)
    return _Pool(operator, source, pads, window, options.strideH, same, options.fusedActivationFunction)


def counted_pads(graph: TfliteGraph, operator: Any) -> Pads | None:
    """Zeros that a PAD puts around the map; None if it is none, or pads otherwise."""
    kind = graph.kind(operator)
    if kind not in ("PAD", "PADV2"):
        return None
    value = graph.constant(operator.inputs[2]) if kind == "PADV2" else np.zeros(1)
    pads = graph.constant(operator.inputs[1])
    if pads is None or value is None or value.any() or pads.shape != (4, 2) or pads[[0, 3]].any():
        return None
    (top, bottom), (left, right) = pads[1:3].tolist()
    return (top, bottom), (left, right)


def same_pads(size: int, window: int, stride: int) -> tuple[int, int]:
    """Pixels that TensorFlow's SAME puts before and behind: what windows lack, half of it (rounded down) before."""
    lacking = max(0, (-(-size // stride) - 1) * stride + window - size)
    return lacking // 2, lacking - lacking // 2


def _why_in_place(graph: TfliteGraph, pool: _Pool) -> tuple[str, Any | None]:
    """Why it cannot go behind the 1x1 convolution that reads it, or should not; else "" and that convolution."""
    follower = graph.only_reader(pool.target)
    if follower is None:
        return "not moved: it is not read by one operator alone", None
    name = layer_name(graph.name(follower.outputs[0]))
    weights = graph.constant(follower.inputs[1]) if graph.kind(follower) == "CONV_2D" else None
    if weights is None or weights.shape[1:3] != (1, 1) or pool.activation != NO_ACTIVATION:
        return f"not moved: {name} is no 1x1 convolution", None
    options = follower.builtinOptions
    if (options.strideH, options.strideW) != (1, 1):
        return f"not moved: {name} has strides {(options.strideH, options.strideW)}", None
    if pool.stride != 1:
        return f"not moved: it leaves {name} fewer pixels", None
    if weights.shape[0] >= weights.shape[3]:
        return f"not moved: {name} makes {weights.shape[3]} channels {weights.shape[0]}, not fewer", None
    return "", follower


def _in_place(graph: TfliteGraph, pool: _Pool) -> None:
    border = _border(graph, pool)
    if border is None:
        _average(graph, pool, pool.source, pool.target, pool.activation)
        return
    inner = graph.add_tensor(f"{graph.name(pool.target)}/sums", graph.shape(pool.target))
    _average(graph, pool, pool.source, inner, NO_ACTIVATION)
    _multiply(graph, inner, border, pool.target, pool.activation)


def _behind(graph: TfliteGraph, pool: _Pool, follower: Any) -> None:
    """Convolve first, then average. Where padding counts, the bias comes behind the average, as it has no padding."""
    target, activation = follower.outputs[0], follower.builtinOptions.fusedActivationFunction
    channels = graph.shape(target)[3]
    name = graph.name(target)
    linear = graph.add_tensor(f"{name}/linear", (*graph.shape(pool.source)[:3], channels))
    follower.inputs[0], follower.outputs = pool.source, [linear]
    follower.builtinOptions.fusedActivationFunction = NO_ACTIVATION
    follower.builtinOptions.padding = VALID
    border = _border(graph, pool)
    if border is None:
        bias = follower.inputs[2] if len(follower.inputs) > 2 else -1
        if bias >= 0:
            follower.inputs[2] = graph.add_constant(f"{name}/no_bias", np.zeros(channels, np.float32))
        _average(graph, pool, linear, target, activation, bias)
        return
    # A plain ReLU commutes with a positive factor, and the convolution keeps it fused.
    first, second = (activation, NO_ACTIVATION) if activation == RELU else (NO_ACTIVATION, activation)
    sums = graph.add_tensor(f"{name}/sums", graph.shape(target))
    _average(graph, pool, linear, sums, first)
    _multiply(graph, sums, border, target, second)


def _average(graph: TfliteGraph, pool: _Pool, source: int, target: int, activation: int, bias: int = -1) -> None:
    channels, name = graph.shape(source)[3], graph.name(target)
    height, width = pool.window
    share = np.full((1, height, width, channels), 1 / (height * width), np.float32)
    if bias < 0:
        bias = graph.add_constant(f"{name}/average_bias", np.zeros(channels, np.float32))
    source, same = _padded(graph, pool, source)
    options = schema.DepthwiseConv2DOptionsT()
    options.padding, options.depthMultiplier = SAME if same else VALID, 1
    options.strideH = options.strideW = pool.stride
    options.fusedActivationFunction = activation
    weights = graph.add_constant(f"{name}/average", share)
    graph.add("DEPTHWISE_CONV_2D", (source, weights, bias), target, options)


def _padded(graph: TfliteGraph, pool: _Pool, source: int) -> tuple[int, bool]:
    """The tensor to convolve, and whether the convolution pads it: SAME, or zeros that amount to that."""
    if pool.same or not any(map(any, pool.pads)):
        return source, pool.same
    _, height, width, channels = graph.shape(source)
    sizes = zip((height, width), pool.window, strict=True)
    if pool.pads == tuple(same_pads(size, window, pool.stride) for size, window in sizes):
        return source, True
    (top, bottom), (left, right) = pool.pads
    padded = graph.add_tensor(
        f"{graph.name(source)}/padded", (1, top + height + bottom, left + width + right, channels)
    )
    pads = np.array([(0, 0), *pool.pads, (0, 0)], np.int32)
    where = graph.add_constant(f"{graph.name(source)}/pads", pads)
    graph.add("PAD", (source, where), padded, schema.PadOptionsT())
    return padded, False


def _border(graph: TfliteGraph, pool: _Pool) -> int | None:
    """Position of the factors [1, h, w, 1] that take padding out of the divisor; None if there is none in it."""
    if not pool.same:
        return None
    _, height, width, _ = graph.shape(pool.source)
    down, across = (
        window_shares(size, window, pool.stride) for size, window in zip((height, width), pool.window, strict=True)
    )
    factors = (1 / np.outer(down, across)).astype(np.float32)[np.newaxis, :, :, np.newaxis]
    return None if (factors == 1).all() else graph.add_constant(f"{graph.name(pool.target)}/border", factors)


def _multiply(graph: TfliteGraph, source: int, factors: int, target: int, activation: int) -> None:
    options = schema.MulOptionsT()
    options.fusedActivationFunction = activation
    graph.add("MUL", (source, factors), target, options)
