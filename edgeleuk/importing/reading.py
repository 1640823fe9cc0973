"""Model files of Keras 2 in each form that people save them in, as a network that may still be nested."""

from pathlib import Path
from typing import Any

from edgeleuk.errors import ModelError, UsageError
from edgeleuk.importing.architecture import build, read_architecture
from edgeleuk.importing.keras_file import load_keras_file
from edgeleuk.importing.weights_file import load_weights_file


def read_network(path: Path, weights: Path | None = None) -> Any:
    """The network of a whole model in HDF5 or .keras, or of an architecture in JSON with its weights, not compiled.

    Nothing that a file holds is run. Raises ModelError with what the file is if it is not taken, UsageError if weights
    are missing, or given to a model that has its own.
    """
    if not _is_json(path):
        if weights is not None:
            raise UsageError(f"{path} holds its own weights; --weights is for an architecture alone (model.to_json())")
        return load_keras_file(path)
    config = read_architecture(path)
    if weights is None:
        raise UsageError(f"{path} is an architecture without weights; give them with --weights FILE.h5")
    network = build(config, path)
    load_weights_file(network, weights, path)
    return network


def _is_json(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(64).lstrip()[:1] in (b"{", b'"')
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
