"""Maximum pools whose padding is a number below all others, as PyTorch's are written: int8 has no such number.

What is padded otherwise may change nothing, either: what SAME leaves out; zeros, where no number of the map is
negative; or the map's own edge once more, which each window that reaches over it holds anyway.
"""

from typing import Any

import numpy as np

from edgeleuk.keras.rewrite import IN_PLACE, LEFT_ALONE, Change
from edgeleuk.quantization.layers import layer_name
from edgeleuk.quantization.tflite.graph import SAME, TfliteGraph, schema
from edgeleuk.quantization.tflite.pools import same_pads

_LOWEST = -1e30
_ACTIVATIONS = schema.ActivationFunctionType
_NOT_NEGATIVE = (_ACTIVATIONS.RELU, _ACTIVATIONS.RELU6)
_KINDS = ("RELU", "RELU6", "RELU_0_TO_1", "LOGISTIC", "SOFTMAX", "ABS")
_CARRYING = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION", "RESHAPE", "TRANSPOSE", "PAD")


def rewrite_maximums(graph: TfliteGraph) -> list[Change]:
    """Give such pools another padding that changes nothing; what became of each."""
    return [
        _rewrite(graph, pad, pool)
        for pad in graph.of_kind("PADV2")
        if (pool := graph.only_reader(pad.outputs[0])) is not None
        and graph.kind(pool) == "MAX_POOL_2D"
        and _pads_with_lowest(graph, pad)
    ]


def _pads_with_lowest(graph: TfliteGraph, pad: Any) -> bool:
    value, pads = graph.constant(pad.inputs[2]), graph.constant(pad.inputs[1])
    whole = pads is not None and pads.shape == (4, 2) and not pads[[0, 3]].any()
    return bool(whole and value is not None and value.size == 1 and float(value.ravel()[0]) <= _LOWEST)


def _rewrite(graph: TfliteGraph, pad: Any, pool: Any) -> Change:
    name, source, options = layer_name(graph.name(pool.outputs[0])), pad.inputs[0], pool.builtinOptions
    pads = np.asarray(graph.constant(pad.inputs[1]))[1:3].tolist()
    windows = ((options.filterHeight, options.strideH), (options.filterWidth, options.strideW))
    sizes = graph.shape(source)[1:3]
    if pads == [list(same_pads(size, *window)) for size, window in zip(sizes, windows, strict=True)]:
        pool.inputs, options.padding = [source], SAME
        return Change(name, IN_PLACE, "with SAME padding, which no maximum is taken of")
    kind, options = "PAD", schema.PadOptionsT()
    detail = "padded with zeros: the map is never negative"
    if not never_negative(graph, source):
        if any(2 * each > window for side, (window, _) in zip(pads, windows, strict=True) for each in side):
            return Change(name, LEFT_ALONE, "it pads more than half a window with a number below all others")
        kind, options, detail = "MIRROR_PAD", schema.MirrorPadOptionsT(), "padded with its own edge once more"
        options.mode = schema.MirrorPadMode.SYMMETRIC
    graph.remove(pad)
    graph.add(kind, (source, pad.inputs[1]), pad.outputs[0], options)
    return Change(name, IN_PLACE, detail)


def never_negative(graph: TfliteGraph, tensor: int) -> bool:
    """Whether a tensor's numbers are 0 or more whatever the image is."""
    maker = graph.maker(tensor)
    if maker is None:
        return False
    kind = graph.kind(maker)
    if kind in _KINDS or getattr(maker.builtinOptions, "fusedActivationFunction", 0) in _NOT_NEGATIVE:
        return True
    computed = [source for source in maker.inputs if graph.constant(source) is None]
    return kind in _CARRYING and all(never_negative(graph, source) for source in computed)
