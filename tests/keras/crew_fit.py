"""Fits a tiny network, alone or as one of several workers: `python -m tests.keras.crew_fit JOB RANK`.

The JOB file holds the addresses of the workers and what to fit, one after the other; results go beside it.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgeleuk.keras.augmentation import Augmentation
from edgeleuk.keras.crew import Alone, Crew, Workers
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.stream import ImageStream
from edgeleuk.spec import Preprocessing
from edgeleuk.training.fitting import FitData, Fitter, Labels, Phase, TargetBatch

SPEC = Preprocessing(8, 8)
UNCHANGED = Augmentation(shift=0, stain_gain=0, stain_offset=0, brightness_gain=0)
LAYERS = tf_keras.layers


class StopError(Exception):
    """Enough epochs."""


class Noted(Labels):
    """Labels as targets; notes which images this worker is given, by epoch and batch, by their blue: see `squares`."""

    def __init__(self) -> None:
        self.seen: list[list[list[int]]] = []

    def batches(self, training: ImageStream, epoch: int) -> Iterator[TargetBatch]:
        """As `Labels`."""
        self.seen.append([])
        for images, labels, targets in super().batches(training, epoch):
            blue = np.rint((images[:, 0, 0, 2] + 1) * 127.5).astype(int)
            self.seen[-1].append(sorted(blue.tolist()))
            yield images, labels, targets


def squares(folder: Path, count: int) -> tuple[list[Path], list[int]]:
    """Dark and bright noise, its blue the number of the image; paths and labels."""
    random, paths = np.random.default_rng(0), []
    for number in range(count):
        low = 1 + 60 * (number % 2)
        pixels = random.integers(low, low + 160, (8, 8, 3), dtype=np.uint8)
        pixels[..., 2] = number
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths, [number % 2 for number in range(count)]


def network(dropout: float) -> Any:
    """Convolution, batch normalization and dropout, [8, 8, 3] to two classes."""
    tf_keras.utils.set_random_seed(0)
    inputs = tf_keras.Input((8, 8, 3))
    features = LAYERS.BatchNormalization(momentum=0.9)(LAYERS.Conv2D(8, 3, use_bias=False)(inputs))
    features = LAYERS.GlobalAveragePooling2D()(LAYERS.ReLU()(features))
    return tf_keras.Model(inputs, LAYERS.Dense(2, activation="softmax")(LAYERS.Dropout(dropout)(features)))


def fit(job: dict[str, Any], crew: Crew) -> dict[str, Any]:
    """Fit in `job["folder"]`; the rows of the history, the images that this worker was given, and the weights."""

    def on_epoch(row: dict[str, Any]) -> None:
        if row["epoch"] == job.get("stop_after"):
            raise StopError

    paths, noted = [Path(name) for name in job["paths"]], Noted()
    training = ImageStream(paths, job["labels"], SPEC, job["batch_size"], 3, UNCHANGED)
    validation = ImageStream(paths, job["labels"], SPEC, 5)
    data = FitData(training, validation, np.array([0.7, 1.6]), noted)
    model = network(job.get("dropout", 0.0))
    fitter = Fitter(model, data, Path(job["folder"]), 50, 0, on_epoch, crew=crew)
    with contextlib.suppress(StopError):
        fitter.run([Phase("all", 3, 0.05, lambda model: None)])
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()])
    return {"rows": fitter.progress.rows, "seen": noted.seen, "weights": weights.tolist()}


if __name__ == "__main__":
    given, rank = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])
    crew = Workers(rank, given["addresses"]) if given["addresses"] else Alone()
    made = [fit(job, crew) for job in given["fits"]]
    Path(sys.argv[1]).with_name(f"result_{rank}.json").write_text(json.dumps(made))
