"""Models and images to compare machines on; needs TensorFlow, so it runs where models are trained.

    models.py FOLDER            small-int8, tiny-75-int8 and half-160-int8.tflite, the latter two rewritten, too, and
                                cells in every image format
    models.py FOLDER --full     full-299-int8 and full-299-rewritten-int8.tflite as well
    models.py FOLDER --golden   only what is committed in golden/: small-int8.tflite and its images

A network of random weights says the same of every image; here each layer's batch norm is set to what these images give,
biases are drawn and the last layer is scaled, so that a wrong kernel somewhere changes what comes out.
"""

import argparse
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.synthetic.synth import write_cells
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.quantization.proof import check_int8, examine
from edgeleuk.runtime.bundle import write_bundle
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec import ModelSpec, Preprocessing

CLASSES = tuple(
    f"class-{number}" for number in range(8)
)  # more outputs than a diagnosis has, to see more of the network
INCEPTIONS = {"tiny-75": (75, 0.125), "half-160": (160, 0.5), "full-299": (299, 1.0)}  # input size in pixels, width
FULL = "full-299"
POOLS = {"": "average", "-rewritten": "depthwise"}  # as from Keras; as `convert --int8` leaves it
SMALL_SIZE_PX, SMALL_CROP_PX = 32, 64
_LOSSY: dict[str, dict[str, Any]] = {
    "cell.jpg": {"quality": 90},
    "cell-progressive.jpg": {"quality": 70, "progressive": True},
}


def main() -> None:
    """Write models and images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--golden", action="store_true", help="only the small model and its images")
    parser.add_argument("--full", action="store_true", help="the full-size networks, too")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    write_small(given.folder)
    if not given.golden:
        pictures = write_cell_images(given.folder)
        for name, pools in itertools.product(INCEPTIONS, POOLS):
            if given.full or name != FULL:
                write_inception(given.folder, name, pools, pictures)


def write_small(folder: Path) -> None:
    """Write small-int8.tflite and noise images for it, which no decoder can read differently."""
    spec = ModelSpec(CLASSES, Preprocessing(SMALL_SIZE_PX, SMALL_CROP_PX))
    pictures = [noise_image(seed) for seed in range(4)]
    for number, picture in enumerate(pictures):
        picture.save(folder / f"noise-{number}.png")
    inputs = [network_input(picture, spec) for picture in pictures]
    network = small_network()
    enliven(network, inputs)
    write_int8(network, spec, inputs, folder / "small-int8.tflite")


def small_network() -> Any:
    """Each kind of layer that InceptionV3 has, once or twice, for 32 px."""
    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = layers.Input((SMALL_SIZE_PX, SMALL_SIZE_PX, 3))
    stem = _convolution(layers.MaxPooling2D(3, strides=2)(_convolution(image, 16, 3, 1)), 24, 3, 2)
    branches = [
        _convolution(stem, 8, 1, 1),
        _convolution(stem, 16, 3, 1),
        _convolution(layers.AveragePooling2D(3, strides=1, padding="same")(stem), 8, 1, 1),
    ]
    features = layers.GlobalAveragePooling2D()(layers.Concatenate()(branches))
    return tf_keras.Model(image, layers.Softmax()(layers.Dense(len(CLASSES))(features)))


def _convolution(values: Any, filters: int, size: int, strides: int) -> Any:
    layers = tf_keras.layers
    convolved = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(values)
    return layers.ReLU()(layers.BatchNormalization(scale=False)(convolved))


def write_inception(folder: Path, name: str, pools: str, pictures: list[Image.Image]) -> None:
    """Write NAME-int8.tflite or NAME-rewritten-int8.tflite, an InceptionV3 for the cells."""
    size_px, width = INCEPTIONS[name]
    spec = ModelSpec(CLASSES, Preprocessing(size_px, pictures[0].width))
    tf_keras.utils.set_random_seed(0)
    # Those whose values are compared are not rewritten: tflite-runtime's int8 kernels for what then stands for average
    # pools round otherwise on ARM than on x86.
    network = build_network(NetworkConfig(len(CLASSES), size_px, width, pools=POOLS[pools]))
    inputs = [network_input(picture, spec) for picture in pictures]
    enliven(network, inputs)
    write_int8(network, spec, inputs, folder / f"{name}{pools}-int8.tflite")


def enliven(network: Any, inputs: list[NDArray[np.float32]]) -> None:
    """Normalise each layer on `inputs` and draw its biases; scale the last layer so that outputs differ clearly."""
    random = np.random.default_rng(0)
    batch = np.concatenate(inputs)
    for layer in network.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.momentum = 0.0  # one batch is all it learns from
            layer.beta.assign(random.normal(0.1, 0.3, layer.beta.shape))
    network(batch, training=True)
    [dense] = [layer for layer in network.layers if isinstance(layer, tf_keras.layers.Dense)]
    dense.bias.assign(random.normal(0, 0.5, dense.bias.shape))
    features = tf_keras.Model(network.input, dense.input)(batch).numpy()
    spread = np.std(features - features.mean(axis=0)) * np.sqrt(features.shape[1])
    dense.kernel.assign(random.normal(0, 1.5 / spread, dense.kernel.shape))


def write_int8(network: Any, spec: ModelSpec, inputs: list[NDArray[np.float32]], path: Path) -> None:
    """Quantize after training and write the file that goes to a device."""
    content = quantize_int8(convert_float(network), inputs, spec.preprocessing.input_range)
    proof = examine(content, "int8", spec.preprocessing)
    check_int8(proof)
    write_bundle(path, content, spec, proof.to_dict(), frozenset())


def network_input(picture: Image.Image, spec: ModelSpec) -> NDArray[np.float32]:
    """float32 [1, size, size, 3]."""
    return scale_pixels(fit_to_input(picture, spec.preprocessing)[np.newaxis], spec.preprocessing)


def noise_image(seed: int) -> Image.Image:
    """Blocks of random colour, 96 x 80 px: nothing in it depends on a machine's arithmetic."""
    blocks = np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    return Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), np.uint8)))


def write_cell_images(folder: Path) -> list[Image.Image]:
    """Write cells in each format and mode that `edgeleuk infer` takes; returns the pictures that they show."""
    with tempfile.TemporaryDirectory() as scratch:
        write_cells(Path(scratch) / "cells", subjects=8, images_per_subject=1, folds=2)
        pictures = [Image.open(path).convert("RGB") for path in sorted(Path(scratch).rglob("*.bmp"))]
    first, second = pictures[:2]
    first.save(folder / "cell.bmp")
    second.save(folder / "cell.png")
    second.save(folder / "cell.tif", compression="tiff_deflate")
    second.convert("L").save(folder / "grey.png")
    first.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "palette.bmp")
    for name, options in _LOSSY.items():
        first.save(folder / name, **options)
    second.save(folder / "cell.webp", quality=80)
    first.crop((30, 0, 420, 450)).save(folder / "narrow.jpg", quality=95, subsampling=0)
    return pictures


if __name__ == "__main__":
    main()
