"""Accuracy and mean confidence of a model on pictures as they are, and under ten changes that a camera or a file makes.

`--model` takes an int8 file, `--index` the index that it was trained with: pictures of its test part are changed at
their own size, before the model's own preprocessing. Intervals are of subjects where they are known, else of pictures.
Without them a small network is trained on synthetic cells, for which there are no bars.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, finish, parser, progress
from benchmarks.models import synthetic_index
from edgeleuk.data.degradation import KINDS, NAMED_CHANGES, degrade
from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import DataError
from edgeleuk.runtime import Classifier
from edgeleuk.runtime.decision import apply_temperature
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.statistics.metrics import score

AS_IT_IS = "as it is"
CLEAN_BAR, CHANGED_BAR, CONFIDENCE_BAR = 0.96, 0.90, 0.05
_SUBJECTS, _CELLS = 24, 30
_SMALL: dict[str, Any] = {
    "weights": "none",
    "input_size": 96,
    "width": 0.125,
    "epochs": 20,
    "batch_size": 16,
    "learning_rate": 4e-3,
}


@dataclass(frozen=True)
class Held:
    """How far a model holds under one change: accuracy with its interval, None where there is none; mean confidence."""

    change: str
    accuracy: float
    low: float | None
    high: float | None
    confidence: float
    images: int

    @property
    def bar(self) -> float:
        """Of the accuracy."""
        return CLEAN_BAR if self.change == AS_IT_IS else CHANGED_BAR

    @property
    def gap(self) -> float:
        """By how much the mean confidence differs from the accuracy."""
        return abs(self.confidence - self.accuracy)


def changes() -> list[tuple[str, tuple[str, int] | None]]:
    """What each change is called, and its kind and severity; first the picture as it is."""
    return [(AS_IT_IS, None), *((KINDS[kind].told(severity), (kind, severity)) for kind, severity in NAMED_CHANGES)]


def held(model: Path, index: Index, images: Sequence[ImageRecord]) -> list[Held]:
    """The model under every change, on labelled images. Raises DataError without images."""
    if not images:
        raise DataError("no images of that split")
    classifier = Classifier.load(model)
    truth = np.array([classifier.spec.classes.index(str(image.label)) for image in images])
    groups = np.asarray(group_ids(images))
    found = {name: _answers(classifier, index, images, change) for name, change in changes()}
    return [_held(name, truth, answers, groups) for name, answers in found.items()]


def _answers(
    classifier: Classifier, index: Index, images: Sequence[ImageRecord], change: tuple[str, int] | None
) -> NDArray[np.float32]:
    """float32 [n, classes]: calibrated probabilities."""
    progress(f"{change or AS_IT_IS}")
    rows = []
    for number, image in enumerate(images):
        picture = decode_indexed(index.path_of(image))
        shown = picture if change is None else degrade(picture, *change, seed=number)
        rows.append(apply_temperature(classifier.network.scores(classifier.prepare(shown)), classifier.spec.decision))
    return np.stack(rows)


def _held(name: str, truth: NDArray[np.int64], probabilities: NDArray[np.float32], groups: NDArray[np.int64]) -> Held:
    accuracy = score(truth, probabilities, groups).accuracy
    confidence = float(probabilities.max(axis=1).mean())
    return Held(name, accuracy.value, accuracy.low, accuracy.high, confidence, len(truth))


def figures(rows: Sequence[Held], barred: bool = True) -> list[Figure]:
    """Each row's accuracy and confidence, with their bars if `barred`."""
    made = []
    for row in rows:
        accuracy, confidence = (row.bar, CONFIDENCE_BAR) if barred else (None, None)
        made.append(Figure(f"accuracy, {row.change}", row.accuracy, "", accuracy, at_least=True))
        made.append(Figure(f"confidence off by, {row.change}", row.gap, "", confidence))
    return made


def table(rows: Sequence[Held]) -> str:
    """Markdown."""
    lines = ["| picture | accuracy | 95 % interval | mean confidence |", "|---|---|---|---|"]
    for row in rows:
        interval = "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
        lines.append(f"| {row.change} | {row.accuracy:.3f} | {interval} | {row.confidence:.3f} |")
    return "\n".join(lines)


def main() -> int:
    """Measure; returns the exit code."""
    made = parser(__doc__)
    made.add_argument("--model", type=Path, metavar="FILE", help="an int8 file of 'edgeleuk convert'")
    made.add_argument("--index", type=Path, metavar="FILE", help="the index that it was trained with")
    made.add_argument("--fold", type=int, help="that fold, held out by the run, instead of the test part")
    arguments = made.parse_args()
    if (arguments.model is None) != (arguments.index is None):
        made.error("give both --model and --index, or neither")
    with tempfile.TemporaryDirectory() as scratch:
        model, path = _trained(Path(scratch)) if arguments.model is None else (arguments.model, arguments.index)
        index = Index.load(path)
        images = index.test() if arguments.fold is None else index.validation(arguments.fold)
        rows = held(model, index, images)
    print(table(rows))
    return finish("robustness", figures(rows, arguments.model is not None), arguments, images=len(images))


def _trained(folder: Path) -> tuple[Path, Path]:
    """An int8 model of synthetic cells and its index."""
    from edgeleuk.quantization.convert import Request, convert, write_conversion
    from edgeleuk.quantization.source import load_source
    from edgeleuk.training.config import TrainConfig
    from edgeleuk.training.train import train

    path, out = synthetic_index(folder, _SUBJECTS, _CELLS), folder / "int8.tflite"
    run = train(Index.load(path), TrainConfig(crop=300, **_SMALL), folder / "run", report=progress)
    write_conversion(convert(load_source(run.folder), Request("int8", fidelity_samples=0)), out)
    return out, path


if __name__ == "__main__":
    sys.exit(main())
