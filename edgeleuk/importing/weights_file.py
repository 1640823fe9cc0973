"""Weights that were saved apart from their network, read into it, or the layer that they do not fit.

Keras 2 has two layouts of HDF5: of `save_weights("name.h5")`, groups of layers in topological order whose weights have
names, and of `save_weights("name.weights.h5")`, a tree of the model's objects. Which one it is its content says.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.errors import ModelError
from edgeleuk.importing.contents import HDF5, cut_off, kind_of, refuse_weights
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.text import printable


@dataclass(frozen=True)
class _Stored:
    """Weights of one layer of a file: names as they stand in it, and their HDF5 datasets."""

    layer: str
    names: tuple[str, ...]
    values: tuple[Any, ...]


def load_weights_file(network: Any, path: Path, model_path: Path) -> None:
    """Give a network the weights of an HDF5 file, by names if they are the network's, else in the order of layers.

    Raises ModelError that names the first layer which they do not fit.
    """
    import h5py

    if kind_of(path) != HDF5:
        refuse_weights(path)
    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            if "layer_names" in group.attrs:
                _fill(network, tuple(_stored(group)), path, model_path)
                return
            stored = _tree_size(file)
    except (OSError, RuntimeError, KeyError) as error:
        raise cut_off(path, error) from error
    if not stored:
        raise ModelError(f"{path} is an HDF5 file that holds no weights of Keras")
    _load_tree(network, path, model_path)
    if stored != len(network.weights):
        raise ModelError(
            f"{path} holds {stored} arrays of weights, and the network in {model_path} takes {len(network.weights)}: "
            "they are not of one network"
        )


def _tree_size(file: Any) -> int:
    """How many arrays of weights the tree of a model holds."""
    found: list[str] = []
    file.visititems(lambda name, value: found.append(name) if hasattr(value, "shape") else None)
    return sum(not name.startswith("optimizer") for name in found if "/vars/" in f"/{name}")


def _fill(network: Any, stored: Sequence[_Stored], path: Path, model_path: Path) -> None:
    by_name = {name: value for layer in stored for name, value in zip(layer.names, layer.values, strict=True)}
    names = [variable.name for variable in network.weights]
    unique = len(by_name) == sum(len(layer.names) for layer in stored) and len(set(names)) == len(names)
    if unique and set(names) == set(by_name):
        pairs = [(variable, by_name[variable.name]) for variable in network.weights]
        _check_shapes(pairs, path, model_path)
    else:
        pairs = list(_in_order(network, stored, path, model_path))
    for variable, value in pairs:
        variable.assign(np.asarray(value))


def _in_order(network: Any, stored: Sequence[_Stored], path: Path, model_path: Path) -> Iterator[tuple[Any, Any]]:
    """Each variable with its values. Raises ModelError at the first layer whose shapes are others."""
    layers = [layer for layer in network.layers if layer.weights]
    found = {layer.layer: layer for layer in stored}
    if {layer.name for layer in layers} == set(found):
        stored = [found[layer.name] for layer in layers]
    for layer, have in zip(layers, stored, strict=False):
        variables = layer.trainable_weights + layer.non_trainable_weights
        if [tuple(v.shape) for v in variables] != [tuple(value.shape) for value in have.values]:
            raise ModelError(
                _misfit(layer.name, _shapes(variables), have.layer, _shapes(have.values), path, model_path)
            )
        yield from zip(variables, have.values, strict=True)
    if len(layers) != len(stored):
        longer, count, where = (
            (layers, len(stored), path) if len(layers) > len(stored) else (stored, len(layers), model_path)
        )
        first = longer[count]
        name = first.layer if isinstance(first, _Stored) else first.name
        raise ModelError(
            f"{path} holds weights of {len(stored)} layers, and the network in {model_path} has {len(layers)} with "
            f"weights: {where} has none for layer {printable(name)}; they are not of one network"
        )


def _check_shapes(pairs: Sequence[tuple[Any, Any]], path: Path, model_path: Path) -> None:
    for variable, value in pairs:
        if tuple(variable.shape) != tuple(value.shape):
            name = variable.name.rpartition("/")[0] or variable.name
            raise ModelError(_misfit(name, _shapes([variable]), name, _shapes([value]), path, model_path))


def _misfit(layer: str, takes: str, other: str, has: str, path: Path, model_path: Path) -> str:
    theirs = "" if layer == other else f" for its layer {printable(other)}"
    return (
        f"the weights in {path} do not fit the network in {model_path}: layer {printable(layer)} takes {takes}, and "
        f"the file holds {has}{theirs}; give the weights that were saved from this network"
    )


def _shapes(values: Sequence[Any]) -> str:
    listed = [f"({', '.join(map(str, value.shape))})" for value in values]
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")


def _stored(group: Any) -> Iterator[_Stored]:
    """Layers of the file that have weights, in its order."""
    for layer in _attribute(group, "layer_names"):
        names = _attribute(group[layer], "weight_names")
        if names:
            yield _Stored(layer, names, tuple(group[layer][name] for name in names))


def _attribute(group: Any, name: str) -> tuple[str, ...]:
    """A list of names; Keras splits one over several attributes if it is longer than HDF5 takes."""
    values: list[Any] = list(group.attrs[name]) if name in group.attrs else []
    part = 0
    while f"{name}{part}" in group.attrs:
        values += list(group.attrs[f"{name}{part}"])
        part += 1
    return tuple(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values)


def _load_tree(network: Any, path: Path, model_path: Path) -> None:
    """Through Keras, which knows this layout by the file's name alone."""
    with tempfile.TemporaryDirectory(prefix="edgeleuk-") as folder:
        link = Path(folder) / "model.weights.h5"
        link.symlink_to(path.resolve())
        try:
            network.load_weights(link)
        except (ValueError, KeyError, OSError, RuntimeError) as error:
            raise ModelError(
                f"the weights in {path} do not fit the network in {model_path}: {first_sentence(error)}"
            ) from error
