"""Shortcuts: what trivial features reach on images that they were not fitted on, beside the most frequent class."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.scan import Scan
from edgeleuk.data.shortcuts.features import COLOUR, GROUPS, TOGETHER, columns_of, features_of
from edgeleuk.data.shortcuts.learning import (
    Answered,
    Labels,
    Parts,
    by_subject,
    cross_validation_parts,
    learn,
    most_frequent,
    scikit_learn,
)
from edgeleuk.errors import DataError
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.statistics.resampling import Bootstrap
from edgeleuk.statistics.shares import estimates
from edgeleuk.text import counted

Progress = Callable[[int, int], None]
ALL = (*GROUPS, TOGETHER)


@dataclass(frozen=True)
class Reached:
    """What one group of `features` numbers reaches in a random forest, and its accuracy in a logistic regression.

    Balanced accuracy is the mean recall of the classes that have images; `auroc` is None if no part has every class.
    """

    name: str
    features: int
    accuracy: Estimate
    balanced_accuracy: float
    auroc: float | None
    logistic_accuracy: float


@dataclass(frozen=True)
class OwnSubject:
    """Naming for each image the most frequent class of its own subject, as if nothing but the subject were recognised.

    `known_images` have a subject that was among those fitted on; only of these does it say anything. `pure`: how many
    of `subjects` have images of one class alone.
    """

    accuracy: Estimate
    known_images: int
    subjects: int
    pure: int


@dataclass(frozen=True)
class Shortcuts:
    """What trivial features reach. `folds` is None if they were fitted on one part and asked about another.

    `trained_on` images were fitted on, `tested_on` asked about, each once; `unit` names what intervals are over.
    """

    trained_on: int
    tested_on: int
    folds: int | None
    unit: str
    majority_class: str
    majority: Estimate
    reached: tuple[Reached, ...]
    own_subject: OwnSubject | None = None
    notes: tuple[str, ...] = ()

    @property
    def colour(self) -> Reached | None:
        """What mean and deviation of colour reach."""
        return next((row for row in self.reached if row.name == COLOUR), None)

    def explained(self, accuracy: float) -> float | None:
        """The share that colour has of what an accuracy is above the most frequent class; None if it is not above.

        0 at least; above 1 if colour reaches more.
        """
        gained = accuracy - self.majority.value
        if self.colour is None or gained <= 0:
            return None
        return max(0.0, (self.colour.accuracy.value - self.majority.value) / gained)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Search:
    """How to look: which groups of numbers, at most how many images on each side, seed, and who hears of progress."""

    groups: tuple[str, ...] = ALL
    most_images: int | None = None
    seed: int = 0
    resamples: int = 2000
    progress: Progress | None = None


# Beside a network's accuracy: decoding more images would take longer than a small network's answers.
SHORT_SEARCH = Search((COLOUR, TOGETHER), most_images=2000)


def shortcuts_held_out(
    root: Path, known: Sequence[ImageRecord], asked: Sequence[ImageRecord], search: Search
) -> Shortcuts:
    """Fit on labelled images that are known, ask about others; both at random down to `most_images`.

    Raises DataError if there are none, or of one class alone, or files below `root` are missing, MissingExtraError
    without scikit-learn.
    """
    scikit_learn()
    sides = [_sample(_labelled(side), search) for side in (known, asked)]
    if not all(sides):
        raise DataError("no labelled image to fit on, or none to ask about; how far colour alone goes takes both")
    parts = [(np.arange(len(sides[0])), len(sides[0]) + np.arange(len(sides[1])))]
    return _judge(root, [*sides[0], *sides[1]], parts, None, search, _sampled((known, asked), sides))


def shortcuts_cross_validated(root: Path, images: Sequence[ImageRecord], search: Search) -> Shortcuts:
    """Fit and ask by turns, in the images' folds if each has one, else in five parts that share no group.

    In fewer if the rarest class has fewer groups. Raises as `shortcuts_held_out`, and DataError if it has one only.
    """
    scikit_learn()
    labelled = _labelled(images)
    chosen = _sample(labelled, search)
    if not chosen:
        raise DataError("no labelled image; how far colour alone goes is asked of labels")
    parts = _fold_parts(chosen) or cross_validation_parts(*_truth_and_groups(chosen), search.seed)
    return _judge(root, chosen, parts, len(parts), search, _sampled((labelled,), [chosen]))


def shortcuts_of_index(index: Index, search: Search) -> Shortcuts:
    """Fit on what is not the test part and ask about that; without one, in the index's folds. Raises as both do.

    A validation part that the images came with is asked about as a test part is.

    A test part of one class alone is none: naming that class would be right about all of it.
    """
    training = index.select(lambda image: image.split == "train")
    test = _labelled(index.test())
    if len({image.label for image in test}) > 1:
        return shortcuts_held_out(index.root, training, test, search)
    if index.fold_count == 1 and index.training(0) and index.validation(0):
        return shortcuts_held_out(index.root, index.training(0), index.validation(0), search)
    return shortcuts_cross_validated(index.root, training, search)


def shortcuts_of_scan(scan: Scan, search: Search) -> Shortcuts:
    """Fit and ask by turns about the labelled images of a folder, or of a manifest's. Raises as the one above.

    Folds that a layout came with are not used: groups may lie on two sides of them.
    """
    images = [image for image in scan.images if image.split == "train"] or scan.images
    bare = [dataclasses.replace(image, fold=None) for image in images]
    return shortcuts_cross_validated(scan.root, bare, search)


def _judge(
    root: Path, images: Sequence[ImageRecord], parts: Parts, folds: int | None, search: Search, notes: list[str]
) -> Shortcuts:
    truth, groups = _truth_and_groups(images)
    if any(len(np.unique(truth[known])) < 2 for known, _ in parts):
        raise DataError("the images to fit on are all of one class; how far colour alone goes takes two")
    rows = features_of(root, images, search.progress)
    alike = [name for name in search.groups if (np.ptp(rows[:, columns_of(name)], axis=0) == 0).all()]
    telling = [name for name in search.groups if name not in alike]
    learned = [learn(rows[:, columns_of(name)], truth, parts, search.seed) for name in telling]
    majority = most_frequent(truth, parts)
    own, known_images = by_subject(truth, _subject_numbers(images), parts)
    asked = np.concatenate([part for _, part in parts])
    right = np.stack([each == truth[asked] for each in (majority, own, *(found.forest for found in learned))], axis=1)
    unit = "subject" if all(image.subject is not None for image in images) else "image group"
    shares = estimates(right, truth[asked], groups[asked], Bootstrap(unit, search.resamples, search.seed))
    reached = zip(telling, learned, shares[2:], strict=True)
    return Shortcuts(
        trained_on=len(images) - (len(asked) if folds is None else 0),
        tested_on=len(asked),
        folds=folds,
        unit=unit,
        majority_class=sorted({str(image.label) for image in images})[int(np.bincount(majority).argmax())],
        majority=shares[0],
        reached=tuple(_reached(name, found, share, truth[asked]) for name, found, share in reached),
        own_subject=_own_subject(shares[1], known_images, images),
        notes=(*notes, *(f"{name}: the same in all images" for name in alike)),
    )


def _reached(name: str, found: Answered, accuracy: Estimate, truth: Labels) -> Reached:
    recalls = [(found.forest == truth)[truth == number].mean() for number in np.unique(truth)]
    logistic = float((found.logistic == truth).mean())
    return Reached(name, len(columns_of(name)), accuracy, float(np.mean(recalls)), found.auroc, logistic)


def _own_subject(accuracy: Estimate, known_images: int, images: Sequence[ImageRecord]) -> OwnSubject | None:
    """None if no subject is known."""
    classes: dict[str, set[str | None]] = {}
    for image in images:
        if image.subject is not None:
            classes.setdefault(image.subject, set()).add(image.label)
    pure = sum(len(labels) == 1 for labels in classes.values())
    return OwnSubject(accuracy, known_images, len(classes), pure) if classes else None


def _fold_parts(images: Sequence[ImageRecord]) -> Parts:
    """The parts that the images' folds make; none unless each image has a fold, and there are two."""
    if any(image.fold is None for image in images):
        return []
    folds = np.array([image.fold for image in images])
    held = np.unique(folds)
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in held] if len(held) > 1 else []


