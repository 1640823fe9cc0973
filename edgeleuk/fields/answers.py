"""What is said of each cell of a field, and of the field as a whole."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeleuk.fields.finder import Cell, FoundCells
from edgeleuk.runtime.decision import REFUSED
from edgeleuk.text import printable, tally

WHITE_CELL = "white cell"  # what a cell is called that no model was asked about
AT_BORDER = "at the border"
KEPT_APART, NO_ANSWER = "kept apart", "refused"


@dataclass(frozen=True)
class Answer:
    """A model's answer about one cell: its class, or why there is none. `warnings` as of a Prediction."""

    label: str | None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    refused: str | None = None


@dataclass(frozen=True)
class FieldCell:
    """A cell with its number in the field, from 1, and the answer about it, None if no model was asked."""

    number: int
    cell: Cell
    answer: Answer | None = None

    @property
    def why_apart(self) -> tuple[str, ...]:
        """Why it does not count for its class: warnings, and that the border may cut it off."""
        warnings = () if self.answer is None else self.answer.warnings
        return (*warnings, AT_BORDER) if self.cell.at_border else warnings

    @property
    def kind(self) -> str:
        """What it counts as: its class, "white cell", "kept apart" or "refused"."""
        if self.answer is None:
            return WHITE_CELL
        if self.answer.label is None:
            return NO_ANSWER
        return KEPT_APART if self.why_apart else self.answer.label

    @property
    def label(self) -> str:
        """Its class, whether it counts or not; "white cell" or "refused" if it has none."""
        if self.answer is None or self.answer.label is None:
            return self.kind
        return self.answer.label

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        cell, answer = self.cell, self.answer
        told: dict[str, Any] = {
            "cell": self.number,
            "box": list(cell.box),
            "at_border": cell.at_border,
            "area_px": round(cell.area_px, 1),
            "nucleus_area_px": round(cell.nucleus_area_px, 1),
            "stain": round(cell.stain, 4),
        }
        if answer is not None:
            told |= {"label": answer.label, "probabilities": dict(answer.probabilities)}
            told |= {"warnings": list(answer.warnings)}
            told |= {"error": answer.refused} if answer.refused is not None else {}
        return told


@dataclass(frozen=True)
class FieldResult:
    """A field of that name with its cells; or why it has none, `error`. `classes` of the model, shown as `shown`."""

    name: str
    size: tuple[int, int] = (0, 0)
    cell_px: float | None = None
    cells: tuple[FieldCell, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None

    @classmethod
    def of_found(cls, name: str, found: FoundCells) -> "FieldResult":
        """Without answers."""
        cells = tuple(FieldCell(number, cell) for number, cell in enumerate(found.cells, 1))
        return cls(name, found.size, found.cell_px, cells)

    @property
    def counts(self) -> dict[str, int]:
        """How many cells count as what: every class of the model, then what is kept apart or refused."""
        found = Counter(cell.kind for cell in self.cells)
        names = [*self.shown, KEPT_APART, NO_ANSWER] if self.shown else [WHITE_CELL]
        return {name: found[name] for name in names}

    @property
    def at_border(self) -> int:
        """How many cells the border may cut off."""
        return sum(cell.cell.at_border for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: field with size, counts and cells; or field with error."""
        if self.error is not None:
            return {"field": self.name, "error": self.error}
        return {
            "field": self.name,
            "width": self.size[0],
            "height": self.size[1],
            "cell_px": None if self.cell_px is None else round(self.cell_px, 1),
            "counts": self.counts,
            "at_border": self.at_border,
            "cells": [cell.to_dict() for cell in self.cells],
        }


def json_line(result: FieldResult) -> str:
    """The field as one line of JSON, in ASCII."""
    return json.dumps(result.to_dict(), allow_nan=False)


def summary_line(result: FieldResult) -> str:
    """The field in one sentence."""
    name = printable(result.name)
    if result.error is not None:
        return f"{name}: {result.error}"
    if not result.cells:
        return f"{name}: no white cell found"
    count = f"{len(result.cells):,} cell{'s' * (len(result.cells) != 1)} of about {result.cell_px:.0f} px"
    border = f", {result.at_border:,} at the border" if result.at_border else ""
    if not result.shown:
        return f"{name}: {count}{border}"
    counts = {result.shown.get(kind, kind): number for kind, number in result.counts.items()}
    return f"{name}: {count}{border}; {tally(counts)}"


def cell_line(found: FieldCell, shown: Mapping[str, str]) -> str:
    """One cell of a field that was classified, for a terminal."""
    answer = found.answer
    left, top, right, bottom = found.cell.box
    place = f"{found.number:>5}  {left},{top} to {right},{bottom}"
    if answer is None or answer.label is None:
        reason = "" if answer is None else (answer.refused or "").removeprefix(REFUSED)
        return f"{place}  {found.label}{': ' * bool(reason)}{printable(reason)}"
    apart = f"  (kept apart: {', '.join(map(printable, found.why_apart))})" if found.why_apart else ""
    return f"{place}  {shown.get(answer.label, answer.label)} {answer.probabilities[answer.label]:.2f}{apart}"
