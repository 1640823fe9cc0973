"""Rewriting a Keras graph so that the int8 delegate runs it in one piece."""

from dataclasses import dataclass
from typing import Any

from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.keras.pools import LEFT_ALONE, Change, rewrite_pool


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
