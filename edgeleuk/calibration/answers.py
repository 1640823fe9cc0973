"""What a model says of the held-out images that it is calibrated on, and whether they are enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index, verify_files
from edgeleuk.errors import DataError, LeakError, ModelError
from edgeleuk.evaluation.selection import choose_images, seen_in_training
from edgeleuk.progress import counted as progress
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import apply_temperature, probability_floor
from edgeleuk.spec import Decision
from edgeleuk.statistics.few_subjects import FEW_SUBJECTS
from edgeleuk.statistics.temperature import deal_groups
from edgeleuk.text import counted


@dataclass(frozen=True)
class Answers:
    """A network's scores of n held-out images, float32 [n, classes] at temperature 1, and their true classes, int [n].

    `groups` int64 [n] numbers the subjects, from 0; an image of an unknown one is a subject of its own.
    """

    images: tuple[ImageRecord, ...]
    classes: tuple[str, ...]
    scores: NDArray[np.float32]
    truth: NDArray[np.int64]
    groups: NDArray[np.int64]
    floor: float

    @property
    def group_count(self) -> int:
        """Groups of images."""
        return int(self.groups.max()) + 1

    @property
    def unit(self) -> str:
        """What a group is."""
        return "subject" if all(image.subject is not None for image in self.images) else "image group"

    @cached_property
    def folds(self) -> NDArray[np.int64]:
        """int64 [n]: the part of cross-fitting that each image is in, with all of its group."""
        return deal_groups(self.groups, self.truth)

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """int64 [n]: the order of content hashes, which says nothing of the images."""
        return np.argsort(np.argsort([image.sha256 for image in self.images], kind="stable"))

    def others(self) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """For each part of cross-fitting, bool [n] each: the images in it, and all others."""
        for number in range(int(self.folds.max()) + 1):
            own = self.folds == number
            yield own, ~own

    def at(self, temperature: float) -> NDArray[np.float32]:
        """float32 [n, classes]: probabilities at a temperature, as the device computes them."""
        return apply_temperature(self.scores, Decision(temperature), self.floor)

    def groups_of(self, name: str) -> int:
        """How many groups have an image of this class."""
        return len(np.unique(self.groups[self.truth == self.classes.index(name)]))


def default_split(index: Index, fold: int | None) -> str:
    """ "validation" if the index has the model's fold, so that test images stay unseen; else "test", else "all"."""
    if fold is not None and any(image.label is not None for image in index.validation(fold)):
        return "validation"
    return "test" if any(image.label is not None for image in index.test()) else "all"


def collect_answers(classifier: Classifier, index: Index, split: str) -> Answers:
    """Run a model, at temperature 1, on a split of an index.

    Raises LeakError if images, or other ones of their subjects, were seen in training; DataError or ImageError for
    files that cannot be used; ModelError for scores that are not finite.
    """
    images = choose_images(index, classifier, split, "allow")
    _check_held_out(index, images, classifier)
    verify_files(index, images)
    paths = [index.path_of(image) for image in images]
    scores = np.stack(list(progress(classifier.probabilities(paths), "images", len(paths))))
    if not np.isfinite(scores).all():
        raise ModelError("the model's answers to some images are not finite; it cannot be calibrated")
    classes = classifier.spec.classes
    truth = np.array([classes.index(str(image.label)) for image in images])
    floor = probability_floor(classifier.network.output["quantization"][0], len(classes))
    return Answers(images, classes, scores, truth, np.array(group_ids(images)), floor)


def _check_held_out(index: Index, images: tuple[ImageRecord, ...], classifier: Classifier) -> None:
    seen = seen_in_training(index, classifier)
    if own := len(seen.intersection(images)):
        raise LeakError(
            f"{own:,} of {len(images):,} images were seen in training, on which a model is too sure of itself; choose "
            "another --split, or the index that it was trained with"
        )
    trained = {image.subject for image in seen if image.subject is not None}
    related = sum(image.subject in trained for image in images)
    if related:
        raise LeakError(
            f"{related:,} of {len(images):,} images come from subjects whose other images were seen in training, on "
            "which a model is too sure of itself; choose a --split whose subjects were held out"
        )


def check_enough(answers: Answers) -> None:
    """Raise DataError, with the number that is needed, if too little was held out to say anything."""
    lacking = [name for name in answers.classes if not answers.groups_of(name)]
    if lacking:
        raise DataError(
            f"no held-out image is of class {', '.join(lacking)}; probabilities can be judged only where each class "
            "has images: choose another --split, or hold out more subjects with 'edgeleuk data split'"
        )
    if answers.group_count < FEW_SUBJECTS:
        raise DataError(
            f"{counted(answers.group_count, answers.unit)} held out, too few to calibrate on: at least {FEW_SUBJECTS} "
            "are needed before anything is said of new ones; choose another --split, or hold out more with "
            "'edgeleuk data split'"
        )


def check_class(answers: Answers, name: str, needed: int, why: str) -> None:
    """Raise DataError if fewer than `needed` groups have an image of a class."""
    found = answers.groups_of(name)
    if found < needed:
        raise DataError(
            f"{counted(found, answers.unit)} of class {name} held out; {why} takes at least {needed:,} of them: hold "
            "out more, or ask for less"
        )
