"""What a picture is like, in numbers: light, colours, detail, and what is in it. Computed of what the network is shown.

`measure_picture` costs some tenths of a millisecond, as nearly all of it is done on a picture of some 50 pixels a side.
The same numbers mean different things at another input size, so whoever compares them does so within one model.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LEAST_SIDE = 48  # of the small picture
_LEVELS = 5  # of the pyramid of detail
_MOST_DETAIL_SIDE = 160  # pixels of the centre that it is looked for in
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16)  # pixels of the small picture
_DARK, _BRIGHT = 4, 251  # every channel at most, at least
# Added before a logarithm, so that what is next to nothing is not infinitely different from nothing.
_LEAST_DETAIL, _LEAST_LEVEL, _LEAST_SHARE, _LEAST_STEP = 0.05, 8.0, 0.005, 0.01

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Measures:
    """`named`: those that have a name, see `measure_picture`. `vector`: float32 [n] of all, in scales of like steps."""

    named: dict[str, float]
    vector: NDArray[np.float32]


def measure_picture(pixels: NDArray[np.uint8]) -> Measures:
    """What RGB uint8 [size, size, 3] are like.

    Of a picture of a few pixels, at least 8 a side, as of a large one. Named are:

    brightness, contrast     mean and standard deviation (green), of 1
    clipped_dark, clipped_bright  share of pixels that are black, or white
    focus    root mean square step between neighbours of the half-size picture (green), in standard deviations
    noise    the same step of the whole picture divided by that of the half-size one: 2 for white noise, 0.5 for a ramp
    cell_red_green, cell_blue_green, background_red_green, background_blue_green
             logarithm of the ratio of mean channels; the cell is what is more colourful (Otsu 1979, "A Threshold
             Selection Method from Gray-Level Histograms", on the difference of the largest and least channel)
    cell_share    of the picture
    cell_size     mean chord through a cell as a share of the side: area by crossings (Tomkeieff 1945, "Linear
                  Intercepts, Areas and Volumes")
    cell_pieces   how many discs have the cell's area and outline
    cell_edge     share of the picture's edge that is cell
    """
    detail = _detail(_centre(pixels[..., 1], _MOST_DETAIL_SIDE).astype(np.float32))
    planes = np.ascontiguousarray(_small(pixels).transpose(2, 0, 1))
    largest = np.maximum(np.maximum(planes[0], planes[1]), planes[2])
    least = np.minimum(np.minimum(planes[0], planes[1]), planes[2])
    colourful = largest - least
    values = planes.astype(np.float32)
    colours = _Colours.of(values.reshape(3, -1))
    cell = _cell(planes, values.reshape(3, -1), colourful)
    named = {
        "brightness": float(colours.means.sum()) / (3 * 255),
        "contrast": float(colours.spreads[1]) / 255,
        "clipped_dark": int(np.count_nonzero(largest <= _DARK)) / largest.size,
        "clipped_bright": int(np.count_nonzero(least >= _BRIGHT)) / least.size,
        "focus": math.sqrt(detail[1]) / max(float(colours.spreads[1]), 1.0),
        "noise": math.sqrt((detail[0] + _LEAST_STEP) / (detail[1] + _LEAST_STEP)),
    } | cell.named
    centred = np.stack([colours.centred[1], colours.centred[0], colourful.ravel() - colourful.mean(dtype=np.float32)])
    return Measures(named, _vector(named, detail, _steps(centred.reshape(planes.shape)), cell, colours))


@dataclass(frozen=True)
class _Colours:
    """Of float32 [3, pixels]: means, standard deviations, the three correlations, and `centred`, without the means."""

    centred: Plane
    means: NDArray[np.float64]
    spreads: NDArray[np.float64]
    related: tuple[float, float, float]

    @classmethod
    def of(cls, flat: Plane) -> "_Colours":
        means = flat.mean(axis=1, keepdims=True)
        centred = flat - means
        covariance = (centred @ centred.T).astype(np.float64) / flat.shape[1]
        spreads = np.sqrt(covariance.diagonal())
        red, green, blue = (spreads + 1).tolist()
        pairs = (covariance[0, 1] / (red * green), covariance[0, 2] / (red * blue), covariance[1, 2] / (green * blue))
        return cls(centred, means[:, 0].astype(np.float64), spreads, pairs)


@dataclass(frozen=True)
class _Cell:
    """What is cell and what is background: mean colours, float32 [3], and the levels that part them.

    `sizes`: chords of what is dark and of what is light, as `cell_size`.
    """

    named: dict[str, float]
    colour: Plane
    background: Plane
    thresholds: tuple[int, int]
    sizes: tuple[float, float]


def _centre(plane: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    top, left = (max(0, (side - most) // 2) for side in plane.shape)
    return plane[top : top + most, left : left + most]


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means over squares, 48 to 95 a side; what has fewer pixels is left as it is."""
    factor = min(pixels.shape[:2]) // _LEAST_SIDE
    return np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels


def _detail(plane: Plane) -> NDArray[np.float64]:
    """float64 [_LEVELS]: mean squared step between neighbours, of the picture, of its half, of its quarter ..."""
    found = np.zeros(_LEVELS)
    for level in range(_LEVELS):
        if min(plane.shape) < 3:
            found[level:] = found[level - 1]
            break
        across, down = plane[:, 1:] - plane[:, :-1], plane[1:] - plane[:-1]
        found[level] = (np.vdot(across, across) / across.size + np.vdot(down, down) / down.size) / 2
        height, width = (side // 2 * 2 for side in plane.shape)
        rows = plane[0:height:2] + plane[1:height:2]
        plane = (rows[:, 0:width:2] + rows[:, 1:width:2]) * np.float32(0.25)
    return found


def _cell(planes: NDArray[np.uint8], flat: Plane, colourful: NDArray[np.uint8]) -> _Cell:
    threshold, dark = otsu(colourful), otsu(planes[1])
    cell, shade = colourful > threshold, planes[1] <= dark
    mask = cell.ravel().astype(np.float32)
    count, sums = int(np.count_nonzero(cell)), flat.sum(axis=1)
    inside = flat @ mask
    colour: Plane = (inside + 1) / np.float32(count + 1)
    background: Plane = (sums - inside + 1) / np.float32(mask.size - count + 1)
    crossings = _crossings(cell)
    edge = sum(int(np.count_nonzero(line)) for line in (cell[0], cell[-1], cell[:, 0], cell[:, -1]))
    named = {
        **_ratios("cell", colour),
        **_ratios("background", background),
        "cell_share": count / mask.size,
        "cell_size": _chord(count, crossings, len(cell)),
        "cell_pieces": math.pi / 64 * crossings**2 / max(count, 1),  # of a disc: crossings 8 r, area pi r^2
        "cell_edge": edge / (2 * sum(cell.shape)),
    }
    outline, dark_count = _crossings(shade), int(np.count_nonzero(shade))
    sizes = _chord(dark_count, outline, len(cell)), _chord(shade.size - dark_count, outline, len(cell))
    return _Cell(named, colour, background, (threshold, dark), sizes)


def otsu(values: NDArray[np.uint8]) -> int:
    """The level at or below which uint8 values are one class and above it the other, between which most varies."""
    counts = np.bincount(values.ravel(), minlength=256)
    below = counts.cumsum()[:-1].astype(np.float64)
    sums = (counts * np.arange(256)).cumsum().astype(np.float64)
    above = below[-1] + counts[-1] - below
    spread = (sums[-1] * below / values.size - sums[:-1]) ** 2 / np.maximum(below * above, 1)
    return int(spread.argmax())


def _ratios(what: str, colour: Plane) -> dict[str, float]:
    red, green, blue = (math.log(level + 1) for level in colour.tolist())
    return {f"{what}_red_green": red - green, f"{what}_blue_green": blue - green}


def _crossings(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask[:, 1:] != mask[:, :-1]) + np.count_nonzero(mask[1:] != mask[:-1]))


def _chord(count: int, crossings: int, side: int) -> float:
    """Mean length of the runs of `count` pixels in rows and columns, as a share of the side; each has two ends."""
    return 4 * count / max(crossings, 4) / side


def _steps(centred: Plane) -> NDArray[np.float32]:
    """float32 [planes * _LAGS]: mean squared difference of pixels that lie so far apart, across and down.

    (a - b)^2 = a^2 + b^2 - 2 a b, and the sums of a b are a product of matrices: much faster than differences.
    """
    products = centred @ centred.transpose(0, 2, 1) + centred.transpose(0, 2, 1) @ centred
    found: NDArray[np.float32] = (products.reshape(len(centred), -1) @ _step_weights(centred.shape[1])).ravel()
    return np.maximum(found, 0)


@functools.lru_cache(maxsize=4)
def _step_weights(side: int) -> NDArray[np.float32]:
    """float32 [side * side, _LAGS]: what the sums of products, [side, side], weigh in each mean squared difference."""
    weights = np.zeros((side, side, len(_LAGS)), np.float32)
    for place, lag in enumerate(_LAGS):
        first = np.arange(max(0, side - lag))
        share = 1 / (2 * side * max(1, len(first)))
        weights[first, first, place] += share
        weights[first + lag, first + lag, place] += share
        weights[first, first + lag, place] -= 2 * share
    return weights.reshape(side * side, -1)


def _vector(
    named: dict[str, float], detail: NDArray[np.float64], steps: NDArray[np.float32], cell: _Cell, colours: _Colours
) -> NDArray[np.float32]:
    """Logarithms of what is a factor, roots of shares: a step means about as much anywhere."""
    sizes = (named["cell_size"], *cell.sizes, named["cell_pieces"] / 10)
    factors = np.concatenate(
        [
            detail + _LEAST_DETAIL,
            steps + 10 * _LEAST_DETAIL,
            colours.means + _LEAST_LEVEL,
            cell.colour + _LEAST_LEVEL,
            cell.background + _LEAST_LEVEL,
            colours.spreads + 1,
            [size + _LEAST_SHARE for size in sizes],
            [level + _LEAST_LEVEL for level in cell.thresholds],
        ]
    )
    shares = [math.sqrt(named[name]) for name in ("clipped_dark", "clipped_bright", "cell_share", "cell_edge")]
    return np.concatenate([np.log(factors), shares, [2 * value for value in colours.related]]).astype(np.float32)
