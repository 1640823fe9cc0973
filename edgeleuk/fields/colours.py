"""One colour for each kind of cell, the same in every picture and file of a run."""

from collections.abc import Mapping

from edgeleuk.fields.answers import FieldCell

Colour = tuple[int, int, int]

# Okabe & Ito 2008, "Color Universal Design": told apart with any colour vision, black and yellow left out.
_CLASSES: tuple[Colour, ...] = (
    (213, 94, 0),
    (0, 114, 178),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
)
_NONE: Colour = (102, 102, 102)
_ALONE: Colour = (0, 158, 115)


def colour_of(found: FieldCell, shown: Mapping[str, str]) -> Colour:
    """The colour of its class; grey of what does not count, green if no model was asked."""
    if not shown:
        return _ALONE
    return _CLASSES[list(shown).index(found.kind) % len(_CLASSES)] if found.kind in shown else _NONE
