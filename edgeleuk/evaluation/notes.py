"""What must be said beside the scores: each note is one sentence that limits what they mean."""

from collections.abc import Collection, Iterator

from edgeleuk.data.index import ImageRecord
from edgeleuk.evaluation.predictors import Predictor
from edgeleuk.statistics.metrics import Scores

_FEW_GROUPS = 10


def notes_on(
    scores: Scores, split: str, predictor: Predictor, images: Collection[ImageRecord], seen: Collection[ImageRecord]
) -> Iterator[str]:
    """Sentences on training overlap, subjects and intervals. `seen` are the images of the index seen in training."""
    yield from _on_training(split, predictor, images, seen)
    unknown = sum(image.subject is None for image in images)
    if unknown == len(images):
        yield "no subject is known: intervals are over images, and no claim about patients can be made"
    elif unknown:
        yield f"the subject of {unknown:,} images is unknown: intervals take each of them for a subject of its own"
    yield from _on_intervals(scores, predictor.spec.classes)
    yield "research use, not a diagnosis"


def _on_training(
    split: str, predictor: Predictor, images: Collection[ImageRecord], seen: Collection[ImageRecord]
) -> Iterator[str]:
    trained = len(set(seen).intersection(images))
    if trained:
        yield f"{trained:,} of {len(images):,} images were seen in training: the scores flatter"
    elif not predictor.trained_on and not seen:
        yield "overlap cannot be ruled out: the model does not say which images it was trained on"
    subjects = {image.subject for image in seen if image.subject is not None}
    related = sum(image.subject in subjects for image in set(images).difference(seen))
    if related:
        of_all = f"{related:,} of {len(images):,} images"
        yield f"{of_all} come from subjects whose other images were seen in training: the scores flatter"
    if split == "validation":
        yield "the validation fold has steered training: expect a little less on new subjects"


def _on_intervals(scores: Scores, classes: tuple[str, ...]) -> Iterator[str]:
    unit, groups = scores.bootstrap.unit, scores.group_count
    alone = [name for name, count in zip(classes, scores.groups_per_class, strict=True) if count == 1]
    if groups == 1:
        yield f"1 {unit}: no interval"
    elif alone:
        yield f"1 {unit} of class {', '.join(alone)}: no interval"
    elif groups < _FEW_GROUPS:
        yield (
            f"{groups} {unit}s: the intervals take so few into account, but are too narrow if one {unit} in five "
            "has most errors"
        )
    if scores.has_intervals and scores.accuracy.value in (0.0, 1.0):
        alike = "right" if scores.accuracy.value else "wrong"
        yield f"every image was answered {alike}: bounds are those of one image a {unit}"
