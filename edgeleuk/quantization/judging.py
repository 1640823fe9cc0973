"""How candidates of a conversion do on images, and what they cost."""

import platform
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.contents import benchmark_contents
from edgeleuk.bench.record import Protocol
from edgeleuk.errors import UsageError
from edgeleuk.quantization.calibration import ImageSet
from edgeleuk.quantization.fidelity import Probabilities
from edgeleuk.quantization.mixed import Standing
from edgeleuk.runtime.bundle import Bundle, pack
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import ModelSpec

_PROTOCOL = Protocol(processes=6, runs=30, seconds=2.0)


class ImageJudge:
    """Compares models, which take the same inputs, with the float network on images."""

    def __init__(self, spec: ModelSpec, images: ImageSet, expected: Probabilities, with_drop: bool) -> None:
        """`expected`: the float network's. Raises UsageError where a drop is asked for and no image has a label."""
        self._spec = spec
        self._images = images
        self._expected = expected.argmax(axis=1)
        self._with_drop = with_drop
        self._inputs: list[NDArray[Any]] | None = None
        if with_drop and not any(image.label for image in images.images):
            raise UsageError("--max-drop needs labelled images outside training and calibration; try --min-agreement")

    @property
    def count(self) -> int:
        """How many images."""
        return len(self._images.images)

    def __call__(self, model: bytes) -> Standing:
        """Run a model on the images."""
        classifier = open_flatbuffer(model, self._spec)
        if self._inputs is None:
            self._inputs = [classifier.prepare(path) for path in self._images.paths]
        found = np.array([classifier.network.scores(values).argmax() for values in self._inputs])
        agreement = float((found == self._expected).mean())
        return Standing(agreement, self._drop(found, classifier.spec.classes) if self._with_drop else None)

    def _drop(self, found: NDArray[np.integer], classes: tuple[str, ...]) -> float:
        truth = np.array([classes.index(i.label) if i.label in classes else -1 for i in self._images.images])
        known = truth >= 0
        return float((self._expected == truth)[known].mean() - (found == truth)[known].mean())


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
