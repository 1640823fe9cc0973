"""Cells that touch, cut apart.

Each cell is taken for the disk that fits into it: where the depth of a mask (its distance to outside) has two peaks
with a neck between that is clearly narrower than the smaller of both, there are two cells. A point belongs to the disk
with the least d^2 - r^2 (a power diagram; Aurenhammer 1987): for two overlapping disks that is the line through both
points where their outlines cross, which a watershed of the depth finds as well, but with ragged edges.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeleuk.fields.opencv import opencv, peaks_of
from edgeleuk.fields.stain import Plane

Inside = NDArray[np.bool_]

_APART = 0.12  # of the cell's diameter: nearer peaks are one
_SHALLOWEST = 0.14
_NECK, _WIDE_NECK = 0.82, 0.9  # of the smaller radius: a wider one joins; the second of what ...
_TWO_WIDTHS = 1.3  # ... is wider in all than this, in diameters
_ONE_WIDTH = 0.9  # of the diameter: what is no wider in all may be one cell with a lobed nucleus, if ...
_LOBES_NECK = 0.5  # ... the neck is at least this


class Disk(NamedTuple):
    """The largest disk around a point that fits into a mask."""

    row: int
    column: int
    radius: float


def disks_in(depth: Plane, cell_px: float) -> list[Disk]:
    """One for each cell in float32 [height, width], 0 outside of what is looked at; the largest first."""
    rows, columns = peaks_of(depth, max(3, int(cell_px * _APART)) | 1, _SHALLOWEST * cell_px)
    kept: list[Disk] = []
    for n in np.argsort(-depth[rows, columns], kind="stable"):
        found = Disk(int(rows[n]), int(columns[n]), float(depth[rows[n], columns[n]]))
        if not any(_is_one(depth, found, other, cell_px) for other in kept):
            kept.append(found)
    return kept


def parts_of(inside: Inside, disks: Sequence[Disk]) -> list[Inside]:
    """A mask for each disk: what of bool [height, width] belongs to it and hangs together with its middle."""
    if len(disks) < 2:
        return [inside]
    rows = np.arange(inside.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(inside.shape[1], dtype=np.float32)[None]
    powers = np.stack([(rows - y) ** 2 + (columns - x) ** 2 - r * r for y, x, r in disks])
    owner = powers.argmin(axis=0)
    return [_around(inside & (owner == n), each) for n, each in enumerate(disks)]


def _is_one(depth: Plane, one: Disk, other: Disk, cell_px: float) -> bool:
    """Whether two disks are of one cell. `other` is not the smaller one."""
    apart = math.hypot(one.row - other.row, one.column - other.column)
    if apart <= 0.9 * other.radius:
        return True
    neck = _neck(depth, one, other, apart)
    width = (apart + one.radius + other.radius) / cell_px
    least = _LOBES_NECK if width < _ONE_WIDTH else _NECK if width < _TWO_WIDTHS else _WIDE_NECK
    return neck > least * one.radius


def _neck(depth: Plane, one: Disk, other: Disk, apart: float) -> float:
    """The least depth on the way from one to the other."""
    way = np.linspace(0, 1, int(apart) + 2)
    rows = np.rint(one.row + (other.row - one.row) * way).astype(np.intp)
    columns = np.rint(one.column + (other.column - one.column) * way).astype(np.intp)
    return float(depth[rows, columns].min())


def _around(part: Inside, disk: Disk) -> Inside:
    _, labels = opencv().connectedComponents(part.astype(np.uint8))
    held: Inside = (labels == labels[disk.row, disk.column]) & part
    return held
