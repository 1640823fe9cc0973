"""Nested models as one flat functional network of float32, which quantization and rewriting look into.

Each call of a layer is made again with a copy of the layer, models are entered, and the copies are given the weights:
a layer that is applied more than once, or lies in a model that is, stays one layer that is applied more than once.
Dtype policies such as mixed_float16 become float32, in which their variables are kept anyway, and wrappers that have
done their work in training (pruning) are taken off.
"""

from collections.abc import Sequence
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.text import printable

_PRUNING = "PruneLowMagnitude"
_HALVES = (tf.float16, tf.bfloat16)
_SINGLE = tf_keras.models.Model


def flatten(network: Any, shape: Sequence[int], what: str) -> Any:
    """A functional network of the same function and weights, with one input and no model inside.

    `shape`: height, width and channels that take the place of those of its input that are not fixed; its batch is free.
    `what` names the network in errors. Raises ModelError if it has several inputs, or something in it cannot be copied.
    """
    flat = _Flat()
    source = tf_keras.Input(_fixed(network, shape, what), name=_input_name(network), dtype=_single(_dtype(network)))
    flat.names.add(source.node.layer.name)
    try:
        made = tf_keras.Model(source, flat.applied(network, source), name=network.name)
        flat.carry_weights()
    except (ValueError, TypeError, NotImplementedError, AttributeError, KeyError) as error:
        where = f", at layer {printable(flat.at)}" if flat.at else ""
        raise ModelError(f"{what} cannot be made one flat network{where}: {first_sentence(error)}") from error
    return made


class _Flat:
    """Copies of layers by the layer that each is of, and the names that are taken."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.at = ""
        self._copies: dict[int, tuple[Any, Any]] = {}

    def applied(self, model: Any, inputs: Any, prefix: str = "") -> Any:
        """Outputs of copies of a model's layers on these inputs."""
        if not getattr(model, "_is_graph_network", False):
            return self._in_sequence(model, inputs, prefix)
        given = model._flatten_to_reference_inputs(inputs)
        found: dict[str, Any] = {str(id(old)): new for old, new in zip(model.inputs, given, strict=True)}
        for node in _nodes(model):
            args, kwargs = _arguments(node, found)
            outputs = self._call(node.layer, args, kwargs, prefix)
            found.update(zip(node.flat_output_ids, tf.nest.flatten(outputs), strict=True))
        outputs = [found[str(id(tensor))] for tensor in model.outputs]
        return tf.nest.pack_sequence_as(model._nested_outputs, outputs)

    def carry_weights(self) -> None:
        """Give each copy the weights of its layer."""
        for layer, copy in self._copies.values():
            self.at = layer.name
            if layer.weights:
                copy.set_weights(layer.get_weights())

    def _in_sequence(self, model: Any, inputs: Any, prefix: str) -> Any:
        if not isinstance(model, tf_keras.Sequential):
            raise ModelError(
                f"{printable(model.name)} is a {printable(type(model).__name__)}, a model of its own class, which does "
                "not say how its layers are connected; build it from tf_keras.Input and layers"
            )
        for layer in model.layers:
            inputs = self._call(layer, (inputs,), {}, prefix)
        return inputs

    def _call(self, layer: Any, args: Sequence[Any], kwargs: dict[str, Any], prefix: str) -> Any:
        layer = _bare(layer)
        kwargs = {name: value for name, value in kwargs.items() if name not in ("training", "mask")}
        if isinstance(layer, _SINGLE):
            return self.applied(layer, args[0], f"{prefix}{layer.name}_")
        self.at = layer.name
        copy = self._copy(layer, prefix)
        if type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda"):
            args, kwargs = tf.nest.map_structure(_single, (args, kwargs))
        return copy(*args, **kwargs)

    def _copy(self, layer: Any, prefix: str) -> Any:
        if id(layer) not in self._copies:
            config = layer.get_config()
            if "dtype" in config:
                config["dtype"] = _single_policy(layer)
            config["name"] = self._free(layer.name, prefix)
            self._copies[id(layer)] = layer, type(layer).from_config(config)
        return self._copies[id(layer)][1]

    def _free(self, name: str, prefix: str) -> str:
        candidates: list[str] = [
            name,
            f"{prefix}{name}",
            *(f"{prefix}{name}_{k}" for k in range(2, len(self.names) + 3)),
        ]
        chosen = next(each for each in candidates if each not in self.names)
        self.names.add(chosen)
        return chosen


def _nodes(model: Any) -> list[Any]:
    """The calls that a functional model is made of, each behind those that it reads."""
    depths = sorted(model._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in model._nodes_by_depth[depth] if not node.is_input]


def _arguments(node: Any, found: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Those of a call, with what was found in the place of the tensors that it was made with."""
    return node.map_arguments({key: [found[key]] * len(node.flat_input_ids) for key in node.flat_input_ids})


def _bare(layer: Any) -> Any:
    """A layer without the wrapper that pruned it in training: its weights are those that remained."""
    return layer.layer if type(layer).__name__ == _PRUNING else layer


def _single_policy(layer: Any) -> str:
    policy = layer.dtype_policy
    computes, keeps = policy.compute_dtype, policy.variable_dtype
    return "float32" if "float" in f"{computes}{keeps}" else str(computes)


def _single(value: Any) -> Any:
    """float32 in the place of half a float among arguments, which are tensors, types and plain values."""
    if isinstance(value, tf.DType | str) and value in (*_HALVES, *(half.name for half in _HALVES)):
        return tf.float32
    return value


def _dtype(network: Any) -> Any:
    return network.inputs[0].dtype


def _input_name(network: Any) -> str:
    return str(network.inputs[0].node.layer.name)


def _fixed(network: Any, shape: Sequence[int], what: str) -> tuple[int | None, ...]:
    inputs = network.inputs
    if not inputs:
        raise ModelError(
            f"{what} does not say the shape of its input; call it on an image, or build it, and save again"
        )
    if len(inputs) != 1:
        names = ", ".join(printable(tensor.node.layer.name) for tensor in inputs)
        raise ModelError(f"{what} takes {len(inputs)} inputs ({names}); expected one, an image")
    own = inputs[0].shape.as_list()[1:]
    if len(own) != len(shape):
        return tuple(own)
    return tuple(size if size is not None else asked for size, asked in zip(own, shape, strict=True))
