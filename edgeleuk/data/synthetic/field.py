"""A made-up field of view: white cells of `draw_cell` among red cells and platelets on clear glass.

For tests and to try `edgeleuk cells`; where each white cell is, is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.synthetic.cells import ANGLES, CellTraits, Plane, Slide, draw_cell, random_outline

Pixels = NDArray[np.uint8]

_RED = np.array([0.06, 0.30, 0.32])  # optical densities of a red cell's rim: it takes green and blue light alike
_PALLOR = 0.55  # of them in its middle, where it is thin
_OF_WHITE = 0.45  # a red cell's diameter over a white one's
_PLATELET = 0.14


@dataclass(frozen=True)
class Placed:
    """A white cell of this diameter with its middle at (x, y), all in px; it may reach beyond the field."""

    x: float
    y: float
    diameter_px: float


@dataclass(frozen=True)
class MadeField:
    """`pixels`, uint8 [height, width, 3] R, G, B, and the box (left, top, right, bottom) of each white cell in it."""

    pixels: Pixels
    boxes: tuple[tuple[int, int, int, int], ...]


def draw_field(
    size: tuple[int, int],
    cells: Sequence[Placed],
    slide: Slide,
    rng: np.random.Generator,
    red_cells: int = 60,
    platelets: int = 6,
) -> MadeField:
    """A field of (width, height) `size`; white cells lie above all others.

    The diameters of red cells and platelets go by the mean of the white cells'. Noise is that of a sensor, one level.
    The same generator gives the same field.
    """
    width, height = size
    white = float(np.mean([cell.diameter_px for cell in cells]))
    light = np.zeros((height, width, 3), np.float32) + slide.light.astype(np.float32)
    for count, draw in ((red_cells, _draw_red), (platelets, _draw_platelet)):
        for _ in range(count):
            draw(light, rng.uniform(0, width), rng.uniform(0, height), white, rng)
    boxes = [box for cell in cells if (box := _paste(light, _white_cell(cell, slide, rng), cell)) is not None]
    noisy = light + rng.standard_normal(light.shape, dtype=np.float32)
    return MadeField(np.clip(noisy + 0.5, 0, 255).astype(np.uint8), tuple(boxes))


def _white_cell(cell: Placed, slide: Slide, rng: np.random.Generator) -> tuple[Pixels, NDArray[np.bool_]]:
    """One cell cut out, with where it is."""
    traits = CellTraits(100, rng.uniform(0.78, 0.92), 0.015, 0, 12, 1, int(rng.integers(0, 3)))
    drawn = draw_cell(traits, slide, rng)
    inside = drawn.max(axis=-1) > 0
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    longest = max(window[0].stop - window[0].start, window[1].stop - window[1].start)
    scale = cell.diameter_px / longest
    sides = [max(1, round(scale * (part.stop - part.start))) for part in (window[1], window[0])]
    small = Image.fromarray(drawn[window]).resize((sides[0], sides[1]), Image.Resampling.BILINEAR)
    mask = Image.fromarray(inside[window]).resize((sides[0], sides[1]), Image.Resampling.NEAREST)
    return np.asarray(small, np.uint8), np.asarray(mask, np.bool_)


def _paste(light: Plane, cut: tuple[Pixels, NDArray[np.bool_]], place: Placed) -> tuple[int, int, int, int] | None:
    """Lay a cell into the field; its box there, None if it lies outside."""
    pixels, inside = cut
    height, width = light.shape[:2]
    left, top = round(place.x - inside.shape[1] / 2), round(place.y - inside.shape[0] / 2)
    rows = slice(max(0, -top), min(inside.shape[0], height - top))
    columns = slice(max(0, -left), min(inside.shape[1], width - left))
    seen = inside[rows, columns]
    if not seen.any():
        return None
    there = light[top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
    there[seen] = pixels[rows, columns][seen]
    down, across = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    x, y = left + columns.start, top + rows.start
    return x + int(across[0]), y + int(down[0]), x + int(across[-1]) + 1, y + int(down[-1]) + 1


def _draw_red(light: Plane, x: float, y: float, white_px: float, rng: np.random.Generator) -> None:
    radius = _OF_WHITE * white_px / 2 * rng.uniform(0.9, 1.1)
    depth, part = _blob(light, x, y, radius, rng)
    rim = np.clip(depth / (0.15 * radius) + 0.5, 0, 1)
    thin = 1 - _PALLOR * np.clip(depth / radius - 0.35, 0, 0.5) / 0.5
    part *= np.exp(-(rim * thin)[..., None] * _RED.astype(np.float32))


def _draw_platelet(light: Plane, x: float, y: float, white_px: float, rng: np.random.Generator) -> None:
    radius = _PLATELET * white_px / 2 * rng.uniform(0.7, 1.3)
    depth, part = _blob(light, x, y, radius, rng)
    stain = np.array([0.35, 0.75, 0.2], np.float32)
    part *= np.exp(-np.clip(depth / (0.4 * radius) + 0.5, 0, 1)[..., None] * stain)


def _blob(light: Plane, x: float, y: float, radius: float, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Depth within a roundish outline, negative outside, and the part of the field that it is of."""
    height, width = light.shape[:2]
    reach = int(1.4 * radius) + 2
    rows = np.arange(max(0, int(y) - reach), min(height, int(y) + reach), dtype=np.float32)
    columns = np.arange(max(0, int(x) - reach), min(width, int(x) + reach), dtype=np.float32)
    down, across = rows[:, None] - np.float32(y), columns[None] - np.float32(x)
    turn = (np.arctan2(down, across) * np.float32(ANGLES / (2 * np.pi))).astype(np.int32) % ANGLES
    depth = np.float32(radius) * random_outline(0.02, 0, rng)[turn] - np.hypot(down, across)
    part = light[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    return depth, part
