"""Images with the same bytes or the same pixels: which there are, and what each pair of copies crosses."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from edgeleuk.data.groups import grouped, subjects_of
from edgeleuk.data.index import ImageRecord


@dataclass(frozen=True)
class DuplicatePairs:
    """Numbers of pairs of copies. `across_*` count pairs that differ, both sides being known.

    Folds are those of the training split; `identical_place` pairs agree in class, subject, fold and split;
    `other_bytes` pairs have the same pixels in files of other bytes, as PNG and TIFF.
    """

    total: int
    across_folds: int
    within_folds: int
    across_subjects: int
    across_splits: int
    across_classes: int
    identical_place: int
    by_split: dict[str, int]
    other_bytes: int = 0


@dataclass(frozen=True)
class DuplicateSet:
    """All images with the same pixels; `sha256` is of the first one's bytes."""

    sha256: str
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    other_bytes: bool = False


def copies(images: Iterable[ImageRecord]) -> list[list[ImageRecord]]:
    """Images with the same bytes or pixels, two and more of them, in order of first appearance."""
    by_hash: dict[str, list[ImageRecord]] = {}
    for image in images:
        by_hash.setdefault(image.picture, []).append(image)
    return [same for same in by_hash.values() if len(same) > 1]


def duplicate_set(same: Sequence[ImageRecord]) -> DuplicateSet:
    """The record of images that share their bytes."""
    labels = tuple(sorted({image.label for image in same if image.label is not None}))
    other = len({image.sha256 for image in same}) > 1
    return DuplicateSet(same[0].sha256, tuple(image.path for image in same), labels, other)


def count_pairs(sets: Sequence[Sequence[ImageRecord]]) -> DuplicatePairs:
    """Count n (n - 1) / 2 pairs for each set of n copies, by what they cross; linear in the number of images."""
    by_split: Counter[str] = Counter()
    total = folds_apart = folds_same = subjects = splits = classes = identical = other = 0
    for same in sets:
        total += _pairs(len(same))
        apart, together = _apart(image.fold for image in same if image.split == "train")
        folds_apart, folds_same = folds_apart + apart, folds_same + together
        subjects += _apart(image.subject for image in same)[0]
        classes += _apart(image.label for image in same)[0]
        splits += _apart(image.split for image in same)[0]
        other += _apart(image.sha256 for image in same)[0]
        identical += _apart((image.label, image.subject, image.fold, image.split) for image in same)[1]
        for split, number in Counter(image.split for image in same).items():
            by_split[split] += _pairs(number)
    inside = {split: number for split, number in by_split.items() if number}
    return DuplicatePairs(total, folds_apart, folds_same, subjects, splits, classes, identical, inside, other)


def merged_subjects(images: Sequence[ImageRecord]) -> tuple[tuple[str, ...], ...]:
    """Subjects that share pictures, directly or over others, and are therefore one as far as a split is concerned."""
    merged = [subjects for group in grouped(images) if len(subjects := subjects_of(group)) > 1]
    return tuple(merged)


def _pairs(number: int) -> int:
    return number * (number - 1) // 2


def _apart(values: Iterable[Hashable | None]) -> tuple[int, int]:
    """Pairs of known values that differ, and pairs that agree."""
    counts = Counter(value for value in values if value is not None)
    together = sum(_pairs(number) for number in counts.values())
    return _pairs(counts.total()) - together, together
