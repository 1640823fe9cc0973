"""Networks of `tf_keras.applications`, trained from random weights, through `convert --int8`: do the labels agree?

Seven tenths of the images train the network; of the others, 128 set ranges and the rest is compared on. Saved as a
user would save it, and converted by the command with its usual gate. On synthetic cells without a folder.
--untrained only shows that a network becomes int8 and in how many pieces: what it answers says nothing.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, finish, parser, positive, progress
from benchmarks.models import write_images
from edgeleuk.data.index import Index
from edgeleuk.spec import ModelSpec, Preprocessing

AGREEMENT_BAR = 0.98
TRAINED = ("MobileNetV2", "EfficientNetB0")
# What each takes, by name: scale and offset of its input's pixels.
_UNIT, _RAW, _CAFFE = (1 / 127.5, -1.0), (1.0, 0.0), (1.0, (-103.939, -116.779, -123.68))
NETWORKS: dict[str, Any] = {
    "MobileNetV2": _UNIT,
    "EfficientNetB0": _RAW,
    "MobileNetV3Large": _RAW,
    "EfficientNetV2B0": _RAW,
    "ResNet50": _CAFFE,
    "DenseNet121": _UNIT,
    "NASNetMobile": _UNIT,
}
_BATCH, _RATE, _HELD_OUT, _CALIBRATED, _COMPARED = 32, 2e-3, 0.3, 128, 500
_Examples = tuple[NDArray[np.float32], NDArray[np.int64]]


def main() -> int:
    """Train, convert and measure each; returns the exit code."""
    arguments = _arguments()
    names = arguments.network or [name for name in NETWORKS if (name in TRAINED) != arguments.untrained]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        training, held_out = _parts(arguments.images or _synthetic(Path(scratch)), folder)
        for name in names:
            proof = _converted(name, training, held_out, arguments, folder)
            figures += _figures(name, proof, arguments.untrained)
    return finish("networks", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("images", nargs="?", type=Path, help="folder of class folders [synthetic cells]")
    made.add_argument("--network", action="append", choices=list(NETWORKS), help="only this one; may be repeated")
    made.add_argument("--untrained", action="store_true", help="random weights; of all that are not trained otherwise")
    made.add_argument("--size", type=positive, default=96, help="input in pixels")
    made.add_argument("--epochs", type=positive, default=25, help="of the training")
    made.add_argument("--keep", type=Path, help="folder to keep networks, specs and int8 files in")
    return made.parse_args()


def _synthetic(scratch: Path) -> Path:
    write_images(scratch / "cells", 60)
    return scratch / "cells"


def _parts(images: Path, folder: Path) -> tuple[Index, Path]:
    """The images to train on, and an index of the others, which calibration and comparison are drawn from."""
    whole, held_out = folder / "index.json", folder / "held-out.json"
    _edgeleuk("data", "split", str(images), "-o", str(whole), "--test-fraction", str(_HELD_OUT))
    index = Index.load(whole)
    others = tuple(dataclasses.replace(image, split="train", fold=None) for image in index.test())
    dataclasses.replace(index, images=others, fold_count=0).save(held_out)
    return dataclasses.replace(index, images=index.select(lambda image: image.split == "train")), held_out


def _converted(
    name: str, training: Index, held_out: Path, arguments: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Make the network, save it, and run the command on the file; returns the proof."""
    model, spec, out = (folder / f"{name}{end}" for end in (".h5", ".json", "-int8.tflite"))
    scale, offset = NETWORKS[name]
    order = "BGR" if NETWORKS[name] is _CAFFE else "RGB"
    shown = Preprocessing(
        arguments.size, fit="stretch", colour_order=order, pixel_scale=scale, pixel_offset=offset, resample="bilinear"
    )
    spec.write_text(ModelSpec(training.classes, shown).to_json(), encoding="utf-8")
    network = _network(name, arguments.size, len(training.classes))
    if arguments.untrained:
        _settle(network, _examples(training, shown, 4 * _BATCH)[0])
    else:
        _train(name, network, _examples(training, shown), arguments.epochs)
    network.save(model, include_optimizer=False)
    gate = ("--min-agreement", "0%", "--max-float", "0") if arguments.untrained else ()
    drawn = ("--calibration", str(held_out), "--samples", str(_CALIBRATED), "--fidelity-samples", str(_COMPARED))
    _edgeleuk("convert", str(model), "--spec", str(spec), "--int8", *drawn, *gate, "-o", str(out))
    found: dict[str, Any] = json.loads(out.with_suffix(".proof.json").read_text(encoding="utf-8"))
    return found