def _labelled(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    return [image for image in images if image.label is not None]


def _sample(images: list[ImageRecord], search: Search) -> list[ImageRecord]:
    """At most as many images as are asked for, drawn at random, in their own order."""
    if search.most_images is None or len(images) <= search.most_images:
        return images
    drawn = np.random.default_rng(search.seed).permutation(len(images))[: search.most_images]
    return [images[number] for number in sorted(drawn)]


def _sampled(wholes: Sequence[Sequence[ImageRecord]], chosen: Sequence[Sequence[ImageRecord]]) -> list[str]:
    """A sentence if not all images were taken."""
    pairs = [(len(part), len(_labelled(whole))) for part, whole in zip(chosen, wholes, strict=True)]
    if all(taken == count for taken, count in pairs):
        return []
    told = [f"{taken:,} of {counted(count, 'image')}" for taken, count in pairs]
    return [f"drawn at random: {' and '.join(told)}"]


def _truth_and_groups(images: Sequence[ImageRecord]) -> tuple[Labels, NDArray[np.int64]]:
    """Number of each image's class, in order of name, and of its group."""
    _, truth = np.unique([str(image.label) for image in images], return_inverse=True)
    return truth.astype(np.int64), np.array(group_ids(images), np.int64)


def _subject_numbers(images: Sequence[ImageRecord]) -> Labels:
    """The number of each image's subject; -1 if it is unknown."""
    numbers: dict[str, int] = {}
    known = (None if image.subject is None else numbers.setdefault(image.subject, len(numbers)) for image in images)
    return np.array([-1 if number is None else number for number in known], np.int64)
