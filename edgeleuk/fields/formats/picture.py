"""The field with a box and a label around each cell."""

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from edgeleuk.fields.answers import FieldCell, FieldResult, summary_line
from edgeleuk.fields.colours import colour_of
from edgeleuk.runtime.decision import RESEARCH_USE

_MOST_PX = 2000  # the longer side: more is slow to write and to look at
_MARGIN_PX, _FONT_PX = 6, 14
_INK, _PAPER = (34, 34, 34), (255, 255, 255)
_LABELLED_PX = 24  # narrower boxes have no room for a label

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def field_picture(field: Image.Image, result: FieldResult) -> Image.Image:
    """RGB: the field, at most 2,000 px a side, boxes in the colours of the classes, and below what is said of it."""
    scale = min(1.0, _MOST_PX / max(field.size))
    size = max(1, round(field.width * scale)), max(1, round(field.height * scale))
    shown = field.copy() if scale == 1 else field.resize(size, Image.Resampling.BOX)
    draw = ImageDraw.Draw(shown)
    for found in result.cells:
        _draw_cell(draw, found, result, scale)
    lines = _fitted(f"{summary_line(result)}. {RESEARCH_USE}", size[0] - 2 * _MARGIN_PX)
    picture = Image.new("RGB", (size[0], size[1] + len(lines) * (_FONT_PX + 4) + 2 * _MARGIN_PX), _PAPER)
    picture.paste(shown)
    words = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        words.text((_MARGIN_PX, size[1] + _MARGIN_PX + number * (_FONT_PX + 4)), line, _INK, _font())
    return picture


def _draw_cell(draw: ImageDraw.ImageDraw, found: FieldCell, result: FieldResult, scale: float) -> None:
    left, top, right, bottom = (value * scale for value in found.cell.box)
    colour = colour_of(found, result.shown)
    draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=2)
    if right - left < _LABELLED_PX:
        return
    text = _label(found, result)
    width = _font().getlength(text)
    x = max(0.0, min(left, draw.im.size[0] - width - 4))
    y = top - _FONT_PX - 4 if top > _FONT_PX + 4 else top
    draw.rectangle((x, y, x + width + 4, y + _FONT_PX + 3), fill=colour)
    draw.text((x + 2, y + 1), text, _PAPER, _font())


def _label(found: FieldCell, result: FieldResult) -> str:
    """Its number and, if it was classified, its class with "?" if it does not count for it."""
    answer = found.answer
    if answer is None:
        return str(found.number)
    if answer.label is None:
        return f"{found.number} {found.label}"
    doubt = "?" if found.why_apart else ""
    return f"{found.number} {result.shown[answer.label]}{doubt} {answer.probabilities[answer.label]:.2f}"


def _fitted(text: str, width: int) -> list[str]:
    """Lines of at most that many pixels, if no word is longer."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _font().getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@cache
def _font() -> Font:
    """Pillow's own; where Pillow was built without FreeType, its small one."""
    try:
        return ImageFont.load_default(_FONT_PX)
    except ImportError:
        return ImageFont.load_default()
