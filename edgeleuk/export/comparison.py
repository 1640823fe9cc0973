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
class OwnReading:
    """An engine that decodes and fits image files by itself, beside LiteRT with the pixels of `fit_to_input`.

    `labels_equal` of the same images have the same label. Differences are of 8-bit pixels of the network's input, over
    all images, and of probabilities. `ms`: median from a file to its scores.
    """

    labels_equal: int
    largest_difference: float
    largest_pixel_difference: int
    mean_pixel_difference: float
    pictures_with_equal_pixels: int
    ms: float | None


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
    own_reading: OwnReading | None = None

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


@dataclass(frozen=True)
class Reference:
    """LiteRT's answers to some pictures, by the classifier that gave them."""

    classifier: Classifier
    pictures: Pictures
    answers: Answers

    @classmethod
    def of(cls, classifier: Classifier, pictures: Pictures) -> "Reference":
        """Ask LiteRT."""
        return cls(classifier, pictures, litert_scores(classifier, pictures.pixels))

    def beside(self, found: Answers) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions of the pictures whose labels differ, and |difference| of probabilities, [n, classes].

        Raises ModelError if the engine's scores have another shape or are not finite.
        """
        expected = len(self.pictures.pixels), self.classifier.spec.score_count
        if found.scores.shape != expected or not np.isfinite(found.scores).all():
            raise ModelError(
                f"{found.engine} answered {list(found.scores.shape)}; expected finite scores {list(expected)}"
            )
        soften, spec = self.classifier.softened, self.classifier.spec
        asked, answered = (
            np.stack([soften(row) for row in scores.astype(np.float32)])
            for scores in (self.answers.scores, found.scores)
        )
        apart = np.flatnonzero(decide(asked, spec) != decide(answered, spec))
        return np.asarray(apart, np.int64), np.abs(asked.astype(np.float64) - answered)


def compare(reference: Reference, found: Answers) -> Comparison:
    """What the engine found beside the reference, both of the same pixels. Raises ModelError as `Reference.beside`."""
    apart, difference = reference.beside(found)
    pictures, asked = reference.pictures, reference.answers
    return Comparison(
        engine=found.engine,
        reference=asked.engine,
        images=len(pictures.pixels),
        pictures=pictures.name,
        labels_equal=len(pictures.pixels) - len(apart),
        largest_difference=round(float(difference.max()), 6),
        mean_difference=round(float(difference.mean()), 6),
        reference_ms=round(asked.ms or 0.0, 3),
        engine_ms=None if found.ms is None else round(found.ms, 3),
        pixels_sha256=sha256_bytes(pictures.pixels.tobytes()),
        apart=tuple(int(position) for position in apart[:20]),
        facts=found.facts,
    )


def own_reading(reference: Reference, found: Answers) -> OwnReading:
    """What an engine found that read the reference's files by itself. Raises ModelError as `Reference.beside`."""
    apart, difference = reference.beside(found)
    ours, theirs = reference.pictures.pixels, found.pixels
    if theirs is None or theirs.shape != ours.shape:
        raise ModelError(f"{found.engine} made no pixels of {list(ours.shape)} of the files")
    pixels = np.abs(ours.astype(np.int16) - theirs)
    return OwnReading(
        labels_equal=len(ours) - len(apart),
        largest_difference=round(float(difference.max()), 6),
        largest_pixel_difference=int(pixels.max()),
        mean_pixel_difference=round(float(pixels.mean()), 6),
        pictures_with_equal_pixels=int((pixels.reshape(len(ours), -1).max(axis=1) == 0).sum()),
        ms=None if found.ms is None else round(found.ms, 3),
    )
