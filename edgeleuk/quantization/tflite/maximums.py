"""Maximum pools whose padding is a number below all others, as PyTorch's are written: int8 has no such number.

Where what is padded is never negative, zeros do as well: exactly so, since each window holds a pixel of the map.
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
    if not never_negative(graph, source):
        return Change(name, LEFT_ALONE, "it pads a map that may be negative with a number below all others")
    where = pad.inputs[1]
    graph.remove(pad)
    graph.add("PAD", (source, where), pad.outputs[0], schema.PadOptionsT())
    return Change(name, IN_PLACE, "padded with zeros: the map is never negative")


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
