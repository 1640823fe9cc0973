"""From an image file to a decision: as `infer` goes it, and step by step by the functions that it calls."""

from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from pathlib import Path

from PIL import Image

from edgeleuk.bench.measured import END_TO_END, Stage
from edgeleuk.runtime.cascade import DECIDE, INVOKE, Cascade
from edgeleuk.runtime.classifier import Classifier, Input, decoded_part
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input

DECODE, RESIZE, QUANTIZE = "decode", "crop and resize", "quantize"
STAGES = (DECODE, RESIZE, QUANTIZE, INVOKE, DECIDE)


def timed_way(
    classifier: Classifier, images: Sequence[Path], runs: int, seconds: float, clock: Callable[[], int]
) -> tuple[tuple[Stage, ...], int | None]:
    """Milliseconds of each of `STAGES` and of the whole, over the images again and again; `clock` in nanoseconds.

    The whole is one `predict`, which besides the stages looks for content and measures for the input gate. Of a plain
    BMP, "decode" may be reading alone: then its pixels are unpacked where they are resized.

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
        file, laps = next(files), _Laps(clock)
        answered_first += _one(classifier, file, laps)
        for name, took_ns in laps.by_stage().items():
            samples[name].append(round(took_ns / 1e6, 4))
        started = clock()
        classifier.predict(file)
        samples[END_TO_END].append(round((clock() - started) / 1e6, 4))
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


def _one(classifier: Classifier, image: Path, laps: _Laps) -> bool:
    """One image from file to decision; whether the first model of a cascade answered."""
    decoded = _decoded(classifier, image)
    laps.mark(DECODE)
    if isinstance(classifier, Cascade):
        values = _input(classifier.first, decoded, laps)
        probabilities, stage = classifier.ask(
            values, lambda: values if classifier.shares_input else _input(classifier, decoded, laps), laps.mark
        )
    else:
        scores, stage = classifier.network.scores(_input(classifier, decoded, laps)), None
        laps.mark(INVOKE)
        probabilities = classifier.softened(scores)
    classifier.label(probabilities)
    laps.mark(DECIDE)
    return stage == 1


def _decoded(classifier: Classifier, image: Path) -> Image.Image:
    """All of it for the two models of a cascade, else what the spec cuts out."""
    if isinstance(classifier, Cascade):
        return decode_image(image)
    return decoded_part(image, classifier.spec.preprocessing).image


def _input(model: Classifier, decoded: Image.Image, laps: _Laps) -> Input:
    pixels = fit_to_input(decoded, model.spec.preprocessing)
    laps.mark(RESIZE)
    values = model.encode(pixels)
    laps.mark(QUANTIZE)
    return values
