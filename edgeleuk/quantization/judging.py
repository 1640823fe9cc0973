"""How candidates of a conversion do on images, and what they cost."""

import platform
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.contents import benchmark_contents
from edgeleuk.bench.record import Protocol
from edgeleuk.data.label_names import refuse_near_names
from edgeleuk.data.sampling import ImageSet
from edgeleuk.quantization.fidelity import Probabilities, expect_finite
from edgeleuk.quantization.gate import Standing
from edgeleuk.runtime.bundle import Bundle, pack
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import ModelSpec

_PROTOCOL = Protocol(processes=6, runs=30, seconds=2.0)


class ImageJudge:
    """Compares models, which take the same inputs, with the float network on images."""

    def __init__(self, spec: ModelSpec, images: ImageSet, expected: Probabilities, with_drop: bool) -> None:
        """`expected`: the float network's."""
        self._spec = spec
        self._images = images
        self._expected = expected
        self._truth = known_labels(images, spec.classes) if with_drop else None
        self._inputs: list[NDArray[Any]] | None = None

    @property
    def count(self) -> int:
        """How many images."""
        return len(self._images.images)

    def __call__(self, model: bytes) -> Standing:
        """Run a model on the images."""
        classifier = open_flatbuffer(model, self._spec)
        if self._inputs is None:
            self._inputs = [classifier.prepare(path) for path in self._images.paths]
        found = np.stack([classifier.network.scores(values) for values in self._inputs])
        return standing(found, self._expected, self._expected, self._truth)


def standing(
    found: Probabilities, expected: Probabilities, original: Probabilities, truth: NDArray[np.int64] | None
) -> Standing:
    """Of what a model says of images, all float32 [n, classes], beside the network that it was made of.

    The drop is to the `original` float network, on the images whose class is known; None without any. Raises ModelError
    where a number is not finite: NaN agrees with nothing.
    """
    expect_finite(found, expected, original)
    agreement = float((found.argmax(axis=1) == expected.argmax(axis=1)).mean())
    drop = None if truth is None or not (truth >= 0).any() else accuracy(original, truth) - accuracy(found, truth)
    return Standing(agreement, drop)


def known_labels(images: ImageSet, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """int64 [n]: the class of each image, -1 if it has no label or one that is not a class.

    Raises SpecError for a label that is a class but for case or blanks.
    """
    refuse_near_names((image.label for image in images.images if image.label is not None), classes)
    return np.array([classes.index(i.label) if i.label in classes else -1 for i in images.images], np.int64)


def accuracy(probabilities: Probabilities, truth: NDArray[np.int64]) -> float:
    """Share of the images whose class is known of which it is the most probable. Raises ValueError without any."""
    known = truth >= 0
    if not known.any():
        raise ValueError("no image has a known class")
    return float((probabilities.argmax(axis=1) == truth)[known].mean())


def open_flatbuffer(model: bytes, spec: ModelSpec) -> Classifier:
    """A converted network as a classifier."""
    return Classifier(Bundle(pack(model, spec, {}, frozenset()), spec), Path("the converted model"))


def costs(int8: bytes, mixed: bytes) -> dict[str, Any]:
    """Size and median latency of a mixed network beside the int8 one's, JSON-able; here, one thread, in turn."""
    record = benchmark_contents({"int8.tflite": int8, "mixed.tflite": mixed}, 1, _PROTOCOL)
    int8_ms, mixed_ms = (round(result.latency.p50_ms, 3) for result in record.results)
    return {
        "size_bytes": len(mixed),
        "int8_size_bytes": len(int8),
        "int8_ms": int8_ms,
        "mixed_ms": mixed_ms,
        "threads": 1,
        "machine": platform.machine(),
    }
