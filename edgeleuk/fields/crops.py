"""What of a field a model is shown of one cell."""

import numpy as np
from PIL import Image, ImageDraw

from edgeleuk.fields.finder import Cell
from edgeleuk.runtime.preprocessing import crop_size
from edgeleuk.spec import CROP, Preprocessing

KEEP, BLACK = SURROUNDINGS = ("keep", "black")

Box = tuple[int, int, int, int]

_MARGIN = 1.2  # of a square around the box, for models whose spec cuts nothing out
_OUTLINE_ROOM = 0.03  # of the cell's width: an outline that was found coarsely shall cut nothing off


def crop_box(cell: Cell, spec: Preprocessing) -> Box:
    """(left, top, right, bottom) around the cell's middle, in px of the field; it may reach beyond the field.

    Of the size that the spec cuts out of pictures, else a square 1.2 times as wide as the box.
    """
    left, top, right, bottom = cell.box
    side = round(_MARGIN * max(right - left, bottom - top))
    width, height = crop_size(spec) if spec.fit == CROP else (side, side)
    middle_x, middle_y = cell.middle
    left, top = round(middle_x - width / 2), round(middle_y - height / 2)
    return left, top, left + width, top + height


def crop_of(field: Image.Image, cell: Cell, spec: Preprocessing, surroundings: str = KEEP) -> Image.Image:
    """The RGB picture of one cell. What lies beyond the field is black; with "black", what is not the cell, too."""
    box = crop_box(cell, spec)
    crop = field.crop(box)
    if surroundings == KEEP:
        return crop
    inside = Image.new("L", crop.size)
    points = np.asarray(cell.outline) - box[:2]
    draw, room = ImageDraw.Draw(inside), _OUTLINE_ROOM * max(cell.box[2] - cell.box[0], cell.box[3] - cell.box[1])
    ring = [(float(x), float(y)) for x, y in points]
    draw.polygon(ring, fill=255)
    draw.line([*ring, ring[0]], fill=255, width=max(1, round(2 * room)), joint="curve")
    return Image.composite(crop, Image.new("RGB", crop.size), inside)
