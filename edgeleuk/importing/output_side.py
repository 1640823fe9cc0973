"""The output of a network of others: one row of scores, and what they are."""

import dataclasses
from typing import Any

import numpy as np

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.importing.input_side import Settled
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import OUTPUT, KerasGraph
from edgeleuk.spec import LOGITS, PROBABILITIES, SIGMOID, SIGMOIDS, ModelSpec

_LAYERS = tf_keras.layers
_ACTIVATIONS = tf_keras.activations
_PASSING = ("Flatten", "Reshape", "Dropout", "ActivityRegularization")
_SOFTMAX, _LINEAR = "softmax", "linear"
_OPERATIONS = {
    "nn.softmax": _SOFTMAX,
    "compat.v1.nn.softmax": _SOFTMAX,
    "math.sigmoid": SIGMOID,
    "nn.sigmoid": SIGMOID,
    "sigmoid": SIGMOID,
}


def settle_output(network: Any, spec: ModelSpec) -> Settled:
    """A flat functional network that ends in one row of probabilities, or of a sigmoid for each class.

    The spec's scores "logits" put softmax behind it. Raises ModelError for a network that does not end in scores,
    SpecError if they are not those that the spec says.
    """
    count = _score_count(network, spec)
    graph = KerasGraph(network)
    _strip(graph)
    kind = _kind(graph.layer(graph.output))
    if kind == _LINEAR and count > 1 and _sums_to_one(network, spec):
        kind = _SOFTMAX
    _check_said(kind, None if spec.scores == PROBABILITIES else spec.scores, count, spec)
    weights: dict[str, list[Any]] = {}
    notes: tuple[str, ...] = ()
    if count == 1:
        weights = _as_two_classes(graph, spec)
        positive = spec.classes[1 if _second(spec) else 0]
        notes = (f"the one score, of {positive}, became an exact softmax of two classes",)
    elif kind == SIGMOID:
        notes = ("each class has a sigmoid of its own, and its probability is that over the sum of all",)
    elif kind == _LINEAR:
        graph.insert(_LAYERS.Activation(_SOFTMAX, name=graph.new_name("probabilities")), graph.output)
        notes = ("softmax is put behind its logits",)
    if len(network.output_shape) != 2 or _rank(graph) != 2:
        graph.insert(_LAYERS.Reshape((len(spec.classes),), name=graph.new_name("scores")), graph.output)
    scores = SIGMOIDS if kind == SIGMOID and count > 1 else PROBABILITIES
    return graph.build(weights=weights), dataclasses.replace(spec, scores=scores), notes


def _score_count(network: Any, spec: ModelSpec) -> int:
    """How many scores the network gives, as many as there are classes, or one for two."""
    if len(network.outputs) != 1:
        named = ", ".join(f"{each._keras_history.layer.name} {tuple(each.shape)}" for each in network.outputs)
        raise ModelError(
            f"the network has {len(network.outputs)} outputs ({named}); expected one of class scores: save "
            "tf_keras.Model(model.input, model.get_layer(NAME).output) with the one that classifies"
        )
    shape = tuple(network.output_shape)
    if len(shape) < 2 or any(side != 1 for side in shape[1:-1]):
        raise ModelError(
            f"the network returns {shape}; expected one row of class scores (None, {len(spec.classes)}): a map or a "
            "sequence is no answer to a picture"
        )
    count, classes = shape[-1], len(spec.classes)
    if count != classes and not (count == 1 and classes == 2):
        raise SpecError(
            f"the network returns {shape}, and the spec names {classes} classes ({', '.join(spec.classes)}); expected "
            f"one row of {classes} (None, {classes})"
        )
    return int(count)


