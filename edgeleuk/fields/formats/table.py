"""CSV: one row a cell, and one row a field."""

from collections.abc import Sequence

from edgeleuk.fields.answers import FieldResult

_CELL = ("field", "cell", "left", "top", "right", "bottom", "at_border", "area_px", "nucleus_area_px", "stain")
_ANSWER = ("label", "counts_as", "why_apart")
_FIELD = ("field", "width", "height", "cell_px", "cells", "at_border")


def cells_head(classes: Sequence[str]) -> list[str]:
    """Names of the columns of `cells_rows`; `classes` of the model, none without one."""
    return [*_CELL, *(_ANSWER if classes else ()), *(f"probability {name}" for name in classes)]


def cells_rows(result: FieldResult, classes: Sequence[str]) -> list[list[object]]:
    """A row for each cell."""
    rows = []
    for found in result.cells:
        cell, answer = found.cell, found.answer
        row: list[object] = [result.name, found.number, *cell.box, int(cell.at_border)]
        row += [round(cell.area_px, 1), round(cell.nucleus_area_px, 1), round(cell.stain, 4)]
        if classes and answer is not None:
            why = answer.refused or ", ".join(found.why_apart)
            row += [answer.label, found.kind, why, *(answer.probabilities.get(name) for name in classes)]
        rows.append(row)
    return rows


def fields_head(result: FieldResult) -> list[str]:
    """Names of the columns of `fields_row`."""
    return [*_FIELD, *result.counts]


def fields_row(result: FieldResult) -> list[object]:
    """The field with its counts."""
    diameter = None if result.cell_px is None else round(result.cell_px, 1)
    return [result.name, *result.size, diameter, len(result.cells), result.at_border, *result.counts.values()]
