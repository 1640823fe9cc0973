"""The notebook's own model as its own Keras saves it: an architecture in JSON and weights alone in HDF5.

usage: python make_notebook_model.py PIXELS.npy OUT_DIR  (in an environment with tensorflow-cpu 2.12, Keras 2.12)

PIXELS: float32 [n, 300, 300, 3], as the network is shown images. Weights are random; batch-norm statistics are those of
the images, with offsets that keep most activations above zero, and the last layer puts the border between the classes
into the middle of the direction in which the images' features differ most: a deep random network would amplify rounding
otherwise, which no trained network does. Writes model.json, model.h5, answers.npy (float32 [n, 2]) and version.txt; the
same network as a SavedModel, saved_model/, and as a .keras file, whole.keras.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

_OFFSET = 2.0  # in standard deviations: where batch normalization puts the middle of each channel
_LOGIT = 2.0  # mean distance of an image's logits from 0


def main(pixels_path: Path, out: Path) -> None:
    """Build, settle, and save."""
    import tensorflow as tf

    keras = tf.keras
    keras.utils.set_random_seed(0)
    base = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg", input_shape=(None, None, 3))
    layers = [base, keras.layers.Dropout(0.25), keras.layers.Dense(2, activation="sigmoid", name="output")]
    model = keras.Sequential(layers)
    pixels = np.load(pixels_path)
    _settle(base, pixels)
    _fit_head(model, base.predict(pixels, batch_size=8, verbose=0))
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.json").write_text(model.to_json())
    model.save_weights(out / "model.h5")
    model.save(out / "whole.keras")
    model.save(out / "saved_model")
    np.save(out / "answers.npy", model.predict(pixels, batch_size=8, verbose=0))
    (out / "version.txt").write_text(f"tensorflow {tf.__version__}, keras {keras.__version__}\n")


def _settle(base: Any, pixels: Any) -> None:
    random = np.random.default_rng(0)
    for layer in base.layers:
        if hasattr(layer, "moving_variance"):
            layer.momentum = 0.0
            layer.beta.assign(_OFFSET + 0.1 * random.standard_normal(layer.beta.shape))
    base(pixels[:32], training=True)
    for layer in base.layers:
        if hasattr(layer, "moving_variance"):
            layer.momentum = 0.99


def _fit_head(model: Any, features: Any) -> None:
    """Along the first principal direction of the features, with the border in the widest gap near its middle."""
    centred = features - features.mean(axis=0)
    along = np.linalg.svd(centred, full_matrices=False)[2][0]
    where = np.sort(features @ along)
    inner = where[len(where) // 4 : -(len(where) // 4) or None]
    widest = int(np.argmax(np.diff(inner)))
    border = inner[widest : widest + 2].mean()
    scale = _LOGIT / np.abs(where - border).mean()
    kernel = np.stack([-along, 0.8 * along], axis=1) * scale
    model.get_layer("output").set_weights([kernel, np.array([border, -0.8 * border]) * scale])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
