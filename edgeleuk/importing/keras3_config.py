"""Configurations of Keras 3 in the form that Keras 2 has for them."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.text import printable

_MODELS = ("Functional", "Sequential", "Model")
_UNNEEDED = ("_initializer", "_regularizer", "_constraint")  # weights are set, and nothing is trained on them here
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
_SUMS = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
_SAME_ACTIVATION = {"silu": "swish"}
_TENSOR = "__keras_tensor__"


class OnlyKeras3Error(ModelError):
    """A network of Keras 3 that Keras 2 cannot be given, or answers otherwise to; `what` is a predicate of its file."""

    def __init__(self, path: Path, what: str) -> None:
        """Say that of the file, and what else can be done."""
        self.what = what
        super().__init__(
            f"{path} was saved by Keras 3, and {what}; model.export('model.tflite', format='litert') in Keras 3 writes "
            "a file that 'edgeleuk convert' takes"
        )


class _UntranslatableError(Exception):
    """Of a layer that Keras 2 has no counterpart of; says what it is."""


def as_keras2(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """The configuration of a model of Keras 3 as `tf_keras.models.model_from_config` takes it.

    Initial values and what limits training are left out. Raises OnlyKeras3Error that names a layer without counterpart.
    """
    try:
        return _model(config)
    except _UntranslatableError as error:
        raise OnlyKeras3Error(path, f"{error}, which Keras 2 has not") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelError(
            f"the configuration in {path} is not one that Keras 3 writes ({type(error).__name__})"
        ) from error


def _model(found: dict[str, Any]) -> dict[str, Any]:
    kind, config = found["class_name"], found["config"]
    if kind == "Sequential":
        layers = [_entry(layer) for layer in config["layers"]]
        return {"class_name": kind, "config": {"name": config["name"], "layers": layers}}
    if kind not in _MODELS or "layers" not in config:
        raise _UntranslatableError(f"it is a {printable(kind)}, a model of its own class")
    nodes = _Nodes(config["layers"])
    layers = [
        _entry(layer)
        | {"name": layer["name"], "inbound_nodes": [nodes.inbound(node, layer) for node in layer["inbound_nodes"]]}
        for layer in config["layers"]
    ]
    ends = {key: [nodes.reference(end) for end in _ends(config[key])] for key in ("input_layers", "output_layers")}
    return {"class_name": "Functional", "config": {"name": config["name"], "layers": layers, **ends}}


def _ends(found: Any) -> list[Any]:
    return [found] if found and isinstance(found[0], str) else list(found)


def _entry(layer: dict[str, Any]) -> dict[str, Any]:
    kind, module = layer["class_name"], str(layer.get("module"))
    if kind in _MODELS:
        return _model(layer)
    if kind == "Activation" and layer["config"].get("activation") == "relu6":
        return {"class_name": "ReLU", "config": {"name": _name(layer), "max_value": 6.0}}
    if ".ops." in module:
        return _operation(layer)
    known = getattr(tf_keras.layers, str(kind), None)
    if not module.startswith("keras") or not isinstance(known, type) or not issubclass(known, tf_keras.layers.Layer):
        raise _UntranslatableError(f"its layer {printable(_name(layer))} is a {printable(kind)}")
    return {"class_name": kind, "config": _settings(kind, known, layer["config"])}


def _name(layer: dict[str, Any]) -> str:
    return str(layer["config"].get("name"))


def _settings(kind: str, known: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Those that Keras 2 knows, by its names."""
    if kind == "InputLayer":
        return {"batch_input_shape": config["batch_shape"], "dtype": config["dtype"], "name": config["name"]}
    renamed = {_RENAMED.get(kind, {}).get(key, key): value for key, value in config.items()}
    taken = {"name", *_parameters(known)}
    kept = {key: value for key, value in renamed.items() if key in taken and not key.endswith(_UNNEEDED)}
    if "layer" in kept:
        raise _UntranslatableError(f"its layer {printable(config['name'])} is a {printable(kind)} around another layer")
    if "activation" in kept:
        kept["activation"] = _activation(kept["activation"], config)
    return kept


def _parameters(known: Any) -> Iterator[str]:
    for kind in known.__mro__:
        if kind is tf_keras.layers.Layer:
            return
        if "__init__" in vars(kind):
            yield from inspect.signature(kind.__init__).parameters


def _activation(found: Any, config: dict[str, Any]) -> Any:
    name = found.get("config") if isinstance(found, dict) and found.get("class_name") == "function" else found
    name = _SAME_ACTIVATION.get(name, name) if isinstance(name, str) else name
    known = name is None or (isinstance(name, str) and hasattr(tf_keras.activations, name))
    if not known:
        raise _UntranslatableError(f"its layer {printable(config['name'])} has the activation {printable(name)}")
    return name


def _operation(layer: dict[str, Any]) -> dict[str, Any]:
    """What + - * / of two tensors, or of one and a number, are as layers."""
    kind, name = layer["class_name"], layer["name"]
    (node,) = layer["inbound_nodes"]
    arguments = node["args"]
    tensors = [_is_tensor(argument) for argument in arguments]
    if kind in _SUMS and tensors == [True, True]:
        return {"class_name": kind, "config": {"name": name}}
    number = next((argument for argument in arguments if isinstance(argument, int | float)), None)
    if sorted(tensors) == [False, True] and number is not None and not node.get("kwargs"):
        scale, offset = _line(kind, float(number), tensors[0])
        if scale is not None:
            return {"class_name": "Rescaling", "config": {"name": name, "scale": scale, "offset": offset}}
    raise _UntranslatableError(f"it calls keras.ops' {printable(kind)} ({printable(name)})")


def _line(kind: str, number: float, first: bool) -> tuple[float | None, float]:
    """Scale and offset of x `kind` number, or where not `first` of number `kind` x; no scale if it is no line."""
    if kind == "Add":
        return 1.0, number
    if kind == "Subtract":
        return (1.0, -number) if first else (-1.0, number)
    if kind == "Multiply":
        return number, 0.0
    if kind in ("Divide", "TrueDivide") and first and number:
        return 1 / number, 0.0
    return None, 0.0


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == _TENSOR


class _Nodes:
    """The uses of layers in a functional model, by name and number."""

    def __init__(self, layers: list[dict[str, Any]]) -> None:
        self._uses = {layer["name"]: max(1, len(layer["inbound_nodes"])) for layer in layers}
        # Keras 2 counts a model's own making as its first use.
        self._first = {layer["name"]: int(layer["class_name"] in _MODELS) for layer in layers}

    def reference(self, end: list[Any]) -> list[Any]:
        """[layer, use, tensor] as Keras 2 counts. A use that there is not would let it wait without end."""
        name, use, tensor = end
        if not 0 <= use < self._uses[name]:
            raise ValueError(f"{name} is not used {use + 1} times")
        return [name, use + self._first[name], tensor]

    def inbound(self, node: dict[str, Any], layer: dict[str, Any]) -> list[Any]:
        """What one use reads, as lists of [layer, use, tensor, {}]."""
        given = [value for name, value in node.get("kwargs", {}).items() if name not in ("training", "mask")]
        if any(value is not None for value in given):
            raise _UntranslatableError(f"its layer {printable(layer['name'])} is called with keywords")
        parts: list[Any] = []
        for argument in node["args"]:
            parts += argument if isinstance(argument, list) else [argument]
        return [[*self.reference(part["config"]["keras_history"]), {}] for part in parts if _is_tensor(part)]
