"""Activations and pools of a network of others as layers that the converter and the quantizer know.

swish has a gradient of its own in TensorFlow, with which the converter loses a network's signature; hard_sigmoid is
clipped by an operator that has no int8 form here, and the greatest of a whole map is found by one. Written as
x * sigmoid(x), by ReLU6, and as a max pool of the map's size, they are the same to float rounding.
"""

from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import KerasGraph

_LAYERS = tf_keras.layers
_OPERATIONS = {"nn.silu": "swish", "nn.swish": "swish", "keras.activations.swish": "swish"}
_SLOPE = 0.2  # hard_sigmoid(x) = clip(0.2 x + 0.5, 0, 1)


def settle_activations(network: Any) -> Any:
    """The same flat functional network without activations that do not convert."""
    graph = KerasGraph(network)
    for layer in network.layers:
        if type(layer) is _LAYERS.GlobalMaxPooling2D:
            _write_maximum(graph, layer)
        write = _WRITTEN.get(_activation(layer, graph))
        if write is not None:
            for name in _own_layers(graph, layer):
                write(graph, name)
    return graph.build()


def _activation(layer: Any, graph: KerasGraph) -> str:
    """Name of the activation that a layer has or is; "" if it has none."""
    config = graph.entries[layer.name]["config"]
    if type(layer).__name__ == "TFOpLambda":
        return _OPERATIONS.get(str(config.get("function")), "")
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _own_layers(graph: KerasGraph, layer: Any) -> list[str]:
    """Names of layers that are the activation alone, in the place of the one that has it, one for each application."""
    if type(layer).__name__ == "TFOpLambda":
        graph.replace(_LAYERS.Activation("linear", name=layer.name))
        return [layer.name]
    if type(layer) is _LAYERS.Activation:
        return graph.unshare(layer.name)
    graph.set(layer.name, activation="linear")
    if graph.uses(layer.name) > 1:
        raise ModelError(
            f"layer {layer.name} is applied {graph.uses(layer.name)} times and has the activation "
            f"{layer.activation.__name__}, which cannot be converted there; use a layer for each place"
        )
    alone = _LAYERS.Activation("linear", name=graph.new_name(f"{layer.name}_activation"))
    graph.insert(alone, layer.name)
    return [alone.name]


def _write_swish(graph: KerasGraph, name: str) -> None:
    graph.set(name, activation="sigmoid")
    graph.insert_beside(_LAYERS.Multiply(name=graph.new_name(f"{name}_multiply")), name)


def _write_hard_sigmoid(graph: KerasGraph, name: str) -> None:
    graph.replace(_LAYERS.Rescaling(6 * _SLOPE, 3.0, name=name))
    clipped = _LAYERS.ReLU(6.0, name=graph.new_name(f"{name}_relu6"))
    graph.insert(clipped, name)
    graph.insert(_LAYERS.Rescaling(1 / 6, name=graph.new_name(f"{name}_sixth")), clipped.name)


def _write_maximum(graph: KerasGraph, layer: Any) -> None:
    height, width, channels = layer.input_shape[1:]
    if graph.uses(layer.name) > 1 or layer.data_format != "channels_last":
        return
    graph.replace(_LAYERS.MaxPooling2D((height, width), name=layer.name))
    if not layer.keepdims:
        graph.insert(_LAYERS.Reshape((channels,), name=graph.new_name(f"{layer.name}_row")), layer.name)


_WRITTEN = {"swish": _write_swish, "silu": _write_swish, "hard_sigmoid": _write_hard_sigmoid}
