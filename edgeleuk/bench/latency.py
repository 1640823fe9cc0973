"""Latency of bare inference, several models in turn, so that a drift of the machine hits all alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edgeleuk.runtime.classifier import Classifier


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one inference, without decoding: median and 90th percentile of `runs`."""

    median_ms: float
    p90_ms: float
    runs: int


def interleaved_latency(
    classifiers: Sequence[Classifier],
    runs: int = 100,
    warm_up: int = 10,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Latency]:
    """Time `Network.invoke` of each model A B C A B C, on an image of random pixels. `clock` gives seconds."""
    random = np.random.default_rng(0)
    crops = [classifier.spec.preprocessing.crop_px for classifier in classifiers]
    noise = [Image.fromarray(random.integers(0, 256, (crop, crop, 3), dtype=np.uint8)) for crop in crops]
    inputs = [classifier.prepare(image) for classifier, image in zip(classifiers, noise, strict=True)]
    times = np.empty((len(classifiers), runs))
    for run in range(-warm_up, runs):
        for position, classifier in enumerate(classifiers):
            started = clock()
            classifier.network.invoke(inputs[position])
            if run >= 0:
                times[position, run] = 1000 * (clock() - started)
    return [Latency(float(np.median(row)), float(np.quantile(row, 0.9)), runs) for row in times]
