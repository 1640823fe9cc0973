"""The end of a float .tflite: one row of scores that are probabilities, or sigmoids that the spec says are such."""

import dataclasses
from typing import Any

import numpy as np

from edgeleuk.errors import SpecError
from edgeleuk.quantization.tflite.graph import TfliteGraph, schema
from edgeleuk.quantization.tflite.running import noise, run
from edgeleuk.spec import LOGITS, PROBABILITIES, SIGMOID, SIGMOIDS, ModelSpec

_MOVING = ("RESHAPE", "SQUEEZE")
_HALF = 0.5
_MOST_OFF = 1e-3


def take_scores(content: bytes, spec: ModelSpec, logits: bool) -> tuple[bytes, ModelSpec, list[str]]:
    """A network that ends as the spec then says, and what was changed. Raises SpecError for a spec that contradicts."""
    graph = TfliteGraph(content)
    count, classes = int(np.prod(graph.shape(graph.outputs[0]))), len(spec.classes)
    if count != classes and (count, classes) != (1, 2):
        raise SpecError(
            f"the network returns {list(graph.shape(graph.outputs[0]))}, {count} scores; the spec names {classes} "
            f"classes ({', '.join(spec.classes[:5])}{' ...' if classes > 5 else ''})"
        )
    end = _last(graph)
    kind = "" if end is None else graph.kind(end)
    asked = logits or spec.scores == LOGITS
    if asked and kind in ("SOFTMAX", "LOGISTIC"):
        raise SpecError(f"the network ends in {kind}, so its scores are no logits; leave out --logits, or 'scores'")
    if kind == "LOGISTIC" or (count == 1 and asked):
        return _sigmoids(graph, end if kind == "LOGISTIC" else None, spec, count)
    if spec.scores in (SIGMOID, SIGMOIDS):
        raise SpecError(f"the spec says that scores are {spec.scores}; the network ends in {kind or 'its input'}")
    if kind != "SOFTMAX" and not asked:
        raise SpecError(
            f"the network ends in {kind or 'its input'}, not in probabilities; --logits puts a softmax behind it, if "
            "its scores are logits"
        )
    if count != classes:
        raise SpecError(f"the network ends in a {kind.lower()} of one score, which is always 1; expected {classes}")
    notes = []
    if kind != "SOFTMAX":
        _in_a_row(graph, count)
        _softmax(graph, graph.outputs[0])
        notes.append("a softmax was put behind its logits")
    made = graph.pack()
    _check_probabilities(made)
    return made, dataclasses.replace(spec, scores=PROBABILITIES), notes


def _last(graph: TfliteGraph) -> Any | None:
    """The operator that computes the scores, but for those that move them."""
    maker = graph.maker(graph.outputs[0])
    while maker is not None and graph.kind(maker) in _MOVING:
        maker = graph.maker(maker.inputs[0])
    return maker


def _in_a_row(graph: TfliteGraph, count: int) -> None:
    """The output as [1, count]: TFLite's softmax is over the last axis."""
    before = graph.outputs[0]
    if graph.shape(before) == (1, count):
        return
    shape = np.array([1, count], np.int32)
    options = schema.ReshapeOptionsT()
    options.newShape = shape
    target = graph.add_tensor(f"{graph.name(before)}/row", (1, count))
    graph.add("RESHAPE", (before, graph.add_constant(f"{graph.name(before)}/row_shape", shape)), target, options)
    graph.outputs = [target]


def _softmax(graph: TfliteGraph, source: int) -> None:
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    target = graph.add_tensor("probabilities", graph.shape(source))
    graph.add("SOFTMAX", (source,), target, options)
    graph.outputs = [target]


def _sigmoids(graph: TfliteGraph, end: Any | None, spec: ModelSpec, count: int) -> tuple[bytes, ModelSpec, list[str]]:
    """One sigmoid becomes a softmax over two classes where a dense layer makes it; several stay what they are."""
    if count > 1:
        if spec.scores not in (SIGMOIDS, PROBABILITIES):
            raise SpecError(f"the spec says that scores are {spec.scores}; the network ends in {count} sigmoids")
        note = [] if spec.scores == SIGMOIDS else ["its scores are one sigmoid for each class: the spec says so now"]
        return graph.pack(), dataclasses.replace(spec, scores=SIGMOIDS), note
    if spec.scores == SIGMOIDS:
        raise SpecError("the spec says that scores are sigmoids, one for each class; the network has one for both")
    _in_a_row(graph, count) if end is None else None
    logit = graph.outputs[0] if end is None else end.inputs[0]
    dense = graph.maker(logit)
    if dense is None or graph.kind(dense) != "FULLY_CONNECTED" or graph.constant(dense.inputs[1]) is None:
        if end is None:
            raise SpecError("its one logit is not made by a dense layer, so no softmax of two classes comes of it")
        return (
            graph.pack(),
            dataclasses.replace(spec, scores=SIGMOID),
            ["its score is one sigmoid: the spec says so now"],
        )
    positive = spec.classes.index(spec.positive_class) if spec.positive_class is not None else 1
    _softmax(graph, _pair(graph, dense, positive))
    made = graph.pack()
    _check_probabilities(made)
    said = f"its one sigmoid became a softmax of two classes, {spec.classes[positive]} where it is 1"
    return made, dataclasses.replace(spec, scores=PROBABILITIES), [said]


def _pair(graph: TfliteGraph, dense: Any, positive: int) -> int:
    """Half the logit for the positive class and half of it with its sign turned for the other."""
    signs = np.array([-_HALF, _HALF] if positive == 1 else [_HALF, -_HALF], np.float32)
    name = graph.name(dense.outputs[0])
    weights = np.asarray(graph.constant(dense.inputs[1])).reshape(1, -1)
    held = graph.constant(dense.inputs[2]) if len(dense.inputs) > 2 else None
    bias = np.zeros(1, np.float32) if held is None else held.reshape(1)
    dense.inputs = [
        dense.inputs[0],
        graph.add_constant(f"{name}/weights", signs[:, np.newaxis] * weights),
        graph.add_constant(f"{name}/bias", signs * bias),
    ]
    dense.builtinOptions.keepNumDims = False
    target = graph.add_tensor(f"{name}/pair", (1, 2))
    dense.outputs = [target]
    return target


def _check_probabilities(content: bytes) -> None:
    graph = TfliteGraph(content)
    for row in run(content, noise(graph.shape(graph.inputs[0]))):
        if not np.isfinite(row).all():
            raise SpecError("the network returns values that are not finite; its weights are damaged, or diverged")
        if (row < 0).any() or abs(float(row.sum()) - 1) > _MOST_OFF:
            raise SpecError(
                f"the network's softmax is not over the classes: its scores {list(row.shape)} add up to "
                f"{float(row.sum()):.3g}; expected 1"
            )
