"""How candidates of a conversion do on images, and what they cost."""

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.latency import interleaved_latency
from edgeleuk.errors import UsageError
from edgeleuk.quantization.calibration import ImageSet
from edgeleuk.quantization.fidelity import Probabilities
from edgeleuk.quantization.mixed import Standing
from edgeleuk.runtime.bundle import Bundle, pack
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.spec import ModelSpec

Open = Callable[[bytes, int | None], Classifier]  # of a flatbuffer, with so many threads or, None, the default


class ImageJudge:
    """Compares models, which take the same inputs, with the float network on images."""

    def __init__(self, opened: Open, images: ImageSet, expected: Probabilities, with_drop: bool) -> None:
        """`expected`: the float network's. Raises UsageError where a drop is asked for and no image has a label."""
        self._open = opened
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
        classifier = self._open(model, None)
        if self._inputs is None:
            self._inputs = [classifier.prepare(path) for path in self._images.paths]
        found = np.array([classifier.network.scores(values).argmax() for values in self._inputs])
        agreement = float((found == self._expected).mean())
        return Standing(agreement, self._drop(found, classifier.spec.classes) if self._with_drop else None)

    def _drop(self, found: NDArray[np.integer], classes: tuple[str, ...]) -> float:
        truth = np.array([classes.index(i.label) if i.label in classes else -1 for i in self._images.images])
        known = truth >= 0
        return float((self._expected == truth)[known].mean() - (found == truth)[known].mean())


def opener(spec: ModelSpec) -> Open:
    """What opens a flatbuffer of this spec as a classifier."""

    def opened(model: bytes, threads: int | None) -> Classifier:
        return Classifier(Bundle(pack(model, spec, {}, frozenset()), spec), Path("the converted model"), threads)

    return opened


def costs(opened: Open, int8: bytes, mixed: bytes) -> dict[str, Any]:
    """Size and latency of a mixed network beside the int8 one's, JSON-able; on this machine, one thread, in turn."""
    classifiers = [opened(model, 1) for model in (int8, mixed)]
    times = interleaved_latency(classifiers, runs=15, warm_up=3)
    return {
        "size_bytes": len(mixed),
        "int8_size_bytes": len(int8),
        "int8_ms": round(times[0].median_ms, 3),
        "mixed_ms": round(times[1].median_ms, 3),
        "threads": 1,
        "machine": platform.machine(),
    }
