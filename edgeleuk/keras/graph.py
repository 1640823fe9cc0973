"""A functional Keras 2 model as its configuration, which can be edited and built again with the same weights."""

import copy
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Self

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

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> Self:
        """The graph of a configuration alone, such as `config` of another: without a model there are no weights."""
        graph = cls.__new__(cls)
        graph.model, graph._config = None, copy.deepcopy(dict(config))
        graph.entries = {entry["name"]: entry for entry in graph._config["layers"]}
        return graph

    @property
    def config(self) -> dict[str, Any]:
        """The graph as `tf_keras.Model.from_config` takes it."""
        return self._config | {"layers": list(self.entries.values())}

    def layer(self, name: str) -> Any:
        """The layer of the original model."""
        return self.model.get_layer(name)

    def uses(self, name: str) -> int:
        """How often the layer is applied."""
        return len(self.entries[name]["inbound_nodes"])

    @property
    def output(self) -> str:
        """Name of the layer that the model's one output is of."""
        return str(next(references(self._config["output_layers"]))[0])

    def source(self, name: str) -> str:
        """Name of the first layer that a layer reads."""
        return str(next(self._sources(name))[0])

    def new_name(self, wanted: str) -> str:
        """The name, with a number behind it if a layer has it."""
        numbered = (f"{wanted}_{number}" for number in itertools.count(1))
        return wanted if wanted not in self.entries else next(name for name in numbered if name not in self.entries)

    def readers(self, name: str) -> list[str]:
        """Names of the layers that read its output, once for each time; OUTPUT if the model itself does."""
        found = [
            reader
            for reader, entry in self.entries.items()
            for reference in references(entry["inbound_nodes"])
            if reference[0] == name
        ]
        return found + [OUTPUT for reference in references(self._config["output_layers"]) if reference[0] == name]

    def sources(self, name: str) -> list[str]:
        """Names of the layers that it reads, in order."""
        return [reference[0] for reference in references(self.entries[name]["inbound_nodes"])]

    def only_reader(self, name: str) -> Any:
        """The layer that alone reads it, once, and is applied nowhere else; None if that is not so."""
        names = self.readers(name)
        alone = len(names) == 1 and names[0] != OUTPUT and self.uses(names[0]) == 1
        return self.layer(names[0]) if alone else None

    def insert(self, layer: Any, behind: str) -> None:
        """Put a new layer between `behind` and all that reads it."""
        self._redirect(behind, layer.name)
        self._add(layer, behind)

    def insert_beside(self, merge: Any, behind: str) -> None:
        """Put a layer between `behind` and all that reads it; it reads what `behind` reads, too, and that first."""
        self._redirect(behind, merge.name)
        source = next(self._sources(behind))
        inbound = [[[*source[:3], {}], [behind, 0, 0, {}]]]
        self.entries[merge.name] = {**_entry(merge), "inbound_nodes": inbound}

    def unshare(self, name: str) -> list[str]:
        """Make a layer without weights that is applied several times as many layers; returns their names."""
        entry = self.entries[name]
        names, others = [name], entry["inbound_nodes"][1:]
        for number, inbound in enumerate(others, 1):
            copy = self.new_name(name)
            config = entry["config"] | {"name": copy}
            self.entries[copy] = entry | {"name": copy, "config": config, "inbound_nodes": [inbound]}
            self._redirect_use(name, number, copy)
            names.append(copy)
        if others:
            self.entries[name] = entry | {"inbound_nodes": [self.entries[name]["inbound_nodes"][0]]}
        return names

    def insert_before(self, layer: Any, name: str) -> None:
        """Put a new layer between a layer of one input and what that reads."""
        self.entries[layer.name] = {**_entry(layer), "inbound_nodes": self.entries[name]["inbound_nodes"]}
        self.entries[name]["inbound_nodes"] = [[[layer.name, 0, 0, {}]]]

    def bypass(self, name: str) -> None:
        """Take a layer with one input out: what read it reads its source."""
        source = next(self._sources(name))
        del self.entries[name]
        self._redirect(name, *source[:3])

    def replace(self, layer: Any) -> None:
        """Put a layer in the place of the one of the same name, which has one input."""
        sources = [[*source[:3], {}] for source in self._sources(layer.name)]  # an operation's hold its settings
        self.entries[layer.name] = {**_entry(layer), "inbound_nodes": [sources]}

    def set(self, name: str, **settings: Any) -> None:
        """Change settings of a layer."""
        entry = self.entries[name]
        entry.pop("build_config", None)  # tells the old input's shape
        entry["config"] = entry["config"] | settings

    def build(self, keep_weights: bool = True, weights: Mapping[str, list[Any]] | None = None) -> Any:
        """A new model, with the original's weights by layer name, or new ones; `weights` are those of changed layers.

        Raises ModelError if a layer cannot be rebuilt.
        """
        try:
            model = tf_keras.Model.from_config(self.config)
        except (ValueError, TypeError, NotImplementedError) as error:
            reason = " ".join(str(error).split())  # Keras fills pages
            raise ModelError(f"the network cannot be rebuilt from its configuration: {reason}") from error
        if keep_weights:
            carry_weights(self.model, model, weights or {})
        return model

    def _add(self, layer: Any, behind: str) -> None:
        self.entries[layer.name] = {**_entry(layer), "inbound_nodes": [[[behind, 0, 0, {}]]]}

    def _sources(self, name: str) -> Iterator[Any]:
        """References of a layer to others; what stands for a constant is none."""
        inbound = references(self.entries[name]["inbound_nodes"])
        return (reference for reference in inbound if reference[0] in self.entries)

    def _redirect_use(self, name: str, number: int, to: str) -> None:
        """Let what reads the layer as it is applied in one place read another layer."""
        for entry in self.entries.values():
            entry["inbound_nodes"] = _renamed(entry["inbound_nodes"], name, (to, 0), number)
        self._config["output_layers"] = _renamed(self._config["output_layers"], name, (to, 0), number)

    def _redirect(self, name: str, *to: Any) -> None:
        for entry in self.entries.values():
            entry["inbound_nodes"] = _renamed(entry["inbound_nodes"], name, to)
        self._config["output_layers"] = _renamed(self._config["output_layers"], name, to)


def carry_weights(old: Any, new: Any, changed: Mapping[str, list[Any]] | None = None) -> None:
    """Give the layers of `new` the weights of those of the same name in `old`, or those in `changed` by name."""
    for layer in new.layers:
        if layer.weights:
            known = (changed or {}).get(layer.name)
            layer.set_weights(old.get_layer(layer.name).get_weights() if known is None else known)


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


def _renamed(nested: Any, name: str, to: tuple[Any, ...], use: int | None = None) -> Any:
    """The nest with each reference to `name`, as it is applied for the `use`-th time, in place of which stand `to`."""
    if isinstance(nested, dict):
        return {key: _renamed(value, name, to, use) for key, value in nested.items()}
    if not isinstance(nested, list | tuple):
        return nested
    renamed = [_renamed(part, name, to, use) for part in nested]
    if _is_reference(nested) and nested[0] == name and use in (None, nested[1]):
        renamed[: len(to)] = to
    return type(nested)(renamed)
