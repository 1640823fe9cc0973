"""A field's result with one cell of each kind."""

from edgeleuk.fields.answers import Answer, FieldCell, FieldResult
from edgeleuk.fields.finder import Cell

SHOWN = {"all": "ALL", "hem": "healthy"}


def cell(left, top, side=40, at_border=False):
    """A square one."""
    right, bottom = left + side, top + side
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    outline = tuple((float(x), float(y)) for x, y in corners)
    return Cell((left, top, right, bottom), outline, float(side**2), side**2 / 2, 0.75, at_border)


def plain(name="fields/one.png"):
    """Without a model: two cells, one at the border."""
    cells = (FieldCell(1, cell(10, 20)), FieldCell(2, cell(160, 60, at_border=True)))
    return FieldResult(name, (200, 150), 41.23, cells)


def answered(name="fields/one.png"):
    """ALL that counts, healthy that does not as the model is unsure, ALL at the border, and one that was refused."""
    sure, unsure = {"all": 0.9, "hem": 0.1}, {"all": 0.45, "hem": 0.55}
    answers = (
        (cell(10, 20), Answer("all", sure)),
        (cell(60, 20), Answer("hem", unsure, ("uncertain",))),
        (cell(160, 60, at_border=True), Answer("all", sure)),
        (cell(60, 90), Answer(None, refused="refused: blurred")),
    )
    cells = tuple(FieldCell(number, each, answer) for number, (each, answer) in enumerate(answers, 1))
    return FieldResult(name, (200, 150), 41.23, cells, SHOWN)
