"""Each cell of a field classified as a picture of its own: with the same crop, abstention and input gate."""

from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.fields.answers import Answer, FieldResult
from edgeleuk.fields.crops import KEEP, crop_of
from edgeleuk.fields.finder import Cell
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.pipeline import mapped
from edgeleuk.runtime.preprocessing import crop_size
from edgeleuk.spec import CROP

_USUAL = (1.0, 4.0)  # how many cells' diameters the crop of a model is wide


def classified(
    result: FieldResult, field: Image.Image, classifier: Classifier, surroundings: str = KEEP, workers: int = 1
) -> FieldResult:
    """The field's result with an answer about each cell; `workers` threads infer.

    Raises ModelError if the network cannot be run.
    """

    def answer(cell: Cell) -> Answer:
        return _answer(crop_of(field, cell, classifier.spec.preprocessing, surroundings), classifier)

    answers = mapped((found.cell for found in result.cells), answer, workers)
    cells = tuple(replace(found, answer=each) for found, each in zip(result.cells, answers, strict=True))
    return replace(result, cells=cells, shown=classifier.spec.shown_names)


def _answer(crop: Image.Image, classifier: Classifier) -> Answer:
    try:
        found = classifier.predict(crop)
    except ImageError as error:  # what the gate refuses
        return Answer(None, refused=str(error).removeprefix("image: "))
    return Answer(found.label, found.probabilities, found.warnings)


def scale_notes(result: FieldResult, classifier: Classifier) -> Iterator[str]:
    """Sentences on cells that are of another size than those that the model was trained on, as far as can be told."""
    spec = classifier.spec.preprocessing
    if spec.fit != CROP or result.cell_px is None:
        return
    crop = min(crop_size(spec))
    times = crop / result.cell_px
    if not _USUAL[0] <= times <= _USUAL[1]:
        yield (
            f"{result.name}: its cells are about {result.cell_px:.0f} px wide, and the model is shown {crop} px around "
            f"each, {times:.1f} times as much; it was trained at another scale, so its answers may mean nothing. "
            "Rescale the field, or take a model of this microscope"
        )
