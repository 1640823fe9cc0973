"""The last layer of an imported network, fitted to the classes that it is to be trained for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.importing.imported import Imported
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.spec import SIGMOID, SIGMOIDS
from edgeleuk.text import counted

_LAYERS = tf_keras.layers
_SHAPING = (_LAYERS.Flatten, _LAYERS.Reshape, _LAYERS.GlobalAveragePooling2D, _LAYERS.Dropout)
_LOGITS, _PROBABILITIES = "logits", "probabilities"
Values = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Headed:
    """A network that ends in softmax over given classes. `head`: names of its last layers.

    `kept`: they are those that it had, so that it answers as it did. `notes` say what was done.
    """

    network: Any
    head: frozenset[str]
    kept: bool
    notes: tuple[str, ...]


def fit_head(imported: Imported, classes: Sequence[str], known: bool = True) -> Headed:
    """The network with a last layer for these classes: its own, sorted by name, if they are the same; else a new one.

    Sigmoids become one softmax of the same numbers, so the most probable class stays what it was. `known`: the names in
    the spec are those that the network was trained with. Raises ModelError for a network without a dense layer or
    convolution that gives its scores.
    """
    before = imported.spec.classes
    last = _last_weighted(imported.network)
    same = known and sorted(before) == sorted(classes)
    if same and isinstance(last, _LAYERS.Dense) and _is_plain(imported.network, last):
        return _kept(imported, last, [before.index(name) for name in classes])
    if same and list(before) == list(classes) and _ends_in_softmax(imported.network):
        return Headed(imported.network, frozenset([last.name]), True, (_kept_note(classes),))
    return _new(imported, last, classes, known)


def _last_weighted(network: Any) -> Any:
    """The layer that gives the scores: the first with weights on the way back from the output."""
    layer = network.output._keras_history.layer
    while not layer.weights and isinstance(layer, (*_SHAPING, _LAYERS.Activation, _LAYERS.Softmax)):
        layer = layer.input._keras_history.layer
    if not isinstance(layer, _LAYERS.Dense | _LAYERS.Conv2D):
        raise ModelError(
            f"the network ends in {layer.name}, a {type(layer).__name__}; expected a dense layer or a convolution that "
            "gives the scores, for training fits that to the classes"
        )
    return layer


def _is_plain(network: Any, dense: Any) -> bool:
    """Whether nothing but one activation, or none, lies between what the layer sums up and the output."""
    layer = network.output._keras_history.layer
    inside = _activation_name(dense)
    if layer is dense:
        return inside in ("softmax", "sigmoid", "linear")
    return inside == "linear" and _activation_name(layer) is not None and layer.input._keras_history.layer is dense


def _ends_in_softmax(network: Any) -> bool:
    return _activation_name(network.output._keras_history.layer) == "softmax"


def _activation_name(layer: Any) -> str | None:
    if isinstance(layer, _LAYERS.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", None)


def _kept(imported: Imported, dense: Any, order: list[int]) -> Headed:
    kernel, *bias = dense.get_weights()
    offset = bias[0] if bias else np.zeros(kernel.shape[1], np.float32)
    if imported.spec.scores == SIGMOID and kernel.shape[1] == 1:  # softmax(0, z) is (1 - sigmoid(z), sigmoid(z))
        positive = imported.spec.positive_class
        place = 1 if positive is None else imported.spec.classes.index(positive)
        kernel, offset = (np.insert(values, 1 - place, 0, axis=-1) for values in (kernel, offset))
    names = [imported.spec.classes[position] for position in order]
    notes = [_kept_note(names)]
    if imported.spec.scores in (SIGMOID, SIGMOIDS):
        notes.append(
            "its sigmoids become one softmax of the same numbers: the most probable class stays the same, and "
            "probabilities sum to 1"
        )
    return _with_dense(imported.network, dense, [kernel[:, order], offset[order]], True, tuple(notes))


def _kept_note(classes: Sequence[str]) -> str:
    return f"its last layer is kept: it was made for the same classes, {', '.join(classes)}"


def _new(imported: Imported, last: Any, classes: Sequence[str], known: bool) -> Headed:
    before, count = imported.spec.classes, len(classes)
    if not known:
        was = "no spec says which classes the old one tells apart"
    elif len(before) != count or len(before) > 10:
        was = f"the old one was for {counted(len(before), 'class')}"
    else:
        was = f"the old one was for {', '.join(before)}"
    note = f"new last layer for {', '.join(classes)}: {was}"
    return _with_dense(imported.network, last, _initial(last, count), False, (note,))


def _initial(last: Any, count: int) -> Values:
    """Glorot's uniform kernel, drawn by TensorFlow's global seed, and no bias."""
    channels = int(last.input.shape[-1])
    kernel = tf_keras.initializers.GlorotUniform()((channels, count))
    return [np.asarray(kernel), np.zeros(count, np.float32)]


def _with_dense(network: Any, last: Any, weights: Values, kept: bool, notes: tuple[str, ...]) -> Headed:
    """The network up to what `last` reads, a dense layer of these weights and a softmax."""
    taken = {layer.name for layer in network.layers} - {last.name}
    features = last.input
    for kind in () if isinstance(last, _LAYERS.Dense) else (_LAYERS.GlobalAveragePooling2D,):
        features = kind(name=_free("average", taken))(features)
    dense = _LAYERS.Dense(weights[0].shape[1], name=_free(_LOGITS, taken), dtype="float32")
    softmax = _LAYERS.Softmax(name=_free(_PROBABILITIES, taken), dtype="float32")
    whole = tf_keras.Model(network.input, softmax(dense(features)), name=network.name)
    dense.set_weights(weights)
    # Anew: the layers that stay would otherwise go on listing the dropped ones as their readers.
    return Headed(KerasGraph(whole).build(), frozenset([dense.name, softmax.name]), kept, notes)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_new"
    return name