def _check_said(kind: str, said: str | None, count: int, spec: ModelSpec) -> None:
    """Raise SpecError if the network's scores are not what was said, or are nothing that becomes probabilities."""
    ends = {_SOFTMAX: "softmax", SIGMOID: "a sigmoid" if count == 1 else "sigmoids", _LINEAR: "no activation"}
    found = ends.get(kind, f"the activation {kind}")
    if count == 1 and kind == _SOFTMAX:
        raise ModelError("the network ends in softmax of one score, which is 1 whatever it is shown; it tells nothing")
    if kind not in ends:
        raise ModelError(
            f"the network ends in {found}: what that gives are no scores of classes. Expected softmax, "
            "sigmoid, or logits with --logits"
        )
    if kind == _LINEAR and said is None:
        raise SpecError(
            "the network does not end in class probabilities: its last layer has no activation. If these are logits, "
            "--logits puts softmax behind them"
        )
    fits = {LOGITS: kind == _LINEAR, SIGMOID: kind == SIGMOID and count == 1, SIGMOIDS: kind == SIGMOID and count > 1}
    if said is not None and not fits[said]:
        what = "--logits or the spec's scores say logits" if said == LOGITS else f"the spec's scores say {said}"
        raise SpecError(f"{what}, and the network ends in {found} of {count} for {len(spec.classes)} classes")


def _strip(graph: KerasGraph) -> None:
    """Take out what stands last and changes no number."""
    while _passes(graph.layer(graph.output)) and graph.uses(graph.output) == 1:
        graph.bypass(graph.output)


def _passes(layer: Any) -> bool:
    if type(layer).__name__ in _PASSING:
        return True
    if type(layer) is _LAYERS.Activation:
        return bool(layer.activation is _ACTIVATIONS.linear)
    return _function(layer) in ("cast", "identity", "reshape", "squeeze", "compat.v1.squeeze")


def _function(layer: Any) -> str:
    """Of a layer that is one operation; "" of others."""
    return str(layer.get_config().get("function")) if type(layer).__name__ == "TFOpLambda" else ""


def _kind(layer: Any) -> str:
    """The activation that a layer ends in."""
    if type(layer) is _LAYERS.Softmax:
        return _SOFTMAX
    if _function(layer):
        return _OPERATIONS.get(_function(layer), _LINEAR)
    activation = getattr(layer, "activation", _ACTIVATIONS.linear)
    return str(getattr(activation, "__name__", type(activation).__name__))


def _sums_to_one(network: Any, spec: ModelSpec) -> bool:
    """Whether its answers to noise are probabilities, however it makes them."""
    low, high = spec.preprocessing.input_range
    values = np.random.default_rng(0).uniform(low, high, (4, *network.input_shape[1:])).astype(np.float32)
    rows = np.asarray(network.predict_on_batch(values)).reshape(4, -1)
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=-1), 1, atol=1e-3))


def _second(spec: ModelSpec) -> bool:
    """Whether the class that one score is of is the second."""
    return spec.positive_class is None or spec.classes.index(spec.positive_class) == 1


def _as_two_classes(graph: KerasGraph, spec: ModelSpec) -> dict[str, list[Any]]:
    """Make one sigmoid of z, or z itself, a softmax of (0, z), which is (1 - sigmoid, sigmoid), or of (z, 0).

    Returns the weights that change with it, by layer.
    """
    end = graph.layer(graph.output)
    if _kind(end) == SIGMOID and not isinstance(end, _LAYERS.Dense | _LAYERS.Conv2D):
        graph.bypass(graph.output)
        _strip(graph)
    head, softmax = graph.layer(graph.output), _LAYERS.Activation(_SOFTMAX, name=graph.new_name("probabilities"))
    if type(head) in (_LAYERS.Dense, _LAYERS.Conv2D) and _kind(head) in (SIGMOID, _LINEAR) and _alone(graph):
        units = "units" if type(head) is _LAYERS.Dense else "filters"
        graph.set(head.name, **{units: 2, "activation": "linear"})
        graph.insert(softmax, head.name)
        return {head.name: [np.insert(each, 0 if _second(spec) else 1, 0.0, axis=-1) for each in head.get_weights()]}
    both = _LAYERS.Dense(2, use_bias=False, name=graph.new_name("two_classes"))
    graph.insert(both, head.name)
    graph.insert(softmax, both.name)
    return {both.name: [np.array([[0.0, 1.0]] if _second(spec) else [[1.0, 0.0]], np.float32)]}


def _alone(graph: KerasGraph) -> bool:
    """Whether nothing but the network's output reads its last layer, which is applied once."""
    return graph.readers(graph.output) == [OUTPUT] and graph.uses(graph.output) == 1


def _rank(graph: KerasGraph) -> int:
    """Of what the last layer that was there before gives."""
    known = {layer.name for layer in graph.model.layers}
    name = graph.output
    while name not in known:
        name = graph.source(name)
    return len(graph.layer(name).output_shape)
