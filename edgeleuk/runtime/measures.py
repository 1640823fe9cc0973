"""What a picture is like, in numbers: light as it came; colours, detail and content as the network is shown them.

`measure_picture` costs some tenths of a millisecond, as nearly all of it is done on every second, third ... pixel, some
60 a side. The same numbers mean different things at another input size: compare them within one model.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_SIDE = 64  # of the pixels that are looked at, but for detail
_LEVELS = 5  # of the pyramid of detail
_MOST_DETAIL_SIDE = 128  # pixels of the centre that it is looked for in
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16)  # of the pixels that are looked at
_ALL_LEVELS = np.arange(256.0)
_DARK, _BRIGHT = 4, 251  # every channel at most, one at least
# Added before a logarithm, so that what is next to nothing is not infinitely different from nothing.
_LEAST_DETAIL, _LEAST_LEVEL, _LEAST_SHARE, _LEAST_STEP = 0.05, 8.0, 0.005, 0.01
# Those of the picture as it came: what light and camera change, and colour constancy then undoes.
LIGHT = (
    *("brightness", "contrast", "clipped_dark", "clipped_bright"),
    *("background_red_green", "background_blue_green"),
)

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Measures:
    """`named`: those that have a name, see `measure_picture`. `vector`: float32 [n] of all, in scales of like steps.

    In the vector nothing is of the picture as it came.
    """

    named: dict[str, float]
    vector: NDArray[np.float32]


def measure_picture(shown: NDArray[np.uint8], came: NDArray[np.uint8] | None = None) -> Measures:
    """What RGB uint8 [size, size, 3] are like: `shown` to the network, and as they `came`, before colour constancy.

    `came` is `shown` if it is not given. A picture may be of a few pixels, at least 8 a side. Named are, of what came:

    brightness, contrast     mean and standard deviation (green), of 1
    clipped_dark, clipped_bright  share of pixels that are black, or whose brightest channel is full
    background_red_green, background_blue_green
             logarithm of the ratio of mean channels, of what is not cell

    and of what is shown:

    focus    root mean square step between neighbours of the half-size picture (green), in standard deviations
    noise    the same step of the whole picture divided by that of the half-size one: 2 for white noise, 0.5 for a ramp
    cell_red_green, cell_blue_green
             ratios as above; the cell is what is more colourful (Otsu 1979, "A Threshold Selection Method from
             Gray-Level Histograms", on the difference of the largest and least channel)
    cell_share    of the picture
    cell_size     mean chord through a cell as a share of the side: area by crossings (Tomkeieff 1945, "Linear
                  Intercepts, Areas and Volumes")
    cell_pieces   how many discs have the cell's area and outline
    cell_edge     share of the picture's edge that is cell
    """
    detail = _detail(_centre(shown[..., 1], _MOST_DETAIL_SIDE).astype(np.float32))
    seen = _Looked.at(shown)
    cell = _Cell.of(seen)
    spread = math.sqrt(float(seen.covariance[1, 1]))
    if came is None or came is shown:
        light = _light(seen.colours, spread, seen.largest, cell.background)
    else:
        light = _light_of(came, cell.mask)
    named = light | {
        "focus": math.sqrt(detail[1]) / max(spread, 1.0),
        "noise": math.sqrt((detail[0] + _LEAST_STEP) / (detail[1] + _LEAST_STEP)),
    }
    return Measures(named | cell.named, _vector(detail, seen, cell))


@dataclass(frozen=True)
class _Looked:
    """The pixels of a picture that are looked at: every second, third ... so that there are at most 64 a side.

    `levels`: uint8 [3, height, width]; `largest`: of their channels; `colourful`: that less the least; `means`: float32
    [4] of red, green, how colourful, blue; `centred`: float32 [4, height, width], the same without their means;
    `covariance`: [4, 4] of them.
    """

    levels: NDArray[np.uint8]
    largest: NDArray[np.uint8]
    colourful: NDArray[np.uint8]
    means: Plane
    centred: Plane
    covariance: NDArray[np.float32]

    @classmethod
    def at(cls, pixels: NDArray[np.uint8]) -> "_Looked":
        levels = _looked_at(pixels)
        red, green, blue = levels
        largest = np.maximum(np.maximum(red, green), blue)
        colourful = largest - np.minimum(np.minimum(red, green), blue)
        values = np.empty((4, red.size), np.float32)
        values[0], values[1], values[2], values[3] = red.ravel(), green.ravel(), colourful.ravel(), blue.ravel()
        means: Plane = np.add.reduce(values, axis=1) / np.float32(red.size)
        values -= means[:, None]
        covariance = (values @ values.T / np.float32(red.size)).astype(np.float32, copy=False)
        return cls(levels, largest, colourful, means, values.reshape(4, *red.shape), covariance)

    @property
    def colours(self) -> Plane:
        """float32 [3]: the mean of each channel."""
        return self.means[[0, 1, 3]]

    def parted(self, mask: Plane) -> tuple[Plane, Plane]:
        """float32 [3] each: mean colours of where the float32 [pixels] is 1, and of the rest."""
        count = float(mask.sum())
        inside = (self.centred.reshape(4, -1) @ mask)[[0, 1, 3]]
        rest = np.float32(mask.size - count + 1)
        return self.colours + inside / np.float32(count + 1), self.colours - inside / rest


@dataclass(frozen=True)
class _Cell:
    """What is cell: `mask`, float32 [pixels], mean colours of it and the rest, float32 [3], the levels that part them.

    `sizes`: chords of what is dark and of what is light, as `cell_size`.
    """

    named: dict[str, float]
    mask: Plane
    colour: Plane
    background: Plane
    thresholds: tuple[int, int]
    sizes: tuple[float, float]

    @classmethod
    def of(cls, seen: _Looked) -> "_Cell":
        colourful, green = seen.colourful, seen.levels[1]
        thresholds = otsu(colourful), otsu(green)
        cell, shade = colourful > thresholds[0], green <= thresholds[1]
        mask = cell.ravel().astype(np.float32)
        colour, background = seen.parted(mask)
        outline, dark, side = _crossings(shade), int(np.count_nonzero(shade)), len(cell)
        sizes = _chord(dark, outline, side), _chord(shade.size - dark, outline, side)
        named = _ratios("cell", colour) | _shape(cell)
        return cls(named, mask, colour, background, thresholds, sizes)


def _light(colours: Plane, spread: float, largest: NDArray[Any], background: Plane) -> dict[str, float]:
    """`spread`: the standard deviation of green."""
    return {
        "brightness": float(colours.sum()) / (3 * 255),
        "contrast": spread / 255,
        "clipped_dark": int(np.count_nonzero(largest <= _DARK)) / largest.size,
        "clipped_bright": int(np.count_nonzero(largest >= _BRIGHT)) / largest.size,
        **_ratios("background", background),
    }


def _light_of(came: NDArray[np.uint8], cell: Plane) -> dict[str, float]:
    """The same of a picture whose mask is known."""
    values = _looked_at(came).reshape(3, -1).astype(np.float32)
    colours: Plane = np.add.reduce(values, axis=1) / np.float32(cell.size)
    spread = float(np.vdot(values[1], values[1])) / cell.size - float(colours[1]) ** 2
    # One pixel of the mean colour more: there may be no background.
    background: Plane = colours * np.float32(cell.size + 1) - values @ cell
    background /= np.float32(cell.size - float(cell.sum()) + 1)
    largest = np.maximum(np.maximum(values[0], values[1]), values[2])
    return _light(colours, math.sqrt(max(spread, 0.0)), largest, background)


def _looked_at(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 [3, height, width] of uint8 [size, size, 3]: what of a picture `_Looked` is of."""
    step = -(-min(pixels.shape[:2]) // _MOST_SIDE)
    return np.ascontiguousarray(pixels[::step, ::step].transpose(2, 0, 1))


def _centre(plane: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    top, left = (max(0, (side - most) // 2) for side in plane.shape)
    return plane[top : top + most, left : left + most]


def _detail(plane: Plane) -> list[float]:
    """[_LEVELS]: mean squared step between neighbours, of the picture, of its half, of its quarter ..."""
    found = [0.0] * _LEVELS
    for level in range(_LEVELS):
        if min(plane.shape) < 3:
            found[level:] = found[level - 1 : level] * (_LEVELS - level) if level else found
            break
        across, down = plane[:, 1:] - plane[:, :-1], plane[1:] - plane[:-1]
        found[level] = (float(np.vdot(across, across)) / across.size + float(np.vdot(down, down)) / down.size) / 2
        if level == _LEVELS - 1:
            break
        height, width = (side // 2 * 2 for side in plane.shape)
        rows = plane[0:height:2] + plane[1:height:2]
        plane = (rows[:, 0:width:2] + rows[:, 1:width:2]) * np.float32(0.25)
    return found


def otsu(values: NDArray[np.uint8]) -> int:
    """The level at or below which uint8 values are one class and above it the other, between which most varies."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below, sums = counts.cumsum()[:-1], (counts * _ALL_LEVELS).cumsum()
    spread = (sums[-1] / values.size * below - sums[:-1]) ** 2 / np.maximum(below * (values.size - below), 1)
    return int(spread.argmax())


def _ratios(what: str, colour: Plane) -> dict[str, float]:
    red, green, blue = (math.log(max(level, 0) + 1) for level in colour.tolist())
    return {f"{what}_red_green": red - green, f"{what}_blue_green": blue - green}


def _shape(cell: NDArray[np.bool_]) -> dict[str, float]:
    count, crossings = int(np.count_nonzero(cell)), _crossings(cell)
    edge = sum(int(np.count_nonzero(line)) for line in (cell[0], cell[-1], cell[:, 0], cell[:, -1]))
    return {
        "cell_share": count / cell.size,
        "cell_size": _chord(count, crossings, len(cell)),
        "cell_pieces": math.pi / 64 * crossings**2 / max(count, 1),  # of a disc: crossings 8 r, area pi r^2
        "cell_edge": edge / (2 * sum(cell.shape)),
    }


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


def _vector(detail: list[float], seen: _Looked, cell: _Cell) -> NDArray[np.float32]:
    """Logarithms of what is a factor, roots of shares: a step means about as much anywhere."""
    spreads = [math.sqrt(value) for value in seen.covariance.diagonal().tolist()]
    colours = np.concatenate([seen.colours, cell.colour, cell.background])
    named, dark = cell.named, int(np.count_nonzero(seen.largest <= _DARK)) / seen.largest.size
    factors = [
        *(value + _LEAST_DETAIL for value in detail),
        *(value + 10 * _LEAST_DETAIL for value in _steps(seen.centred[:3]).tolist()),
        *(max(level, 0) + _LEAST_LEVEL for level in colours.tolist()),
        *(value + 1 for value in spreads),
        *(size + _LEAST_SHARE for size in (named["cell_size"], *cell.sizes, named["cell_pieces"] / 10)),
        *(level + _LEAST_LEVEL for level in cell.thresholds),
    ]
    related = [
        2 * float(seen.covariance[a, b]) / ((spreads[a] + 1) * (spreads[b] + 1)) for a, b in ((0, 1), (0, 3), (1, 3))
    ]
    shares = [math.sqrt(share) for share in (dark, named["cell_share"], named["cell_edge"])]
    return np.array([*map(math.log, factors), *shares, *related], np.float32)
