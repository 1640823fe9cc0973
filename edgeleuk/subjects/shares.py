"""The share of a class among a subject's cells, with its interval, and in words what it does not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.statistics.prevalence import MOST_CELLS, Counts, Share, more_cells, share_of
from edgeleuk.subjects.cells import SubjectCells
from edgeleuk.subjects.errors_known import KnownErrors

TOO_WIDE = 0.5
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ClassShare:
    """The share of one class among the cells that count, and what has to be said beside it.

    `with_errors`: the interval is a credible one that carries the model's errors; else that of the cells as counted.
    `more_cells`: how many more narrow it to `width`; None if none do, or no width was asked for.
    """

    name: str
    share: Share
    with_errors: bool
    says: tuple[str, ...] = ()
    width: float | None = None
    more_cells: int | None = None

    @property
    def text(self) -> str:
        """ "0.12 (0.03 to 0.30)"."""
        return f"{self.share.value:.2f} ({self.share.low:.2f} to {self.share.high:.2f})"

    @property
    def enough(self) -> str:
        """How many more cells, in a word or two; empty if that was not asked."""
        if self.width is None:
            return ""
        return "no number" if self.more_cells is None else f"{self.more_cells:,}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        wanted = {} if self.width is None else {"width": self.width, "more_cells": self.more_cells}
        return {
            "class": self.name,
            "share": self.share.value,
            "low": self.share.low,
            "high": self.share.high,
            "with_errors": self.with_errors,
            **wanted,
            "says": list(self.says),
        }


def shares_of(
    cells: SubjectCells, classes: Sequence[str], errors: KnownErrors, width: float | None = None
) -> tuple[ClassShare, ...]:
    """Of the positive class, or of each class if none is; none if `SubjectCells.why_none` says why not."""
    if cells.why_none is not None:
        return ()
    names = list(classes) if errors.positive is None else [errors.positive]
    return tuple(_share(counts_of(cells, name), name, errors, width) for name in names)


def counts_of(cells: SubjectCells, name: str) -> Counts:
    """Of that class against all others."""
    known = sum(cells.by_person.values())
    return Counts(cells.answered.get(name, 0), sum(cells.answered.values()), cells.by_person.get(name, 0), known)


def _share(counts: Counts, name: str, errors: KnownErrors, width: float | None) -> ClassShare:
    found = share_of(counts, errors.rates)
    more = None if width is None else more_cells(counts, errors.rates, width)
    says = tuple(_limits(counts, found, errors))
    return ClassShare(name, found, errors.rates is not None, says, width, more)


def _limits(counts: Counts, found: Share, errors: KnownErrors) -> list[str]:
    """What the share does not say, a sentence each."""
    says = []
    if found.width > TOO_WIDE:
        needed = more_cells(counts, errors.rates, TOO_WIDE)
        if needed is None:
            says.append(
                f"too little is known of the model's errors: not even {MOST_CELLS:,} cells narrow the interval to "
                f"{TOO_WIDE}"
            )
        else:
            says.append(f"too few cells: {needed:,} more narrow the interval to {TOO_WIDE}")
    return says
