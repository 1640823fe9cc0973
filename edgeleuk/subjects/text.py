"""Subjects and their shares for people and for programs: columns of a table, the sentences below it, JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.subjects.cells import SubjectCells
from edgeleuk.subjects.errors_known import KnownErrors
from edgeleuk.subjects.shares import ClassShare, shares_of
from edgeleuk.text import examples, printable

_NAMED = 6


@dataclass(frozen=True)
class SubjectRow:
    """A subject's cells and what may be said of them."""

    cells: SubjectCells
    shares: tuple[ClassShare, ...]

    @classmethod
    def of(
        cls, cells: SubjectCells, classes: Sequence[str], errors: KnownErrors, width: float | None = None
    ) -> "SubjectRow":
        """With the shares of `shares_of`."""
        return cls(cells, shares_of(cells, classes, errors, width))

    def columns(self, shown: Mapping[str, str]) -> tuple[str, ...]:
        """As `head`. `shown`: what each class is called for people."""
        cells = self.cells
        numbers = (cells.counted, cells.abstained, cells.refused, cells.failed, sum(cells.by_person.values()))
        many = len(self.shares) > 1
        shares = ", ".join(f"{shown.get(one.name, one.name)} {one.text}" if many else one.text for one in self.shares)
        enough = ", ".join(one.enough for one in self.shares if one.enough)
        return cells.subject or "-", *(f"{number:,}" for number in numbers), shares or "-", enough

    @property
    def sentences(self) -> Iterator[str]:
        """What limits the shares, each sentence once, or why there is none."""
        if self.cells.why_none is not None:
            yield self.cells.why_none
        yield from dict.fromkeys(sentence for one in self.shares for sentence in one.says)

    def summary(self) -> dict[str, Any]:
        """JSON-able: what became of the cells, and `to_dict`."""
        cells = self.cells
        return {
            "subject": cells.subject,
            "counted": cells.counted,
            "labels": {name: cells.held(name) for name in sorted({*cells.answered, *cells.by_person})},
            "abstained": cells.abstained,
            "refused": cells.refused,
            "failed": cells.failed,
            "corrected": sum(cells.by_person.values()),
        } | self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the shares, and why there is none."""
        return {"shares": [one.to_dict() for one in self.shares], "no_share_because": self.cells.why_none}


def head(errors: KnownErrors, shown: Mapping[str, str], width: float | None) -> tuple[str, ...]:
    """Names of the columns."""
    of = "share of each class" if errors.positive is None else f"share of {shown.get(errors.positive, errors.positive)}"
    more = "" if width is None else f"more cells for {width:g}"
    return "subject", "counted", "uncertain", "refused", "failed", "by hand", of, more


SIDES = "<>>>>><>"


def notes(rows: Sequence[SubjectRow], errors: KnownErrors) -> Iterator[str]:
    """A line for each sentence, with the subjects that it is about; then where the error rates come from."""
    about: dict[str, list[str]] = {}
    for row in rows:
        for sentence in row.sentences:
            about.setdefault(sentence, []).append(printable(row.cells.subject or "no subject"))
    for sentence, subjects in about.items():
        yield f"{examples(subjects, _NAMED)}: {sentence}"
    if any(row.shares for row in rows):
        yield f"95 % intervals; {errors.sentence}"
