"""How large the white cells of a field are, in its pixels, where nobody says so.

Red cells are the ruler: there are many, they are of one size, and a white cell is about twice as wide. The diameter of
the largest disks that fit into them is taken, as it does not mind that they touch. Two bounds keep it from running
away: what is stained is at least as wide as the disks that fit into it, and no wider than a disk of its area.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edgeleuk.fields.opencv import closed, depth_of, filled, opencv, peaks_of
from edgeleuk.fields.stain import Pixels, Plane, background_of, density, otsu, stain_amount
from edgeleuk.fields.thresholds import nucleus_threshold

_SIDES_PX = (240, 480, 960, 1920)  # the shorter side of the field that is measured
_LOBES_PX = 5  # gaps between lobes of a nucleus that are closed
_TOO_SMALL_PX, _FUSED = 16, 1.5  # of a diameter; by how much closing gaps has made all of them larger
_OF_RED, _OF_DISK, _OF_AREA = 2.2, 1.5, 1.2  # white cells' diameters over: red cells', nuclear disks', nuclei's
_FEWEST_RED, _SMALLEST_PX, _PALE = 8, 2.5, 0.15
_HOLE, _ROUND, _LONG = 0.004, 0.62, 1.7  # of the field; of its box (a disk fills 0.79); longer than wide
_RED_SHARE = 0.4  # of the disks' area (to the power 1.25) lies in smaller ones; clumps make some too large


def reduced(pixels: Pixels, scale: float) -> Pixels:
    """The field at that scale, if it is below 1; each pixel the mean of those that it stands for."""
    if scale >= 1:
        return pixels
    cv2 = opencv()
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def cell_diameter_px(pixels: Pixels) -> float | None:
    """The typical diameter of white cells in uint8 [height, width, 3]; None if nothing is stained.

    Measured on the field made small; on a larger one as long as its cells are too small there to be told apart.
    """
    found = None
    for side in _SIDES_PX:
        scale = min(1.0, side / min(pixels.shape[:2]))
        small = reduced(pixels, scale)
        found, is_sure = _measured(small)
        if is_sure or scale == 1:
            return None if found is None else found / scale
    return None if found is None else found / scale


def _measured(pixels: Pixels) -> tuple[float | None, bool]:
    """The diameter in a small field, and whether it can be told there."""
    amount = stain_amount(pixels, 1)
    stained = (amount > nucleus_threshold(amount)).astype(np.uint8) * 255
    nuclei = filled(closed(stained, _LOBES_PX))
    bounds = _bounds(nuclei)
    if bounds is None:
        return None, not stained.any()
    least, most = bounds
    red = _red_diameter(pixels, amount)
    found = math.sqrt(least * most) if red is None else min(max(_OF_RED * red, least), most)
    has_fused = np.count_nonzero(nuclei) > _FUSED * np.count_nonzero(stained)
    return found, found >= _TOO_SMALL_PX and not has_fused


def _bounds(nuclei: NDArray[np.uint8]) -> tuple[float, float] | None:
    """Diameters that white cells have at least, and at most."""
    count, labels, stats, _ = opencv().connectedComponentsWithStats(nuclei)
    depth = depth_of(nuclei)
    widest = np.zeros(count, np.float32)
    np.maximum.at(widest, labels.ravel(), depth.ravel())
    areas, widths = stats[1:, 4].astype(np.float64), 2 * widest[1:]
    held = widths >= 2 * _SMALLEST_PX
    if not held.any():
        return None
    sides = np.minimum(np.sqrt(4 * areas / np.pi), 1.8 * widths)[held]
    most = _OF_AREA * _weighted(sides, areas[held], 0.5)
    deep = depth[peaks_of(depth, 5, _SMALLEST_PX)]
    return min(most, _OF_DISK * 2 * _weighted(deep, deep**2, 0.5)), most


def _red_diameter(pixels: Pixels, amount: Plane) -> float | None:
    """Of the disks that fit into what takes green light and is not stained; None of too few."""
    cv2 = opencv()
    green = density(np.ascontiguousarray(cv2.GaussianBlur(pixels, (0, 0), 0.8)[..., 1]), background_of(pixels)[1])
    cells = (green > 0.7 * min(max(otsu(green), 0.06), 0.16)).astype(np.uint8) * 255
    _, labels, stats, _ = cv2.connectedComponentsWithStats(255 - cells, connectivity=4)
    depth = depth_of(cells | _is_pallor(stats, cells.size)[labels])
    places = peaks_of(depth, 5, _SMALLEST_PX)
    radii = depth[places][amount[places] < _PALE]
    return None if len(radii) < _FEWEST_RED else 2 * _weighted(radii, radii**2.5, _RED_SHARE)


def _is_pallor(stats: NDArray[np.int32], field_px: int) -> NDArray[np.uint8]:
    """Uint8 [holes], 255 of those that are the pale middle of a red cell: small and round. Others lie between cells."""
    _, _, width, height, area = (stats[:, n].astype(np.float64) for n in range(5))
    is_round = (area > _ROUND * width * height) & (np.maximum(width, height) < _LONG * np.minimum(width, height))
    held = np.where(is_round & (area < _HOLE * field_px), 255, 0).astype(np.uint8)
    held[0] = 0
    return held


def _weighted(values: NDArray[np.floating], weights: NDArray[np.floating], share: float) -> float:
    """The value below which that share of the weights lies."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, share * sums[-1])])
