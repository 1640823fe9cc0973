"""What a store holds and is asked for beside results, as values: an audit's line, a failure, a filter, a subject's sum.

They stand apart from `record`, which is all that is needed to classify an image.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edgeleuk.store.record import ModelIdentity, readable
from edgeleuk.store.times import now

if TYPE_CHECKING:
    from edgeleuk.subjects.cells import SubjectCells


@dataclass(frozen=True)
class Change:
    """A line of the audit: what was done to a result, by whom, when (UTC), from which value to which.

    `what`: "subject", "label", "delete" (`old` is JSON of what went) or "repair" (a damaged row was replaced).
    """

    id: int
    at: str
    by: str
    what: str
    result_id: int
    old: str | None = None
    new: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dict(vars(self))


@dataclass(frozen=True)
class Failure:
    """An image that could not be classified. `sha256` is None if it could not even be read.

    `subject`: of whom it was, as far as is known.
    """

    path: str
    error: str
    created: str
    sha256: str | None = None
    source: str = "file"
    id: int | None = None
    subject: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return vars(self) | {"path": readable(self.path), "error": readable(self.error)}


@dataclass(frozen=True)
class Filter:
    """Which results are meant; None is any. `since` (inclusive) and `until` (exclusive) are as `Result.created`.

    `subject` and `label`, the one that holds, are compared as people read them: no case, no two encodings of an accent.
    `warnings`, `corrected`: only with (True) or without (False).
    """

    subject: str | None = None
    label: str | None = None
    since: str | None = None
    until: str | None = None
    model_sha256: str | None = None
    source: str | None = None
    no_subject: bool = False
    warnings: bool | None = None
    corrected: bool | None = None


@dataclass(frozen=True)
class Unanswered:
    """How many pictures of a subject no model answered, `refused` by an input gate or failed; first and last time."""

    subject: str | None
    refused: bool
    count: int
    first: str
    last: str


@dataclass(frozen=True)
class SubjectSummary:
    """What one model said of one subject (None: of images without one), first and last time.

    `answered` counts the model's labels of those without a warning, `by_person` people's labels. Those with warnings
    that no one has labelled are kept apart: `abstained` if the model is uncertain of them and nothing else, `refused`
    if anything else was found, and if that is why there is no answer. `failed`: other pictures of that subject that no
    model answered.
    """

    subject: str | None
    first: str
    last: str
    answered: dict[str, int] = field(default_factory=dict)
    by_person: dict[str, int] = field(default_factory=dict)
    abstained: int = 0
    refused: int = 0
    failed: int = 0
    model_sha256: str = ""
    model: ModelIdentity | None = field(default=None, compare=False, repr=False)

    @property
    def labels(self) -> dict[str, int]:
        """How many of each label that holds."""
        names = sorted({*self.answered, *self.by_person})
        return {name: self.answered.get(name, 0) + self.by_person.get(name, 0) for name in names}

    @property
    def total(self) -> int:
        """The sum of the labels."""
        return sum(self.labels.values())

    @property
    def kept_apart(self) -> int:
        """In neither labels nor total."""
        return self.abstained + self.refused

    @property
    def corrected(self) -> int:
        """How many a person labelled."""
        return sum(self.by_person.values())

    @property
    def cells(self) -> "SubjectCells":
        """The same, to ask for the share of a class."""
        from edgeleuk.subjects.cells import SubjectCells

        return SubjectCells(
            self.subject, self.answered, self.by_person, self.abstained, self.refused, failed=self.failed
        )

    def also(self, unanswered: Iterable[Unanswered]) -> "SubjectSummary":
        """With the pictures of its subject that have no answer."""
        counts = [(each.refused, each.count) for each in unanswered]
        refused, failed = (sum(count for kind, count in counts if kind is wanted) for wanted in (True, False))
        return replace(self, refused=self.refused + refused, failed=self.failed + failed)

    def more(self, how: str, label: str, count: int) -> dict[str, Any]:
        """The field that `count` images of that label change, with its new value; `how` is that field's name."""
        before = getattr(self, how)
        return {how: before + count if isinstance(before, int) else before | {label: before.get(label, 0) + count}}

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "subject": self.subject,
            "model_sha256": self.model_sha256,
            "model_name": readable(self.model.name) if self.model else None,
            "total": self.total,
            "labels": self.labels,
            "kept_apart": self.kept_apart,
            "abstained": self.abstained,
            "refused": self.refused,
            "failed": self.failed,
            "corrected": self.corrected,
            "first": self.first,
            "last": self.last,
        }


def make_failure(
    path: str | os.PathLike[str], error: str, sha256: str | None, source: str = "file", subject: str | None = None
) -> Failure:
    """The failure to store, of now."""
    named = None if subject is None else readable(subject)
    return Failure(os.fspath(path), error, now(), sha256, source, subject=named)
