"""The picture of where a network looked: the crop that it saw, and its map over the same crop in grey."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgeleuk.runtime.activation_map import ActivationMap
from edgeleuk.runtime.decision import RESEARCH_USE

# Okabe & Ito 2008, "Color Universal Design": orange and blue are told apart with any colour vision.
FOR, AGAINST = (213, 94, 0), (0, 114, 178)
_STRONGEST = 0.75  # opacity where the map is greatest: the cell is still seen below it
_LEAST_PX, _MOST_PX = 240, 1000  # side of a panel
_MARGIN_PX, _BAR_PX, _FONT_PX = 8, 10, 13
_INK, _PAPER = (34, 34, 34), (255, 255, 255)

Pixels = Image.Image
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def as_panel(crop: Pixels) -> Pixels:
    """The crop in its own pixels; a small one enlarged, a very large one reduced."""
    side = min(max(crop.width, _LEAST_PX), _MOST_PX)
    return crop if crop.size == (side, side) else crop.resize((side, side), Image.Resampling.BILINEAR)


def overlay(crop: Pixels, found: ActivationMap, answer: str) -> Pixels:
    """An RGB picture: the square crop, the map over it, the colours' scale and what it is in words.

    `answer`: what people are shown of the label, and how probable it is.
    """
    panel = as_panel(crop)
    side = panel.width
    words = _fitted(_words(found, answer), 2 * side + _MARGIN_PX)
    height = side + 5 * _MARGIN_PX + _BAR_PX + _line_px() * (len(words) + 1)
    picture = Image.new("RGB", (2 * side + 3 * _MARGIN_PX, height), _PAPER)
    picture.paste(panel, (_MARGIN_PX, _MARGIN_PX))
    picture.paste(coloured(panel, found.values), (side + 2 * _MARGIN_PX, _MARGIN_PX))
    top = side + 2 * _MARGIN_PX
    _draw_scale(picture, (side + 2 * _MARGIN_PX, top), side)
    _draw_lines(picture, (_MARGIN_PX, top + _BAR_PX + _MARGIN_PX + _line_px()), words)
    return picture


def coloured(panel: Pixels, values: NDArray[np.float32]) -> Pixels:
    """The map [height, width] over a square picture in grey: orange above zero, blue below, the stronger the denser.

    Bilinear between the places; full strength is the greatest value of either sign.
    """
    most = float(np.abs(values).max()) or 1.0
    spread = np.asarray(Image.fromarray(values / most).resize(panel.size, Image.Resampling.BILINEAR))
    grey = np.asarray(panel.convert("L"), np.float32)[..., np.newaxis]
    opacity = _STRONGEST * np.abs(spread)[..., np.newaxis]
    colour = np.where(spread[..., np.newaxis] > 0, FOR, AGAINST)
    return Image.fromarray(np.rint(opacity * colour + (1 - opacity) * grey).astype(np.uint8))


def _words(found: ActivationMap, answer: str) -> list[str]:
    most = float(np.abs(found.values).max())
    return [
        f"Answer: {answer}. Left: what the network saw. Right: what in it spoke for that answer (orange) or "
        "against it (blue).",
        f"Map of {found.places} places; full colour is {most:.3g}. Mean {found.values.mean():+.3g} and bias "
        f"{found.bias:+.3g} are the answer's logit, less the mean of all classes.",
        f"It says where, to within a place, and not why. {RESEARCH_USE}",
    ]


def _draw_scale(picture: Pixels, corner: tuple[int, int], width: int) -> None:
    """The colours from full strength against to full strength for, and their meaning below."""
    ramp = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis]
    bar = coloured(Image.new("RGB", (width, width), _PAPER), np.repeat(ramp, width, axis=0))
    picture.paste(bar.crop((0, 0, width, _BAR_PX)), corner)
    draw, font = ImageDraw.Draw(picture), _font()
    left, line = corner[0], corner[1] + _BAR_PX + 2
    for text, share in (("against", 0.0), ("neither", 0.5), ("for", 1.0)):
        draw.text((left + share * (width - font.getlength(text)), line), text, _INK, font)


def _draw_lines(picture: Pixels, corner: tuple[int, int], lines: Sequence[str]) -> None:
    draw = ImageDraw.Draw(picture)
    for number, text in enumerate(lines):
        draw.text((corner[0], corner[1] + number * _line_px()), text, _INK, _font())


def _fitted(sentences: Sequence[str], width: int) -> list[str]:
    """Lines of at most that many pixels."""
    lines: list[str] = []
    for sentence in sentences:
        line = ""
        for word in sentence.split():
            longer = f"{line} {word}".strip()
            if line and _font().getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return [_shortened(line, width) for line in lines]


def _shortened(text: str, width: int) -> str:
    while len(text) > 1 and _font().getlength(text) > width:
        text = text[:-2] + "…"
    return text


@cache
def _font() -> Font:
    """Pillow's own, which every system has; where Pillow was built without FreeType, its small one."""
    try:
        return ImageFont.load_default(_FONT_PX)
    except ImportError:
        return ImageFont.load_default()


def _line_px() -> int:
    return _FONT_PX + 4
