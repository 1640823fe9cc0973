"""Which images of an index a model may be judged on."""

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.label_names import refuse_near_names
from edgeleuk.errors import DataError, LeakError, SpecError, UsageError
from edgeleuk.evaluation.predictors import Predictor

SPLITS = ("test", "validation", "train", "all")


def choose_images(
    index: Index, predictor: Predictor, split: str | None = None, trained: str = "refuse"
) -> tuple[ImageRecord, ...]:
    """Labelled images of a split, `default_split` if None; `trained` says what becomes of images seen in training.

    "refuse" raises LeakError, "skip" leaves them out, "allow" keeps them. Raises SpecError for labels that the model
    does not know, UsageError for a validation split of a model without a fold, DataError if no image is left.
    """
    _check_labels(index, predictor)
    name = split or default_split(index, predictor)
    images = tuple(image for image in _of_split(index, predictor, name) if image.label is not None)
    if not images:
        held = ", ".join(f"{sum(image.split == s for image in index.images):,} {s}" for s in ("train", "test"))
        raise DataError(f"no labelled image in split '{name}'; the index holds {held}; choose with --split")
    if trained == "allow":
        return images
    seen = seen_in_training(index, predictor)
    fresh = tuple(image for image in images if image not in seen)
    if len(fresh) < len(images) and trained == "refuse":
        raise LeakError(_refusal(len(images) - len(fresh), len(images)))
    if not fresh:
        raise DataError(f"all {len(images):,} images of split '{name}' were seen in training; none is left to evaluate")
    return fresh


def default_split(index: Index, predictor: Predictor) -> str:
    """ "test" if the index has labelled test images, else "validation" if it has the model's fold, else "all"."""
    fold = predictor.spec.provenance.fold
    if any(image.label is not None for image in index.test()):
        return "test"
    return "validation" if fold is not None and index.validation(fold) else "all"


def seen_in_training(index: Index, predictor: Predictor) -> frozenset[ImageRecord]:
    """Images of the index that the model was trained on or calibrated with, as far as model and index can tell.

    By content hash; and, if the model names this very index, by its folds.
    """
    seen = {image for image in index.images if not predictor.trained_on.isdisjoint(image.digests)}
    origin = predictor.spec.provenance
    if origin.fold is not None and index.is_known_as(origin.index_sha256):
        seen.update(index.training(origin.fold))
    return frozenset(seen)


def _of_split(index: Index, predictor: Predictor, name: str) -> tuple[ImageRecord, ...]:
    fold = predictor.spec.provenance.fold
    if name == "test":
        return index.test()
    if name == "all":
        return index.images
    if name == "train":
        return index.select(lambda image: image.split == "train" and (fold is None or image.fold != fold))
    if name == "validation" and fold is not None:
        return index.validation(fold)
    if name == "validation":
        raise UsageError("the model does not say which fold was held out; choose --split test or --split all")
    raise UsageError(f"split is '{name}'; expected {' | '.join(SPLITS)}")


def _check_labels(index: Index, predictor: Predictor) -> None:
    known = predictor.spec.classes
    labels = {*index.classes, *(image.label for image in index.images if image.label is not None)}
    refuse_near_names(labels, known)
    if not labels <= set(known):
        raise SpecError(
            f"the images are labelled {', '.join(sorted(labels))}; the model knows {', '.join(known)}; "
            "rename the classes of one of them"
        )


def _refusal(seen: int, count: int) -> str:
    skip = f"--skip-trained evaluates the other {count - seen:,}, " if seen < count else ""
    return (
        f"{seen:,} of {count:,} images were seen in training; "
        f"{skip}--allow-trained evaluates all of them and says so in the result"
    )
