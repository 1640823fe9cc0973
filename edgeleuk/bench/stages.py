"""From an image file to a decision, step by step, by the functions that `infer` calls."""

from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.bench.record import Stage
from edgeleuk.runtime.cascade import Cascade
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import apply_temperature
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input

STAGES = DECODE, RESIZE, QUANTIZE, INVOKE, DECIDE = ("decode", "crop and resize", "quantize", "invoke", "decide")
END_TO_END = "end to end"


def timed_way(
    classifier: Classifier, images: Sequence[Path], runs: int, seconds: float, clock: Callable[[], int]
) -> tuple[tuple[Stage, ...], int | None]:
    """Milliseconds of each of `STAGES` and of the whole, over the images again and again; `clock` in nanoseconds.

    At least `runs` images and for `seconds`; each image once before that, uncounted. "quantize" is scaling if the
    network's input is float, "invoke" includes handing over input and output. Of a cascade, each stage is what both
    models took if both ran, and the number is that of images which the first answered; else it is None.

    Raises ImageError for a bad image.
    """
    for image in images:
        classifier.predict(image)
    samples: dict[str, list[float]] = {name: [] for name in (*STAGES, END_TO_END)}
    begin, files, answered_first = clock(), cycle(images), 0
    while len(samples[END_TO_END]) < runs or clock() - begin < 1e9 * seconds:
        laps = _Laps(clock)
        answered_first += _one(classifier, next(files), laps)
        for name, took_ns in laps.by_stage().items():
            samples[name].append(round(took_ns / 1e6, 4))
        samples[END_TO_END].append(round(laps.total() / 1e6, 4))
    stages = tuple(Stage(name, tuple(values)) for name, values in samples.items())
    return stages, answered_first if isinstance(classifier, Cascade) else None


class _Laps:
    """Times after each step; a stage may come several times."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._marks = [("", clock())]

    def mark(self, stage: str) -> None:
        """What was done since the last mark belongs to this stage."""
        self._marks.append((stage, self._clock()))

    def by_stage(self) -> dict[str, int]:
        """Nanoseconds of each of `STAGES`."""
        found = dict.fromkeys(STAGES, 0)
        for (_, start), (stage, end) in pairwise(self._marks):
            found[stage] += end - start
        return found

    def total(self) -> int:
        """Nanoseconds in all."""
        return self._marks[-1][1] - self._marks[0][1]


def _one(classifier: Classifier, image: Path, laps: _Laps) -> bool:
    """One image from file to decision; whether the first model of a cascade answered."""
    decoded = decode_image(image)
    laps.mark(DECODE)
    early = None
    if isinstance(classifier, Cascade):
        scores, values = _scores(classifier.first, decoded, laps)
        early = classifier.early(scores)
        laps.mark(DECIDE)
    if early is None and isinstance(classifier, Cascade) and classifier.shares_input:
        scores = classifier.network.scores(values)
        laps.mark(INVOKE)
    elif early is None:
        scores, _ = _scores(classifier, decoded, laps)
    classifier.label(apply_temperature(scores, classifier.spec.decision) if early is None else early)
    laps.mark(DECIDE)
    return early is not None


def _scores(model: Classifier, decoded: Image.Image, laps: _Laps) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """A network's scores, and the input that it had."""
    pixels = fit_to_input(decoded, model.spec.preprocessing)
    laps.mark(RESIZE)
    values = model.encode(pixels)
    laps.mark(QUANTIZE)
    scores = model.network.scores(values)
    laps.mark(INVOKE)
    return scores, values
