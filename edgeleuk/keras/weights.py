"""A network's weights as a .npz, in the order of `model.get_weights()`.

Not Keras HDF5: that names each array by its layer's last part, and the wrappers of quantization-aware training give
several arrays of a layer the same name.
"""

import zipfile
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.errors import ModelError
from edgeleuk.files import whole_file

DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)  # what a damaged .npz raises


def save_arrays(path: Path, series: dict[str, Sequence[Any]], **single: Any) -> None:
    """Write each series as NAME_0, NAME_1 ... and each single array by its name, atomically. Raises OutputError."""
    arrays = {f"{name}_{i}": value for name, values in series.items() for i, value in enumerate(values)}
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.savez(stream, **arrays, **single)


def read_series(archive: Any, name: str) -> list[Any]:
    """The arrays NAME_0, NAME_1 ... of an open .npz, in order."""
    count = sum(key.rpartition("_")[0] == name for key in archive.files)
    return [archive[f"{name}_{i}"] for i in range(count)]


def save_weights(model: Any, path: Path) -> None:
    """Write the weights atomically. Raises OutputError."""
    save_arrays(path, {"weight": model.get_weights()})


def load_weights(model: Any, path: Path, order: Sequence[str] = ()) -> Any:
    """Set the model's weights to those in path and return it. Raises ModelError if they do not fit.

    `order`: names of its layers with weights as they lie there, if not in the model's own order.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            found = read_series(archive, "weight")
            _set_by_layer(model, found, order) if order else model.set_weights(found)
    except DAMAGED as error:
        reason = str(error).partition(", but ")[0][:200]  # Keras goes on to list every array
        raise ModelError(f"{path} does not fit the network of its run: {reason}") from error
    return model


def _set_by_layer(model: Any, arrays: list[Any], order: Sequence[str]) -> None:
    """Raises ValueError for too few arrays or too many, or such as do not fit."""
    layers = [model.get_layer(name) for name in order]
    if len(arrays) != sum(len(layer.weights) for layer in layers) or len(arrays) != len(model.weights):
        raise ValueError(f"it holds {len(arrays)} arrays, the network {len(model.weights)}")
    given = iter(arrays)
    for layer in layers:
        layer.set_weights(list(islice(given, len(layer.weights))))
