"""An evaluation read again: its scores, each with all that has to be shown with it, so that nothing can drop that."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.codec import decode, expect_version
from edgeleuk.data.shortcuts.judging import Shortcuts
from edgeleuk.evaluation.degraded import Degraded
from edgeleuk.evaluation.evaluate import SCHEMA_VERSION, SubjectResult
from edgeleuk.evaluation.reliability import Reliability
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.statistics.few_subjects import difference_bounds
from edgeleuk.statistics.metrics import Estimate, Scores
from edgeleuk.text import counted

_RESEARCH_USE = RESEARCH_USE.removeprefix("For ").rstrip(".").lower()
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Scored:
    """A share, its interval, how many groups (subjects mostly) it rests on, and the sentences that limit what it means.

    Bounds are None if no interval can be given; `groups` in records that do not say.
    """

    value: float
    low: float | None
    high: float | None
    groups: int | None
    unit: str
    caveats: tuple[str, ...] = ()

    @property
    def count(self) -> str:
        """ "6 subjects"; in records that do not say how many "subjects"."""
        return f"{self.unit}s" if self.groups is None else counted(self.groups, self.unit)

    @property
    def text(self) -> str:
        """ "0.944 (0.862 to 0.984; 6 subjects)"."""
        return f"{self.value:.3f} ({self.bounds}; {self.count})"

    @property
    def bounds(self) -> str:
        """ "0.862 to 0.984", or that there is no interval."""
        return "no interval" if self.low is None else f"{self.low:.3f} to {self.high:.3f}"

    @property
    def whole(self) -> str:
        """The text, then every caveat."""
        return "; ".join((self.text, *self.caveats))


def scored(estimate: Estimate, scores: Scores, caveats: tuple[str, ...]) -> Scored:
    """One of these scores; older records say only how many groups all of them rest on."""
    groups = scores.group_count if estimate.groups is None else estimate.groups
    return Scored(estimate.value, estimate.low, estimate.high, groups, scores.bootstrap.unit, caveats)


def named_scores(
    scores: Scores, classes: tuple[str, ...], positive: str | None, caveats: tuple[str, ...]
) -> dict[str, Scored | None]:
    """All scores under the names they are shown with; of two classes, recalls are sensitivity and specificity."""
    named = {
        "accuracy": scores.accuracy,
        "balanced accuracy": scores.balanced_accuracy,
        "weighted F1": scores.weighted_f1,
        "AUROC": scores.auroc,
    }
    two_sided = positive is not None and len(classes) == 2
    for name, recall in zip(classes, scores.recall, strict=True):
        kind = "recall" if not two_sided else "sensitivity" if name == positive else "specificity"
        named[f"{kind} ({name})"] = recall
    return {name: None if found is None else scored(found, scores, caveats) for name, found in named.items()}


def caveats_of(notes: Iterable[str]) -> tuple[str, ...]:
    """The notes of an evaluation without the sentence that every report has anyway."""
    return tuple(note for note in notes if note != _RESEARCH_USE)


@dataclass(frozen=True)
class Evaluated:
    """Of one model, as `evaluate` found it; `model` is the name of its file."""

    model: str
    model_sha256: str
    index_sha256: str
    split: str
    classes: tuple[str, ...]
    positive_class: str | None
    scores: Scores
    subjects: tuple[SubjectResult, ...]
    notes: tuple[str, ...]
    former_index_sha256: str | None = None
    shortcuts: Shortcuts | None = None
    degraded: Degraded | None = None
    reliability: Reliability | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the parts do not fit each other."""
        count, scores = len(self.classes), self.scores
        shape = [len(scores.recall), len(scores.groups_per_class), *map(len, (scores.confusion, *scores.confusion))]
        if count < 2 or set(shape) != {count}:
            raise ValueError(f"recalls and confusion matrix are not of the {count} classes")
        if sum(map(sum, scores.confusion)) != scores.image_count or scores.image_count < 1:
            raise ValueError(f"the confusion matrix does not hold {scores.image_count} images")
        for name, found in self.named.items():
            bounds = None if found is None else (found.low, found.value, found.high)
            if bounds is not None and not _is_interval(*bounds):
                raise ValueError(f"{name} {bounds[1]} does not lie between {bounds[0]} and {bounds[2]}, all of 0 to 1")

    @property
    def of(self) -> frozenset[tuple[str, str]]:
        """The images that it is of: index and split, by each hash that the index is known by."""
        return frozenset((known, self.split) for known in (self.index_sha256, self.former_index_sha256) if known)

    @property
    def images(self) -> int:
        """How many images it was evaluated on."""
        return self.scores.image_count

    @cached_property
    def caveats(self) -> tuple[str, ...]:
        """What limits the scores, a sentence each."""
        return caveats_of(self.notes)

    @cached_property
    def accuracy(self) -> Scored:
        """With all that has to be shown with it."""
        return scored(self.scores.accuracy, self.scores, self.caveats)

    @cached_property
    def named(self) -> dict[str, Scored | None]:
        """All scores under the names they are shown with."""
        return named_scores(self.scores, self.classes, self.positive_class, self.caveats)


def _is_interval(low: float | None, value: float, high: float | None) -> bool:
    if low is None or high is None:
        return low is high and 0 <= value <= 1
    return 0 <= low <= value + _ROUNDING and value - _ROUNDING <= high <= 1


def parse_evaluation(raw: dict[str, Any], path: Path) -> Evaluated:
    """From the JSON of `evaluate -o`. Raises DataError if it is damaged or of another schema version."""
    expect_version(raw["schema_version"], SCHEMA_VERSION, str(path), "evaluate again")
    found: Evaluated = decode(Evaluated, raw, str(path), others=True)
    return dataclasses.replace(found, model=Path(found.model).name)


@dataclass(frozen=True)
class Change:
    """Accuracy of one model less that of another on the same images, a share; its bounds, None if none can be given.

    `groups` subjects it rests on.
    """

    difference: float
    low: float | None
    high: float | None
    groups: int

    @property
    def told(self) -> bool:
        """Whether it can be told from nothing."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def change_between(one: Evaluated, other: Evaluated) -> Change:
    """From one to the other; without the subjects of all images, and with one subject, there are no bounds."""
    difference = other.accuracy.value - one.accuracy.value
    before, after = ({row.subject: row for row in each.subjects} for each in (one, other))
    known = sum(row.images for row in before.values()) == one.images
    alike = {name: row.images for name, row in before.items()} == {name: row.images for name, row in after.items()}
    if not known or not alike or len(before) < 2:
        return Change(difference, None, None, len(before))
    net = np.array([after[name].correct - row.correct for name, row in before.items()], np.float64)
    sizes = np.array([row.images for row in before.values()], np.float64)
    low, high = difference_bounds(np.maximum(net, 0), np.maximum(-net, 0), sizes)
    return Change(difference, low, high, len(before))
