"""What a model gains or loses on each class against a reference: a mean over classes hides a lost sensitivity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.groups import group_ids
from edgeleuk.data.index import ImageRecord
from edgeleuk.statistics.few_subjects import difference_bounds


@dataclass(frozen=True)
class ClassChange:
    """Recall of one class, of reference and candidate, as shares; `kind` is what the field calls it.

    `low` and `high` bound the difference with 95 %; of `groups` subjects, or images if none is known. None with one.
    """

    name: str
    kind: str
    images: int
    groups: int
    unit: str
    reference: float
    candidate: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        """Candidate less reference."""
        return self.candidate - self.reference

    @property
    def told(self) -> bool:
        """Whether it can be told from nothing."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def class_changes(
    images: Sequence[ImageRecord], reference: Mapping[str, bool], candidate: Mapping[str, bool], positive: str | None
) -> tuple[ClassChange, ...]:
    """Of each class that has images, by name; which images each model got right, by path."""
    labels = np.array([str(image.label) for image in images])
    groups = np.array(group_ids(images))
    before, after = (np.array([right[image.path] for image in images], np.bool_) for right in (reference, candidate))
    known = any(image.subject is not None for image in images)
    names = sorted(set(labels.tolist()))
    found = []
    for name in names:
        own = labels == name
        count, bounds = _bounds(before[own], after[own], groups[own])
        kind = "recall"
        if positive is not None and len(names) <= 2:
            kind = "sensitivity" if name == positive else "specificity"
        shares = float(before[own].mean()), float(after[own].mean())
        found.append(ClassChange(name, kind, int(own.sum()), count, "subject" if known else "image", *shares, *bounds))
    return tuple(found)


def _bounds(
    before: NDArray[np.bool_], after: NDArray[np.bool_], groups: NDArray[np.integer]
) -> tuple[int, tuple[float | None, float | None]]:
    """How many groups, and the bounds of what was gained less what was lost."""
    numbers = np.unique(groups, return_inverse=True)[1]
    sizes, gained, lost = (
        np.bincount(numbers, weights=each).astype(np.float64)
        for each in (np.ones(len(numbers)), after & ~before, before & ~after)
    )
    return len(sizes), difference_bounds(gained, lost, sizes) if len(sizes) > 1 else (None, None)
