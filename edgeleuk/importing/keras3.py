"""Files of Keras 3 as networks of Keras 2, on which quantization-aware training works.

Keras 3 reads the file in a process of its own and hands over configuration and weights. The layers are those of Keras 2
under other keys, so the network is built again there; both then have to give the same answers to noise. What Keras 2
does not have, or answers otherwise to, is not taken; Keras 3 can still write it as a float .tflite.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.codec import read_json
from edgeleuk.errors import ModelError
from edgeleuk.importing.contents import named_as_it_is
from edgeleuk.importing.keras3_child import CONFIG, FLAT, VALUES
from edgeleuk.importing.keras3_config import OnlyKeras3Error, as_keras2
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.keras.framework import tf_keras
from edgeleuk.processes.child import run_module
from edgeleuk.text import printable

_CHILD = "edgeleuk.importing.keras3_child"
_TIMEOUT_S = 900.0  # for a large network on a small machine; most take seconds
_ROUNDING = 1e-5  # of float32, relative to the largest score
_USUAL_SHAPE = (224, 224, 3)  # for dimensions that neither file nor caller fixes


def load_keras3_file(path: Path, shape: Sequence[int] = _USUAL_SHAPE) -> Any:
    """The network in a .keras or .h5 file of Keras 3 as one of Keras 2 with the same answers, not compiled.

    Its configuration must have been checked, see `keras_file.refuse_code`. `shape`: height, width and channels that
    dimensions which are not fixed have while answers are compared. Raises OnlyKeras3Error for a network that Keras 2
    has not, ModelError for a file that Keras 3 does not read either.
    """
    with tempfile.TemporaryDirectory() as folder:
        _ask(path, Path(folder), shape, export=False)
        config = read_json(Path(folder) / CONFIG, ModelError)
        with (Path(folder) / VALUES).open("rb") as stream, np.load(stream) as values:
            network = _built(as_keras2(config, path), path)
            _carry(network, values, path)
            _compare(network, values, path)
    return network


def export_keras3_file(path: Path, shape: Sequence[int] = _USUAL_SHAPE) -> bytes:
    """The float32 .tflite that Keras 3 makes of its file, of one picture at a time; checked before, as above."""
    with tempfile.TemporaryDirectory() as folder:
        _ask(path, Path(folder), shape, export=True)
        return (Path(folder) / FLAT).read_bytes()


def _ask(path: Path, folder: Path, shape: Sequence[int], export: bool) -> None:
    """Let a process with Keras 3 read the file."""
    with named_as_it_is(path.absolute()) as named:
        job = {"path": str(named), "folder": str(folder), "shape": list(shape), "export": export}
        outcome = run_module(_CHILD, job, timeout_s=_TIMEOUT_S)
    if outcome.failure is not None:
        told = outcome.failure.replace(str(named), str(path))
        raise ModelError(told if not outcome.died else f"{path}, saved by Keras 3, could not be read by it: {told}")


def _built(config: dict[str, Any], path: Path) -> Any:
    tf_keras.backend.clear_session()
    try:
        return tf_keras.models.model_from_config(config)
    except Exception as error:  # Keras raises many kinds for configurations that it cannot build
        raise OnlyKeras3Error(path, f"Keras 2 cannot build it: {first_sentence(error)}") from error


def _carry(network: Any, values: Any, path: Path) -> None:
    """Set the weights of each layer, which have the same order in both."""
    names = {key.rpartition("/")[0].removeprefix("weight/") for key in values.files if key.startswith("weight/")}
    layers = {name: layer for name, layer in _layers(network) if layer.weights}
    if names != set(layers):
        other = sorted(names ^ set(layers))[0]
        raise OnlyKeras3Error(path, f"its layer {printable(other)} has weights in one of Keras 2 and 3 only")
    for name, layer in layers.items():
        count = sum(key.rpartition("/")[0] == f"weight/{name}" for key in values.files)
        try:
            layer.set_weights([values[f"weight/{name}/{number}"] for number in range(count)])
        except ValueError as error:
            raise OnlyKeras3Error(
                path, f"its layer {printable(name)} has weights of other shapes in Keras 2"
            ) from error


def _layers(model: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Each layer that is no model, with its path."""
    found: list[tuple[str, Any]] = []
    for layer in model.layers:
        name = f"{prefix}{layer.name}"
        found += _layers(layer, f"{name}/") if isinstance(layer, tf_keras.Model) else [(name, layer)]
    return found


def _compare(network: Any, values: Any, path: Path) -> None:
    """Raise OnlyKeras3Error unless both answer to noise alike, to within float rounding."""
    expected = values["scores"]
    found = np.asarray(network(values["noise"].astype(network.inputs[0].dtype.name), training=False))
    apart = np.abs(found - expected).max() if found.shape == expected.shape else np.inf
    if not apart <= _ROUNDING * max(1.0, float(np.abs(expected).max())):
        what = f"Keras 2 gives other scores, by {apart:.2g}: a layer of it computes otherwise there"
        raise OnlyKeras3Error(path, what)
