"""The cells of a subject, by what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ABSTAINED = "uncertain"  # the warning of an answer whose conformal set has not exactly one class


@dataclass(frozen=True)
class SubjectCells:
    """Cells of one subject (None: nobody knows of whom), by what became of them.

    `answered` counts the model's answers without a warning by class, `by_person` the labels of people; `abstained` are
    those that the model is uncertain of, `refused` those with any other warning, unless a person labelled them, and
    pictures to which an input gate gave no answer; `failed` are other pictures without one.
    """

    subject: str | None
    answered: Mapping[str, int] = field(default_factory=dict)
    by_person: Mapping[str, int] = field(default_factory=dict)
    abstained: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def counted(self) -> int:
        """Cells that count: answered without a warning, or labelled by a person."""
        return sum(self.answered.values()) + sum(self.by_person.values())

    def held(self, name: str) -> int:
        """Of those how many are of that class."""
        return self.answered.get(name, 0) + self.by_person.get(name, 0)

    @property
    def why_none(self) -> str | None:
        """Why nothing can be said of the share of a class; None if something can."""
        if self.subject is None:
            return "their subject is unknown: these cells may be of several people, so there is no share"
        if self.counted == 0:
            return f"no cell counts: {self.abstained:,} uncertain, {self.refused:,} refused, {self.failed:,} failed"
        return None
