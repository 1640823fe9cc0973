"""The one network that every engine runs, the images, and what the float network says of them.

Its average pools stand as `tf_keras` has them, and its convolutions keep their seeded random weights. Batch-norm
statistics are those of the calibration images, so that activations neither vanish nor explode, and their offsets keep
most activations above zero: without, a deep random network amplifies rounding until int8 says nothing of its labels,
which no trained network does. The last layer puts the border between the classes into the widest gap along the
direction in which the images' features differ most, so that an engine which computes the same network gives the same
labels, and one that does not gives others.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.models import SHAPES, Shape, network, spec, write_images
from edgeleuk.files import whole_file

WEIGHTS, REFERENCE = "network.npz", "reference.npy"
CALIBRATION, EVALUATION = "calibration.npy", "evaluation.npy"  # pixels, uint8
CALIBRATION_INPUTS, EVALUATION_INPUTS = "calibration-inputs.npy", "evaluation-inputs.npy"  # the same, float32
_IMAGES_PER_SUBJECT = 16  # of 8 subjects; every second image is calibrated on, the others are evaluated
_BATCH = 32
_OFFSET = 2.0  # in standard deviations: where batch normalization puts the middle of each channel
_LOGIT = 1.0  # mean distance of a calibration image's logits from 0


def main() -> None:
    """Write images, network and reference to a folder."""
    given = arguments(__doc__)
    shape, folder = SHAPES[given.size], given.folder
    pixels = draw_images(shape)
    calibration, evaluation = scaled(pixels[::2], shape), scaled(pixels[1::2], shape)
    model = network(shape, pools="average")
    settle_statistics(model, calibration[:_BATCH])
    fit_head(model, calibration)
    save(folder / CALIBRATION, pixels[::2])
    save(folder / EVALUATION, pixels[1::2])
    save(folder / CALIBRATION_INPUTS, calibration)
    save(folder / EVALUATION_INPUTS, evaluation)
    save(folder / REFERENCE, model.predict(evaluation, batch_size=_BATCH, verbose=0))
    with whole_file(folder / WEIGHTS) as partial, partial.open("wb") as stream:
        np.savez(stream, *model.get_weights())


def arguments(description: str | None) -> argparse.Namespace:
    """What each maker is told: WHAT to make of which SIZE, in which FOLDER."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("what", help="name of the file to make")
    made.add_argument("size", choices=SHAPES, help="name of the network's shape")
    made.add_argument("folder", type=Path, help="where the files of that shape lie")
    return made.parse_args()


def save(path: Path, array: NDArray[Any]) -> None:
    """Write an array as .npy, whole or not at all."""
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.save(stream, array)


def scaled(pixels: NDArray[np.uint8], shape: Shape, on_int8_grid: bool = False) -> NDArray[np.float32]:
    """Float32 of the same shape, as edgeleuk's preprocessing scales pixels; `on_int8_grid`: as its int8 input does."""
    from edgeleuk.runtime.preprocessing import scale_pixels

    preprocessing = spec(shape).preprocessing
    return scale_pixels(pixels, preprocessing.on_int8_grid() if on_int8_grid else preprocessing)


def load_network(folder: Path, shape: Shape) -> Any:
    """The Keras network that `main` made."""
    model = network(shape, pools="average")
    with np.load(folder / WEIGHTS) as arrays:
        model.set_weights([arrays[name] for name in arrays.files])
    return model


def draw_images(shape: Shape) -> NDArray[np.uint8]:
    """Synthetic cells as the network sees them, uint8 [n, size, size, 3], their subjects and classes mixed."""
    from edgeleuk.runtime.images import decode_image
    from edgeleuk.runtime.preprocessing import fit_to_input

    with tempfile.TemporaryDirectory() as scratch:
        paths = write_images(Path(scratch) / "cells", _IMAGES_PER_SUBJECT)
        order = np.random.default_rng(0).permutation(len(paths))
        preprocessing = spec(shape).preprocessing
        return np.stack([fit_to_input(decode_image(paths[position]), preprocessing) for position in order])


def settle_statistics(model: Any, images: NDArray[np.float32]) -> None:
    """Set every moving mean and variance to that of these images, and the offset after it to `_OFFSET`."""
    layers = [layer for layer in model.layers if hasattr(layer, "moving_variance")]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.beta.assign(np.full(layer.beta.shape, _OFFSET, np.float32))
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def fit_head(model: Any, images: NDArray[np.float32]) -> None:
    """Logits +-(w f - t) of features f: w their first principal component, t in its widest gap; see `widest_gap`."""
    from edgeleuk.keras.framework import tf_keras

    backbone = tf_keras.Model(model.input, model.get_layer("average").output)
    features = backbone.predict(images, batch_size=_BATCH, verbose=0).astype(np.float64)
    direction = np.linalg.svd(features - features.mean(axis=0), full_matrices=False).Vh[0]
    along = features @ direction
    border = widest_gap(along)
    scale = _LOGIT / np.abs(along - border).mean()
    kernel = scale * np.stack([direction, -direction], axis=1)
    model.get_layer("logits").set_weights([kernel, scale * np.array([-border, border])])


def widest_gap(values: NDArray[np.float64]) -> float:
    """The middle of the widest gap between neighbours within the middle half of the values."""
    ordered = np.sort(values)
    middle = ordered[len(ordered) // 4 : 3 * len(ordered) // 4 + 1]
    widest = int(np.argmax(np.diff(middle)))
    return float(middle[widest : widest + 2].mean())


if __name__ == "__main__":
    main()
