"""Fits a tiny network, alone or as one of several workers: `python -m tests.training.crew_fit JOB RANK`.

The JOB file says which images, with which settings, the addresses of the workers and where the results go.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.keras.crew import Alone, Crew, Workers
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.stream import ImageStream
from edgeleuk.spec import Preprocessing
from edgeleuk.training.fitting import FitData, Fitter, Phase

SPEC = Preprocessing(8, 8)


def network(dropout: float) -> Any:
    """Convolution, batch normalization and dropout, [8, 8, 3] to two classes."""
    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    inputs = tf_keras.Input((8, 8, 3))
    features = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(8, 3, use_bias=False)(inputs))
    features = layers.GlobalAveragePooling2D()(layers.ReLU()(features))
    return tf_keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Dropout(dropout)(features)))


class Noted:
    """Labels as targets; notes which images this worker was given, by number and epoch."""

    def __init__(self) -> None:
        from edgeleuk.training.fitting import Labels

        self._labels = Labels()
        self.target_spec, self.loss, self.accuracy = self._labels.target_spec, self._labels.loss, "accuracy"
        self.seen: list[list[list[int]]] = []

    def batches(self, training: ImageStream, epoch: int) -> Any:
        """As `Labels`; the number of an image is the grey of its first pixel's red, see `write_squares`."""
        self.seen.append([])
        for images, labels, targets in self._labels.batches(training, epoch):
            self.seen[-1].append(sorted(np.rint((images[:, :, :, 2].max(axis=(1, 2)) + 1) * 127.5).astype(int).tolist()))
            yield images, labels, targets


def fit(job: dict[str, Any], crew: Crew, folder: Path) -> dict[str, Any]:
    """Rows of the history, what was seen, and the weights' bytes as numbers."""
    paths = [Path(name) for name in job["paths"]]
    stream = ImageStream(paths, job["labels"], SPEC, job["batch_size"], seed=3, augmentation=_none())
    noted = Noted()
    data = FitData(stream, dataclasses.replace(stream, batch_size=5), np.array([0.7, 1.6]), noted)
    model = network(job["dropout"])
    phases = [Phase("all", job["epochs"], job["rate"], lambda model: None)]
    progress = Fitter(model, data, folder, patience=50, seed=0, crew=crew).run(phases)
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()])
    return {"rows": progress.rows, "seen": noted.seen, "weights": weights.tolist()}


def _none() -> Any:
    from edgeleuk.keras.augmentation import Augmentation

    return Augmentation(shift=0, stain_gain=0, stain_offset=0, brightness_gain=0)


if __name__ == "__main__":
    given, rank = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])
    place = Path(sys.argv[1]).parent
    crew = Workers(rank, given["addresses"]) if given["addresses"] else Alone()
    result = fit(given, crew, place)
    (place / f"result_{rank}.json").write_text(json.dumps(result))
