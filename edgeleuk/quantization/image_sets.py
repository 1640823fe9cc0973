"""The images that a conversion sets its ranges on, and others that it is judged on."""

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.sampling import ImageSet, draw
from edgeleuk.errors import UsageError
from edgeleuk.quantization.source import Source


def calibration_set(source: Source, given: Index | None, count: int, seed: int) -> ImageSet:
    """Images for post-training quantization, of the index given or the source's own, never of what is evaluated.

    Raises UsageError if there is no index, DataError if it has no such image or images have changed.
    """
    index = given or source.index
    if index is None:
        raise UsageError("--int8 of a Keras model needs --calibration INDEX_OR_DIR: images to set its ranges on")
    hashes = {image.sha256 for image in source.held_out}
    subjects = {image.subject for image in source.held_out} - {None}
    usable = [
        image
        for image in _training_part(index, source.fold)
        if image.sha256 not in hashes and image.subject not in subjects
    ]
    return draw(index, usable, count, seed)


def _training_part(index: Index, fold: int | None) -> tuple[ImageRecord, ...]:
    """What the fold trains on; without a fold, every second image is kept back for fidelity."""
    if fold is not None:
        return index.training(fold)
    return index.select(lambda image: image.split == "train")[::2]


def fidelity_set(source: Source, given: Index | None, count: int, seed: int, seen: frozenset[str]) -> ImageSet | None:
    """Images that were not seen in training or calibration; None if there are none, or none are wanted."""
    index = source.index or given
    if index is None or count == 0:
        return None
    candidates = source.held_out or index.select(lambda image: image.split != "unlabelled")
    unseen = [image for image in candidates if image.sha256[:16] not in seen]
    return draw(index, unseen, count, seed) if unseen else None
