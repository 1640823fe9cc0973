"""Concatenations of more inputs than XNNPACK's takes, as several: the same numbers in the same order."""

from typing import Any

import numpy as np

from edgeleuk.keras.rewrite import Change
from edgeleuk.quantization.layers import layer_name
from edgeleuk.quantization.tflite.graph import NO_ACTIVATION, TfliteGraph, schema

MOST_INPUTS = 5  # of one CONCATENATION in XNNPACK's delegate
SPLIT = "split"


def split_concatenations(graph: TfliteGraph) -> list[Change]:
    """Split each CONCATENATION of more than `MOST_INPUTS` inputs; what became of each."""
    return [_split(graph, each) for each in graph.of_kind("CONCATENATION") if len(each.inputs) > MOST_INPUTS]


def _split(graph: TfliteGraph, operator: Any) -> Change:
    name, count, added = layer_name(graph.name(operator.outputs[0])), len(operator.inputs), 0
    while len(operator.inputs) > MOST_INPUTS:
        _join_some(graph, operator)
        added += 1
    return Change(name, SPLIT, f"its {count} inputs by {added + 1} concatenations of at most {MOST_INPUTS}")


def _join_some(graph: TfliteGraph, operator: Any) -> None:
    """Concatenate neighbours before the rest: those that are smallest, for their numbers are copied once more."""
    inputs = operator.inputs
    window = min(len(inputs) - MOST_INPUTS + 1, MOST_INPUTS)
    sizes = [int(np.prod(graph.shape(tensor))) for tensor in inputs]
    begin = min(range(len(inputs) - window + 1), key=lambda first: sum(sizes[first : first + window]))
    joined = inputs[begin : begin + window]
    rank = len(graph.shape(joined[0]))
    axis = operator.builtinOptions.axis % rank
    shape = list(graph.shape(joined[0]))
    shape[axis] = sum(graph.shape(tensor)[axis] for tensor in joined)
    target = graph.add_tensor(f"{graph.name(operator.outputs[0])}/part", shape)
    options = schema.ConcatenationOptionsT()
    options.axis, options.fusedActivationFunction = axis, NO_ACTIVATION
    graph.add("CONCATENATION", joined, target, options)
    operator.inputs = [*inputs[:begin], target, *inputs[begin + window :]]
