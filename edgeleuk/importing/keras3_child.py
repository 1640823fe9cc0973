"""What Keras 3 knows of a model file, found in a process of its own: TensorFlow holds one Keras at a time.

The process that starts it has checked the configuration in the file. Here it is read in safe mode all the same, and
nothing of this package's Keras is imported.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingExtraError, ModelError
from edgeleuk.processes.child import answer
from edgeleuk.text import printable

CONFIG, VALUES, FLAT = "config.json", "values.npz", "model.tflite"
_NOISE = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))  # what pictures are scaled to, as far as one can know


def main() -> None:
    """Read a model and leave in a folder what was asked for."""
    answer(_read)


def _read(job: dict[str, Any]) -> dict[str, Any]:
    keras, path, folder = _keras(), Path(job["path"]), Path(job["folder"])
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"{path} cannot be read by Keras {keras.__version__}: {_first_line(error)}") from error
    shape = _shape(model, job["shape"])
    if job["export"]:
        model = _fixed(keras, model, shape)
        try:
            model.export(folder / FLAT, format="litert", verbose=False)
        except Exception as error:
            told = f"cannot be written as a float .tflite by Keras {keras.__version__}: {_first_line(error)}"
            raise ModelError(f"{path} {told}") from error
    else:
        _describe(keras, model, shape, folder)
    return {"version": keras.__version__}


def _keras() -> Any:
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
    except ImportError as error:
        raise MissingExtraError(f"reading a file of Keras 3 ({error.name} is missing)", "train") from error
    if not keras.__version__.startswith("3"):
        raise ModelError(
            f"the file was saved by Keras 3 and the Keras here is {keras.__version__}; pip install 'keras>=3'"
        )
    return keras


def _shape(model: Any, wanted: list[int]) -> tuple[int, ...]:
    """That of one picture, with what is not fixed taken from what is wanted."""
    inputs, outputs = model.inputs or [], model.outputs or []
    if len(outputs) != 1:
        names = ", ".join(printable(name) for name in getattr(model, "output_names", ()))
        raise ModelError(f"the network has {len(outputs)} outputs ({names}); expected one, the scores of the classes")
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise ModelError(f"the network has {len(inputs)} inputs; expected one, of pictures [height, width, channels]")
    return tuple(int(had or want) for had, want in zip(inputs[0].shape[1:], wanted, strict=True))


def _fixed(keras: Any, model: Any, shape: tuple[int, ...]) -> Any:
    """One that takes one picture at a time."""
    source = keras.Input(shape, batch_size=1, dtype=model.inputs[0].dtype)
    return keras.Model(source, model(source, training=False))


def _describe(keras: Any, model: Any, shape: tuple[int, ...], folder: Path) -> None:
    """Leave its configuration, the weights of each layer by path, and what it makes of noise."""
    config = keras.saving.serialize_keras_object(model)
    (folder / CONFIG).write_text(json.dumps(config, default=str), encoding="utf-8")
    random = np.random.default_rng(0)
    noise = np.stack([random.uniform(low, high, shape) for low, high in _NOISE for _ in range(2)]).astype(np.float32)
    scores = np.asarray(model(noise.astype(model.inputs[0].dtype), training=False), np.float32)
    arrays: dict[str, Any] = {"noise": noise, "scores": scores}
    for name, values in _weights(model):
        arrays |= {f"weight/{name}/{number}": value for number, value in enumerate(values)}
    with (folder / VALUES).open("wb") as stream:
        np.savez(stream, **arrays)


def _weights(model: Any, prefix: str = "") -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """Weights of each layer that is no model, by its path."""
    for layer in model.layers:
        name = f"{prefix}{layer.name}"
        if hasattr(layer, "layers"):
            yield from _weights(layer, f"{name}/")
        elif layer.weights:
            yield name, [np.asarray(value) for value in layer.get_weights()]


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(lines[0])[:240] if lines else type(error).__name__