def _network(name: str, size: int, classes: int) -> Any:
    from edgeleuk.keras.framework import tf_keras

    tf_keras.utils.set_random_seed(0)
    made = getattr(tf_keras.applications, name)(input_shape=(size, size, 3), weights=None, classes=classes)
    for norm in _norms(made):
        norm.momentum = 0.9  # Keras' 0.99 and 0.999 need more steps than there are here
    return made


def _norms(network: Any) -> list[Any]:
    from edgeleuk.keras.framework import tf_keras

    return [layer for layer in network.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]


def _examples(index: Index, shown: Preprocessing, most: int | None = None) -> _Examples:
    """Inputs float32 [n, size, size, 3] and class numbers int64 [n], of `most` images or all, in random order."""
    from edgeleuk.keras.stream import ImageStream

    order = np.random.default_rng(0).permutation(len(index.images))[:most]
    images = [index.images[position] for position in order]
    labels = [index.classes.index(str(image.label)) for image in images]
    batches = list(ImageStream([index.path_of(image) for image in images], labels, shown).in_order())
    return np.concatenate([inputs for inputs, _ in batches]), np.concatenate([numbers for _, numbers in batches])


def _settle(network: Any, inputs: NDArray[np.float32]) -> None:
    """Give batch normalization gains, and the statistics of one large batch: at inference it sees the same again."""
    random = np.random.default_rng(0)
    for norm in _norms(network):
        norm.momentum = 0.0
        if norm.scale:
            norm.gamma.assign(random.uniform(0.7, 1.3, norm.gamma.shape))
    network(inputs, training=True)


def _train(name: str, network: Any, examples: _Examples, epochs: int) -> None:
    """Adam with a cosine rate, on turned and mirrored images."""
    from edgeleuk.keras.framework import tf_keras

    inputs, labels = examples
    steps = len(labels) // _BATCH
    rate = tf_keras.optimizers.schedules.CosineDecay(_RATE, epochs * steps)
    network.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    random = np.random.default_rng(0)
    for epoch in range(epochs):
        order = random.permutation(len(labels))[: steps * _BATCH].reshape(steps, _BATCH)
        losses = [network.train_on_batch(_turned(inputs[batch], random), labels[batch]) for batch in order]
        progress(f"{name}, epoch {epoch + 1}: loss {np.mean(losses):.3f}")


def _turned(inputs: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    turns, mirrored = random.integers(4, size=len(inputs)), random.choice([-1, 1], len(inputs))
    return np.stack([np.rot90(i, t)[:, ::m] for i, t, m in zip(inputs, turns, mirrored, strict=True)])


def _figures(name: str, proof: dict[str, Any], untrained: bool) -> Iterator[Figure]:
    fidelity, delegate = proof["fidelity"][0], proof["delegate"] or {"partitions": 0}
    yield Figure(f"{name}: float tensors", proof["float_tensors"], "", 0)
    yield Figure(f"{name}: operators", sum(proof["operators"].values()), "")
    yield Figure(f"{name}: int8 rescalings", proof["int8_rescales"], "")
    yield Figure(f"{name}: delegate partitions", delegate["partitions"], "")
    if untrained:
        return
    strict, images, ties = fidelity["label_agreement"], fidelity["images"], proof["gate"]["ties"]
    yield Figure(f"{name}: labels that agree, {images} images", strict, "", AGREEMENT_BAR, at_least=True)
    yield Figure(f"{name}: ties besides", ties, "images")
    yield Figure(f"{name}: accuracy, float network", proof["accuracy"]["networks"]["float network"], "")
    yield Figure(f"{name}: accuracy, int8", proof["accuracy"]["model"], "")


def _edgeleuk(*arguments: str) -> None:
    progress(f"edgeleuk {' '.join(arguments)}")
    subprocess.run([sys.executable, "-m", "edgeleuk", *arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
