"""Small model files in the forms in which people have them, made from noise; `python -m tests.importing.cases DIR`."""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgeleuk.keras.framework import tf_keras

_LAYERS = tf_keras.layers
SIZE_PX = 32
SPEC = {"classes": ["blast", "normal"], "preprocessing": {"input_size_px": SIZE_PX, "crop_px": 75}}
_LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 87910968\n"


def write_spec(folder: Path) -> Path:
    """A spec that says no more than classes and sizes."""
    path = folder / "spec.json"
    path.write_text(json.dumps(SPEC))
    return path


def write_images(folder: Path, count: int = 40) -> Path:
    """Pictures of two classes that differ in colour, flat noise around it."""
    random = np.random.default_rng(0)
    for number in range(count):
        name, level = (("blast", 90), ("normal", 170))[number % 2]
        tint = random.uniform(-40, 40, 3)
        pixels = np.clip(level + tint + random.normal(0, 30, (80, 80, 3)), 0, 255).astype(np.uint8)
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _network(
    middle: Callable[[Any], Any] = lambda x: x,
    end: Callable[[Any], Any] | None = None,
    shape: Any = (SIZE_PX, SIZE_PX, 3),
    front: Callable[[Any], Any] = lambda x: x,
    **image: Any,
) -> Any:
    """One convolution and one layer of scores that tells dark pictures from bright ones."""
    given = _LAYERS.Input(shape, **image)
    x = middle(_LAYERS.Conv2D(8, 3, strides=2)(front(given)))
    network = tf_keras.Model(given, (end or _softmax)(_LAYERS.GlobalAveragePooling2D()(x)))
    *bodies, head = (layer for layer in network.layers if isinstance(layer, _LAYERS.Conv2D | _LAYERS.Dense))
    random = np.random.default_rng(4)
    for body in bodies:
        kernel, bias = body.get_weights()
        body.set_weights([random.uniform(0, 2 / np.prod(kernel.shape[:3]), kernel.shape), bias])  # a mean, nearly
    kernel, bias = head.get_weights()
    signs = np.linspace(-1, 1, kernel.shape[-1]) if kernel.shape[-1] > 1 else np.ones(1)
    head.set_weights([np.broadcast_to(signs, kernel.shape), bias])  # the brighter, the more it is the last class
    return network


def _dense(count: int, activation: str | None, **settings: Any) -> Callable[[Any], Any]:
    made: Callable[[Any], Any] = _LAYERS.Dense(count, activation=activation, name="head", **settings)
    return made


def _softmax(x: Any) -> Any:
    return _dense(2, "softmax")(x)


def _convolved(x: Any) -> Any:
    x = _LAYERS.Conv2D(2, 1)(_LAYERS.Reshape((1, 1, 8))(x))
    return _LAYERS.Softmax()(x)


def _maximums(x: Any) -> Any:
    for _ in range(3):
        x = _LAYERS.Conv2D(8, 1)(x)
        x = _LAYERS.Maximum()([x, x * 0.1])
    return x


def _dead_filter() -> Any:
    """A filter of zeros, without whose bias a dark picture is of no class."""
    network = _network(lambda x: _LAYERS.Conv2D(8, 1, activation="relu", name="dead")(x))
    kernel, bias = network.get_layer("dead").get_weights()
    kernel[..., 3], bias[3] = 0.0, 2.5
    network.get_layer("dead").set_weights([kernel, bias])
    head = network.get_layer("head")
    kernel, bias = head.get_weights()
    kernel[3] = 0.4, -0.4
    head.set_weights([kernel, bias])
    return network


def _mixed() -> Any:
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        return _network(lambda x: x, _dense(2, "softmax", dtype="float32"))
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")


def _raw(x: Any) -> Any:
    return _LAYERS.Rescaling(1 / 127.5, -1)(x)


def _augmented(x: Any) -> Any:
    x = _LAYERS.RandomFlip()(_LAYERS.Resizing(SIZE_PX, SIZE_PX)(x))
    return _LAYERS.RandomRotation(0.1)(_raw(x))


# Each is a file NAME.h5.
MODELS: dict[str, Callable[[], Any]] = {
    "any_size": lambda: _network(shape=(None, None, 3)),
    "batch_of_one": lambda: _network(batch_size=1),
    "dead_filter": _dead_filter,
    "leaky_relu": lambda: _network(_LAYERS.LeakyReLU(0.1)),
    "logits": lambda: _network(end=_dense(2, None)),
    "mixed_float16": _mixed,
    "output_1x1": lambda: _network(end=_convolved),
    "sigmoid_1": lambda: _network(end=_dense(1, "sigmoid")),
    "sigmoids": lambda: _network(end=_dense(2, "sigmoid")),
    "swish": lambda: _network(_LAYERS.Activation("swish")),
    "three_maximums": lambda: _network(_maximums),
    "uint8_input": lambda: _network(front=_raw, dtype="uint8"),
    "rescaled_inside": lambda: _network(front=_raw),
    "augmented_inside": lambda: _network(front=_augmented, shape=(None, None, 3)),
    "preprocessed_inside": lambda: _network(front=tf_keras.applications.resnet50.preprocess_input),
    "elu": lambda: _network(_LAYERS.ELU()),
    "prelu": lambda: _network(_LAYERS.PReLU(shared_axes=[1, 2])),
    "selu": lambda: _network(_LAYERS.Activation("selu")),
    "group_normalization": lambda: _network(_LAYERS.GroupNormalization(4)),
}


def write_models(folder: Path) -> Path:
    """All of them, and what is no model by itself: saved_model, weights_only.h5, lfs_pointer.h5."""
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are saving your model as an HDF5 file")
        for name, make in MODELS.items():
            make().save(folder / f"{name}.h5")
        _network().save_weights(folder / "weights_only.h5")
        _network().save(folder / "saved_model", save_format="tf")
    (folder / "lfs_pointer.h5").write_text(_LFS)
    return folder


if __name__ == "__main__":
    made = Path(sys.argv[1])
    write_models(made / "models")
    write_spec(made / "models")
    write_images(made / "images")
