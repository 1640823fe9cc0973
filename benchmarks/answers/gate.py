"""The input gate: which share of held-out cells passes, and which share of everything else is refused.

    python -m benchmarks.answers.gate MODEL INDEX [BCCD]

MODEL has an input gate and was trained on INDEX, BCCD is a folder with images and annotations.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.answers import gate_pictures as pictures
from benchmarks.answers.rows import Row, show
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.split import open_index
from edgeleuk.errors import SpecError
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import UNCERTAIN
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.models import open_model

SECTION = "input gate"
PASSES, REFUSES = 0.95, 0.95
_HELD_OUT, _CHANGED, _MADE = 400, 120, 120


def rows(model: Path, index: Path, bccd: Path | None = None, name: str = "") -> list[Row]:
    """Every figure of the gate with its bar, on pictures that the model was not trained on."""
    classifier = open_model(model, threads=1)
    if classifier.gate is None:
        raise SpecError(f"{model} has no input gate")
    opened = open_index(index)
    held_out = _held_out(opened, classifier)
    cells = [decode_indexed(opened.path_of(image)) for image in held_out]
    passing = 1 - _refused(classifier, cells)
    label = f"{name or model.stem}: "
    found = [
        Row(SECTION, f"{label}held-out cells that pass ({len(cells)})", f"{passing:.3f}", ">= 0.95", passing >= PASSES)
    ]
    for what, made in _others(cells[:_CHANGED], bccd):
        share = _refused(classifier, made)
        found.append(Row(SECTION, f"{label}{what} refused ({len(made)})", f"{share:.3f}", ">= 0.95", share >= REFUSES))
    return found


def _held_out(index: Index, classifier: Classifier) -> Sequence[ImageRecord]:
    fold = classifier.spec.provenance.fold
    known = index.test() + (index.validation(fold) if fold is not None else ())
    unseen = [image for image in known if image.sha256[:16] not in classifier.trained_on]
    order = np.random.default_rng(0).permutation(len(unseen))[:_HELD_OUT]
    return [unseen[place] for place in order]


def _others(cells: Sequence[Image.Image], bccd: Path | None) -> Iterable[tuple[str, list[Image.Image]]]:
    like = cells[0]
    yield "noise", list(pictures.noises(like.width, _MADE))
    yield "black, white, one colour", list(pictures.plains(like.width, _MADE))
    yield "blur of sigma 6 px", [pictures.blurred(cell) for cell in cells]
    orders = list(zip(*(pictures.swapped(cell) for cell in cells), strict=True))
    yield "channels swapped, all five orders", [cell for order in orders for cell in order]
    yield "channels swapped, red and blue alone", list(orders[-1])
    yield "photograph-like scenes", list(pictures.scenes(like.width, _MADE))
    yield "half the scale", [pictures.halved(cell) for cell in cells]
    yield "twice the scale", [pictures.doubled(cell) for cell in cells]
    if bccd is not None:
        yield "red cells of BCCD", list(pictures.crops(bccd, "RBC", like, _MADE))
        yield "platelets of BCCD", list(pictures.crops(bccd, "Platelets", like, _MADE))


def _refused(classifier: Classifier, made: Sequence[Image.Image]) -> float:
    """The share with a warning that is the gate's."""
    found = [set(classifier.predict(picture).warnings) - {UNCERTAIN} for picture in made]
    return sum(map(bool, found)) / len(found)


def main(model: str, index: str, bccd: str | None = None) -> None:
    """Print the rows."""
    show(rows(Path(model), Path(index), None if bccd is None else Path(bccd)))


if __name__ == "__main__":
    main(*sys.argv[1:])
