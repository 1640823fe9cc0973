"""A functional Keras 2 model as its configuration, which can be edited and built again with the same weights."""

from collections.abc import Iterator
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.keras.framework import tf_keras

OUTPUT = ""  # stands for the model's own outputs among the readers of a layer


class KerasGraph:
    """Layers by name with what they read. Editing leaves the model that it was made of as it was."""

    def __init__(self, model: Any) -> None:
        """Take a functional or sequential model that has been built."""
        self.model = model
        self._config = tf_keras.Model(model.input, model.output, name=model.name).get_config()
        self.entries: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in self._config["layers"]}

    def layer(self, name: str) -> Any:
        """The layer of the original model."""
        return self.model.get_layer(name)

    def uses(self, name: str) -> int:
        """How often the layer is applied."""
        return len(self.entries[name]["inbound_nodes"])

    def readers(self, name: str) -> list[str]:
        """Names of the layers that read its output, once for each time; OUTPUT if the model itself does."""
        found = [
            reader
            for reader, entry in self.entries.items()
            for reference in references(entry["inbound_nodes"])
            if reference[0] == name
        ]
        return found + [OUTPUT for reference in references(self._config["output_layers"]) if reference[0] == name]

    def only_reader(self, name: str) -> Any:
        """The layer that alone reads it, once, and is applied nowhere else; None if that is not so."""
        names = self.readers(name)
        alone = len(names) == 1 and names[0] != OUTPUT and self.uses(names[0]) == 1
        return self.layer(names[0]) if alone else None

    def insert(self, layer: Any, behind: str) -> None:
        """Put a new layer between `behind` and all that reads it."""
        self._redirect(behind, layer.name)
        self._add(layer, behind)

    def bypass(self, name: str) -> None:
        """Take a layer with one input out: what read it reads its source."""
        source = next(references(self.entries.pop(name)["inbound_nodes"]))
        self._redirect(name, *source[:3])

    def replace(self, layer: Any) -> None:
        """Put a layer in the place of the one of the same name, which has one input."""
        inbound = self.entries[layer.name]["inbound_nodes"]
        self.entries[layer.name] = {**_entry(layer), "inbound_nodes": inbound}

    def set(self, name: str, **settings: Any) -> None:
        """Change settings of a layer."""
        entry = self.entries[name]
        entry.pop("build_config", None)  # tells the old input's shape
        entry["config"] = entry["config"] | settings

    def build(self, keep_weights: bool = True) -> Any:
        """A new model, with the original's weights by layer name, or new ones.

        Raises ModelError if a layer cannot be rebuilt.
        """
        config = self._config | {"layers": list(self.entries.values())}
        try:
            model = tf_keras.Model.from_config(config)
        except (ValueError, TypeError, NotImplementedError) as error:
            reason = " ".join(str(error).split())  # Keras fills pages
            raise ModelError(f"the network cannot be rebuilt from its configuration: {reason}") from error
        if keep_weights:
            carry_weights(self.model, model)
        return model

    def _add(self, layer: Any, behind: str) -> None:
        self.entries[layer.name] = {**_entry(layer), "inbound_nodes": [[[behind, 0, 0, {}]]]}

    def _redirect(self, name: str, *to: Any) -> None:
        for entry in self.entries.values():
            entry["inbound_nodes"] = _renamed(entry["inbound_nodes"], name, to)
        self._config["output_layers"] = _renamed(self._config["output_layers"], name, to)


def carry_weights(old: Any, new: Any) -> None:
    """Give the layers of `new` the weights of those of the same name in `old`."""
    for layer in new.layers:
        if layer.weights:
            layer.set_weights(old.get_layer(layer.name).get_weights())


def _entry(layer: Any) -> dict[str, Any]:
    return {**tf_keras.saving.serialize_keras_object(layer), "name": layer.name}


def references(nested: Any) -> Iterator[Any]:
    """Every [layer, node, tensor, ...] in a nest of lists and dictionaries, as configurations hold them."""
    if _is_reference(nested):
        yield nested
    parts = nested.values() if isinstance(nested, dict) else nested if isinstance(nested, list | tuple) else ()
    for part in parts:
        yield from references(part)


def _is_reference(value: Any) -> bool:
    kinds = (str, int, int)
    return isinstance(value, list | tuple) and len(value) >= 3 and all(map(isinstance, value, kinds))


def _renamed(nested: Any, name: str, to: tuple[Any, ...]) -> Any:
    """The nest with each reference to `name` in place of which the first parts are `to`."""
    if isinstance(nested, dict):
        return {key: _renamed(value, name, to) for key, value in nested.items()}
    if not isinstance(nested, list | tuple):
        return nested
    renamed = [_renamed(part, name, to) for part in nested]
    if _is_reference(nested) and nested[0] == name:
        renamed[: len(to)] = to
    return type(nested)(renamed)
