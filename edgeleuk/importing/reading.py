"""Model files of Keras 2 in each form that people save them in, as a network that may still be nested."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeleuk.errors import UsageError
from edgeleuk.importing.architecture import build, read_architecture
from edgeleuk.importing.contents import JSON, kind_of
from edgeleuk.importing.keras_file import load_keras_file
from edgeleuk.importing.saved_model import load_saved_model
from edgeleuk.importing.weights_file import load_weights_file


def read_network(path: Path, weights: Path | None = None, shape: Sequence[int] = ()) -> Any:
    """The network of a whole model (HDF5, .keras, SavedModel), or of an architecture in JSON with its weights.

    `shape`: height, width and channels of the input of an architecture that says none. The network is not compiled, and
    nothing that a file holds is run. Raises ModelError with what the file is if it is not taken, UsageError if weights
    are missing, or given to a model that has its own.
    """
    whole = path.is_dir() or kind_of(path) != JSON
    if whole and weights is not None:
        raise UsageError(f"{path} holds its own weights; --weights is for an architecture alone (model.to_json())")
    if path.is_dir():
        return load_saved_model(path)
    if whole:
        return load_keras_file(path)
    config = read_architecture(path)
    if weights is None:
        raise UsageError(f"{path} is an architecture without weights; give them with --weights FILE.h5")
    network = build(config, path)
    if not network.built and shape:
        network.build((None, *shape))
    load_weights_file(network, weights, path)
    return network
