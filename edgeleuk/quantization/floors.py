"""The least that a range may span, so that nothing is lost if weights or activations are constant.

A scale follows from a range. Of a filter of zeros it would be all but 0, and a bias, an int32 in steps of the input's
scale times the filter's, could not be written in such steps: it is cut off, and the filter's constant answer with it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.runtime.graph import Graph, Operator, read_constant

Statistics = dict[str, Any]  # "min" and "max" of a tensor, float arrays
# Steps that a bias may have: half of what int32 holds, for products of weights and inputs are added to it.
_BIAS_STEPS = 2.0**30
_WEIGHT_STEPS, _ACTIVATION_STEPS = 127, 255
_NO_WIDTH = 1e-9  # the quantizer's own least range, whose scale no kernel can work with
_WIDTH = 1.0
# Axis of the weights that has a scale each, and which inputs are what is convolved and the bias; weights are input 1.
_CHANNELS = {
    "CONV_2D": (0, 0, 2),
    "DEPTHWISE_CONV_2D": (3, 0, 2),
    "FULLY_CONNECTED": (0, 0, 2),
    "TRANSPOSE_CONV": (0, 2, 3),
}


def wide_enough(low: float, high: float) -> tuple[float, float]:
    """The range, or one of width 1 if it and 0, which every range holds, have no width: nothing but 0 was seen."""
    return (low, high) if max(high, 0.0) - min(low, 0.0) > _NO_WIDTH else (0.0, _WIDTH)


def activation_floors(ranges: Mapping[str, Statistics]) -> dict[str, Statistics]:
    """The ranges of activations, each of some width."""
    return {
        name: _widened(found) if "min" in found and found["min"].size == 1 else found for name, found in ranges.items()
    }


def _widened(found: Statistics) -> Statistics:
    low, high = wide_enough(float(found["min"].item()), float(found["max"].item()))
    return {**found, "min": np.full_like(found["min"], low), "max": np.full_like(found["max"], high)}


def weight_floors(
    graph: Graph, float_model: bytes, operators: Iterable[Operator], ranges: Mapping[str, Statistics]
) -> dict[str, Statistics]:
    """Ranges of those weights whose own are too narrow for their bias, by tensor; `ranges` are of activations.

    One range an output channel, as the quantizer has it. Others' weights keep the ranges that they have by themselves.
    """
    found: dict[str, Statistics] = {}
    for operator in operators:
        if operator.name not in _CHANNELS:
            continue
        axis, read, held = _CHANNELS[operator.name]
        source = ranges.get(graph.tensors[operator.inputs[read]].name)
        weights = read_constant(float_model, operator.inputs[1])
        if weights is None or source is None:
            continue
        bounds = np.abs(weights).max(axis=tuple(a for a in range(weights.ndim) if a != axis))
        floor = np.maximum(
            dead_floor(bounds), bias_floor(_bias_of(operator, held, float_model, len(bounds)), *_ends(source))
        )
        if (floor > bounds).any():
            shape = [1] * weights.ndim
            shape[axis] = -1
            wide = np.maximum(bounds, floor).reshape(shape).astype(np.float32)
            name = graph.tensors[operator.inputs[1]].name
            wide = np.maximum(wide, found[name]["max"]) if name in found else wide  # weights that two layers share
            found[name] = {"min": -wide, "max": wide}
    return found


def dead_floor(bounds: NDArray[Any]) -> NDArray[Any]:
    """The least range of filters whose greatest weights are `bounds`: of zeros alone, that of the widest, else 1."""
    widest = float(bounds.max())
    return np.where(bounds > _NO_WIDTH, 0.0, widest if widest > _NO_WIDTH else _WIDTH)


def _ends(source: Statistics) -> tuple[float, float]:
    return float(np.min(source["min"])), float(np.max(source["max"]))


def bias_floor(bias: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """The least weight range in whose steps, times those of an input of low to high, a bias fits, for each output."""
    input_scale = max(max(high, 0.0) - min(low, 0.0), _NO_WIDTH) / _ACTIVATION_STEPS
    return np.abs(bias.astype(np.float64)) / (input_scale * _BIAS_STEPS) * _WEIGHT_STEPS


def _bias_of(operator: Operator, held: int, float_model: bytes, channels: int) -> NDArray[Any]:
    position = operator.inputs[held] if len(operator.inputs) > held else -1
    bias = None if position < 0 else read_constant(float_model, position)
    return np.zeros(channels, np.float32) if bias is None else bias
