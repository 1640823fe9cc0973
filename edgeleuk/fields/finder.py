"""White cells in a field: where nuclei are, what of their surroundings is their cytoplasm, and which touch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ImageError
from edgeleuk.fields.opencv import Mask, closed, depth_of, disk, filled, opencv, opened
from edgeleuk.fields.scale import cell_diameter_px, reduced
from edgeleuk.fields.splitting import Inside, disks_in, parts_of
from edgeleuk.fields.stain import Pixels, stain_amount
from edgeleuk.fields.thresholds import cell_threshold, nucleus_threshold

MOST_CELLS = 10_000
SMALLEST_FIELD_PX = 64

_WORK_PX = 56  # a cell's diameter in the field that is searched
# Lengths as shares of the cell's diameter, chosen on the even half of BCCD (benchmarks/fields.py).
_SPECKLE, _LOBES_GAP, _RIM, _SMOOTH = 0.06, 0.12, 0.14, 0.10
_CYTOPLASM = 0.35  # how far from the nucleus it reaches
_LEAST_NUCLEUS, _LEAST_WIDTH, _LEAST_NARROW = 0.30, 0.50, 0.34
_CUT_NUCLEUS, _CUT_NARROW = 0.24, 0.24  # the same of a cell that the border cuts off


@dataclass(frozen=True)
class Cell:
    """A white cell. Lengths are pixels of the field, x to the right and y down from its upper left corner.

    `box`: (left, top, right, bottom), the last two exclusive. `outline`: corners (x, y), not closed. `stain`: mean
    amount of nuclear stain in its nucleus. `at_border`: the border of the field may cut it off.
    """

    box: tuple[int, int, int, int]
    outline: tuple[tuple[float, float], ...]
    area_px: float
    nucleus_area_px: float
    stain: float
    at_border: bool

    @property
    def middle(self) -> tuple[float, float]:
        """(x, y) of the middle of its box."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2


@dataclass(frozen=True)
class FoundCells:
    """The cells of a field of (width, height) `size`, from top to bottom; `cell_px` None if nothing is stained."""

    size: tuple[int, int]
    cells: tuple[Cell, ...]
    cell_px: float | None


def find_cells(pixels: Pixels, cell_px: float | None = None) -> FoundCells:
    """Find the white cells in uint8 [height, width, 3] R, G, B.

    `cell_px`: the typical diameter of a white cell, measured if it is None. Raises ImageError for a field of less than
    64 px a side or with more than 10,000 cells, MissingExtraError without OpenCV.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_FIELD_PX:
        raise ImageError(
            f"{width}x{height} px is no field of view; expected {SMALLEST_FIELD_PX} px a side or more (pictures of "
            "single cells are classified without --field)"
        )
    diameter = cell_px or cell_diameter_px(pixels)
    if diameter is None:
        return FoundCells((width, height), (), None)
    scale = min(1.0, _WORK_PX / diameter)
    found = _Search(reduced(pixels, scale), diameter * scale, (width, height)).cells()
    return FoundCells((width, height), tuple(sorted(found, key=lambda cell: cell.box[1::-1])), diameter)


class _Search:
    """A field at the scale that it is searched at."""

    def __init__(self, pixels: Pixels, cell_px: float, size: tuple[int, int]) -> None:
        self._px, self._size = cell_px, size
        self._scales = pixels.shape[1] / size[0], pixels.shape[0] / size[1]
        self._amount = stain_amount(pixels, max(0.7, 0.025 * cell_px))
        threshold = nucleus_threshold(self._amount)
        self._nuclei = opened(_mask(self._amount > threshold), _SPECKLE * cell_px)
        self._cells = self._grown(cell_threshold(threshold))

    def cells(self) -> list[Cell]:
        """All of them. Raises ImageError if there are too many."""
        found: list[Cell] = []
        for cell in self._each():
            found.append(cell)
            if len(found) > MOST_CELLS:
                raise ImageError(
                    f"more than {MOST_CELLS:,} cells of about {self._px / self._scales[0]:.0f} px were found; if they "
                    "are larger, say so with --cell-px, else cut the picture into several fields"
                )
        return found

    def _grown(self, threshold: float) -> Mask:
        """Nuclei with what is around them of cytoplasm, without the rims of red cells, which are thin."""
        cv2 = opencv()
        joined = closed(self._nuclei, _LOBES_GAP * self._px)
        pale = opened(_mask(self._amount > threshold) | self._nuclei, _RIM * self._px)
        near = cv2.dilate(joined, disk(2 * _CYTOPLASM * self._px))
        return opened(filled(closed((pale & near) | joined, _SMOOTH * self._px)), _RIM * self._px)

    def _each(self) -> Iterator[Cell]:
        depth = depth_of(self._cells)
        count, labels, stats, _ = opencv().connectedComponentsWithStats(self._cells)
        for n in range(1, count):
            left, top, width, height = (int(value) for value in stats[n, :4])
            window = slice(top, top + height), slice(left, left + width)
            inside = labels[window] == n
            if not (inside & (self._nuclei[window] > 0)).any():
                continue
            for part in parts_of(inside, disks_in(np.where(inside, depth[window], np.float32(0)), self._px)):
                cell = self._cell(part, window)
                if cell is not None:
                    yield cell

    def _cell(self, part: Inside, window: tuple[slice, slice]) -> Cell | None:
        """What a part of a window is, None if it is too small for a white cell."""
        nucleus = part & (self._nuclei[window] > 0)
        outline = _outline(part, (window[1].start, window[0].start))
        if outline is None or not nucleus.any():
            return None
        (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
        height, width = self._cells.shape
        at_border = bool(left <= 0 or top <= 0 or right >= width or bottom >= height)
        if self._is_small(nucleus, (right - left, bottom - top), at_border):
            return None
        across, down = self._scales
        full = outline / (across, down)
        area = 1 / (across * down)
        return Cell(
            _box(full, self._size),
            tuple(map(tuple, np.round(full, 1).tolist())),
            float(part.sum()) * area,
            float(nucleus.sum()) * area,
            float(self._amount[window][nucleus].mean()),
            at_border,
        )

    def _is_small(self, nucleus: Inside, sides: tuple[float, float], at_border: bool) -> bool:
        """Platelets, stain on the slide, and slivers of cells that lie outside of the field."""
        across = math.sqrt(4 * int(nucleus.sum()) / math.pi)
        least, narrow = (_CUT_NUCLEUS, _CUT_NARROW) if at_border else (_LEAST_NUCLEUS, _LEAST_NARROW)
        return across < least * self._px or max(sides) < _LEAST_WIDTH * self._px or min(sides) < narrow * self._px


def _mask(held: NDArray[np.bool_]) -> Mask:
    return held.astype(np.uint8) * 255


def _outline(part: Inside, corner: tuple[int, int]) -> NDArray[np.float64] | None:
    """Float64 [points, 2] x, y: the largest outline of a mask whose upper left lies at `corner`; None of a thin one.

    It runs around the pixels, not through their middles.
    """
    cv2 = opencv()
    twice = cv2.resize(part.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    outlines: list[Any] = list(cv2.findContours(twice, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0])
    points = max(outlines, key=cv2.contourArea)[:, 0].astype(np.float64)
    if len(points) < 3:
        return None
    edges: NDArray[np.float64] = (
        points + 1
    ) // 2 + corner  # of a pixel, the first half begins it and the second ends it
    return edges


def _box(outline: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The whole pixels that an outline reaches into, within the field."""
    (left, top), (right, bottom) = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0))
    return max(0, int(left)), max(0, int(top)), min(size[0], int(right)), min(size[1], int(bottom))
