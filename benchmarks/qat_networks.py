"""Quantization-aware training of networks other than InceptionV3: is int8 whole, and does it answer as was trained?

Each network is trained from random weights on a folder of images, saved as a user would save it, trained further with
`train --from`, made quantization-aware and converted, through the commands. On synthetic cells without a folder.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, finish, parser, positive, progress
from edgeleuk.data.index import Index

AGREEMENT_BAR = 0.99


@dataclass(frozen=True)
class Kind:
    """A network of `tf_keras.applications` and what it is built with."""

    name: str
    size_px: int
    epochs: int
    settings: dict[str, Any]


KINDS = {
    "mobilenet": Kind("MobileNetV2", 96, 12, {"alpha": 0.35}),
    "resnet": Kind("ResNet50", 64, 6, {}),
}


def main() -> int:
    """Train, convert and measure; returns the exit code."""
    made = parser(__doc__)
    made.add_argument("images", nargs="?", type=Path, help="folder of class folders [synthetic cells]")
    made.add_argument("--network", choices=list(KINDS), action="append", help="only this one")
    made.add_argument("--epochs", type=positive, help="of the training from random weights [12 and 6]")
    made.add_argument("--qat-epochs", type=int, default=1, help="with simulated int8 arithmetic [1]")
    arguments = made.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        index = _index(arguments.images, Path(folder))
        for name in arguments.network or KINDS:
            figures += _measured(KINDS[name], index, Path(folder), arguments)
    return finish("quantization-aware networks", figures, arguments)


def _index(images: Path | None, folder: Path) -> Path:
    """A split of the images, or of cells drawn for it."""
    if images is None:
        from edgeleuk.data.synthetic.synth import write_cells

        images = folder / "cells"
        write_cells(images, subjects=20, images_per_subject=30, difficulty=0.2)
    _edgeleuk("data", "split", str(images), "-o", str(folder / "index.json"), "--test-fraction", "0.2")
    return folder / "index.json"


def _measured(kind: Kind, index: Path, folder: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    model, spec, run, qat, out = (
        folder / f"{kind.name}{end}" for end in (".h5", ".json", "-run", "-qat", "-int8.tflite")
    )
    _train(kind, index, model, spec, arguments.epochs or kind.epochs)
    started = ["--from", str(model), "--spec", str(spec), "--epochs", "1", "--robust", "off"]
    _edgeleuk("train", str(index), "-o", str(run), *started)
    _edgeleuk("qat", str(run), "-o", str(qat), "--epochs", str(arguments.qat_epochs))
    _edgeleuk("convert", str(qat), "--int8", "-o", str(out), "--fidelity-samples", "500")
    proof = json.loads(out.with_suffix(".proof.json").read_text(encoding="utf-8"))
    delegate = proof["delegate"] or {"partitions": 0}
    yield Figure(f"{kind.name}: float tensors", proof["float_tensors"], "", 0)
    yield Figure(f"{kind.name}: int8 rescalings", proof["int8_rescales"], "", 0)
    yield Figure(f"{kind.name}: delegate partitions", delegate["partitions"], "")
    for found in proof["fidelity"]:
        bar = AGREEMENT_BAR if "QAT" in found["reference"] else None
        name = f"{kind.name}: labels as the {found['reference']}, {found['images']} images"
        yield Figure(name, found["label_agreement"], "", bar, at_least=True)
    for name, value in (proof["accuracy"] or {}).items():
        if isinstance(value, float):
            yield Figure(f"{kind.name}: accuracy, {name}", value, "")


def _train(kind: Kind, index: Path, model: Path, spec: Path, epochs: int) -> None:
    """A network trained from random weights in plain Keras, and the spec that belongs to it."""
    from edgeleuk.keras.augmentation import PLAIN
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.spec import ModelSpec, Preprocessing
    from edgeleuk.training.fitting import validate
    from edgeleuk.training.preparation import fit_data

    read = Index.load(index)
    shown = Preprocessing(kind.size_px, fit="stretch")
    spec.write_text(ModelSpec(read.classes, shown).to_json(), encoding="utf-8")
    tf_keras.utils.set_random_seed(0)
    build = getattr(tf_keras.applications, kind.name)
    shape = (kind.size_px, kind.size_px, 3)
    network = build(input_shape=shape, weights=None, classes=len(read.classes), **kind.settings)
    for layer in network.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.momentum = 0.9  # Keras' 0.99 and 0.999 need more steps than there are here
    data = fit_data(read, 0, shown, 32, 0, PLAIN)
    network.compile(tf_keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    for epoch in range(epochs):
        if epoch == epochs - 2:
            network.optimizer.learning_rate.assign(1e-4)
        for images, labels in data.training.shuffled(epoch):
            network.train_on_batch(images, labels)
        progress(f"{kind.name}, epoch {epoch + 1}: {validate(network, data.validation)['val_accuracy']:.4f}")
    network.save(model, include_optimizer=False)


def _edgeleuk(*arguments: str) -> None:
    progress(f"edgeleuk {' '.join(arguments)}")
    subprocess.run([sys.executable, "-m", "edgeleuk", *arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
