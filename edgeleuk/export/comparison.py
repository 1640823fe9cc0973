"""Whether an engine answers as LiteRT does, on the same pixels."""

import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.pictures import Pictures
from edgeleuk.export.target import Answers
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import decide


@dataclass(frozen=True)
class Comparison:
    """Answers of two engines to the same `images` pictures, which are real or not (`pictures`).

    `labels_equal` of them have the same label; differences are of probabilities, over all pictures and classes. Times
    are medians of one inference in milliseconds, without decoding and resizing; of the engine None if it was not timed.
    `pixels_sha256` names the pictures. `apart`: the first pictures, by position, whose labels differ.
    """

    engine: str
    reference: str
    images: int
    pictures: str
    labels_equal: int
    largest_difference: float
    mean_difference: float
    reference_ms: float
    engine_ms: float | None
    pixels_sha256: str
    apart: tuple[int, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def label_agreement(self) -> float:
        """Share of pictures with the same label."""
        return self.labels_equal / self.images

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with a schema version."""
        return {"schema_version": 1, **asdict(self), "label_agreement": self.label_agreement}


def litert_scores(classifier: Classifier, pixels: NDArray[np.uint8]) -> Answers:
    """LiteRT's own answers to uint8 [n, height, width, channels], one inference at a time, in one thread."""
    scores, times = [], []
    for each in pixels:
        values = classifier.encode(each)
        started = time.perf_counter()
        scores.append(classifier.network.scores(values))
        times.append(1000 * (time.perf_counter() - started))
    return Answers(np.stack(scores), litert_version(), float(np.median(times)))


def litert_version() -> str:
    """Name and version of what the reference runs in."""
    for package, name in (("ai-edge-litert", "LiteRT"), ("tflite-runtime", "tflite-runtime")):
        try:
            return f"{name} {version(package)}"
        except PackageNotFoundError:
            continue
    return "LiteRT"


def compare(classifier: Classifier, pictures: Pictures, found: Answers) -> Comparison:
    """The classifier's answers beside those that the engine found, whose scores mean what its spec says.

    Raises ModelError if the engine's scores have another shape or are not finite.
    """
    expected = len(pictures.pixels), classifier.spec.score_count
    if found.scores.shape != expected or not np.isfinite(found.scores).all():
        raise ModelError(f"{found.engine} answered {list(found.scores.shape)}; expected finite scores {list(expected)}")
    reference = litert_scores(classifier, pictures.pixels)
    asked = np.stack([classifier.softened(row) for row in reference.scores])
    answered = np.stack([classifier.softened(row) for row in found.scores.astype(np.float32)])
    apart = np.flatnonzero(decide(asked, classifier.spec) != decide(answered, classifier.spec))
    difference = np.abs(asked.astype(np.float64) - answered)
    return Comparison(
        engine=found.engine,
        reference=reference.engine,
        images=len(pictures.pixels),
        pictures=pictures.name,
        labels_equal=len(pictures.pixels) - len(apart),
        largest_difference=round(float(difference.max()), 6),
        mean_difference=round(float(difference.mean()), 6),
        reference_ms=round(reference.ms or 0.0, 3),
        engine_ms=None if found.ms is None else round(found.ms, 3),
        pixels_sha256=sha256_bytes(pictures.pixels.tobytes()),
        apart=tuple(int(position) for position in apart[:20]),
        facts=found.facts,
    )
