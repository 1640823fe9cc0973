"""From an image file to a decision, step by step, by the functions that `infer` calls."""

from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

from edgeleuk.bench.record import Stage
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import apply_temperature
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input

STAGES = ("decode", "crop and resize", "quantize", "invoke", "decide")
END_TO_END = "end to end"


def timed_stages(
    classifier: Classifier, images: Sequence[Path], runs: int, seconds: float, clock: Callable[[], int]
) -> tuple[Stage, ...]:
    """Milliseconds of each of `STAGES` and of the whole, over the images again and again; `clock` in nanoseconds.

    At least `runs` images and for `seconds`; each image once before that, uncounted. "quantize" is scaling where the
    network's input is float, "invoke" includes handing over input and output. Raises ImageError for a bad image.
    """
    for image in images:
        classifier.predict(image)
    samples: dict[str, list[float]] = {name: [] for name in (*STAGES, END_TO_END)}
    begin, files = clock(), cycle(images)
    while len(samples[END_TO_END]) < runs or clock() - begin < 1e9 * seconds:
        marks = _one(classifier, next(files), clock)
        for name, start, end in zip(STAGES, marks, marks[1:], strict=False):
            samples[name].append(round((end - start) / 1e6, 4))
        samples[END_TO_END].append(round((marks[-1] - marks[0]) / 1e6, 4))
    return tuple(Stage(name, tuple(values)) for name, values in samples.items())


def _one(classifier: Classifier, image: Path, clock: Callable[[], int]) -> list[int]:
    """Times before the first stage and after each."""
    marks = [clock()]
    decoded = decode_image(image)
    marks.append(clock())
    pixels = fit_to_input(decoded, classifier.spec.preprocessing)
    marks.append(clock())
    values = classifier.encode(pixels)
    marks.append(clock())
    scores = classifier.network.scores(values)
    marks.append(clock())
    classifier.label(apply_temperature(scores, classifier.spec.decision))
    marks.append(clock())
    return marks
