"""What a picture is like, in numbers: light as it came; colours, detail and content as the network is shown them.

`measure_picture` costs some tenths of a millisecond, as nearly all of it is done on every second, third ... pixel, some
60 a side. The same numbers mean different things at another input size: compare them within one model.
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MOST_SIDE = 64  # of the pixels that are looked at, but for detail
_LEVELS = 5  # of the pyramid of detail
_MOST_DETAIL_SIDE = 128  # pixels of the centre that it is looked for in
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16)  # of the pixels that are looked at
_ALL_LEVELS = np.arange(256.0)
_COLOURS = np.array([0, 1, 3])  # which of `_Looked.means` are
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
    detail = _detail(np.ascontiguousarray(_centre(shown[..., 1], _MOST_DETAIL_SIDE)).astype(np.float32))
    seen = _Looked.at(shown)
    cell = _Cell.of(seen)
    spread, dark = math.sqrt(seen.covariance[1][1]), _share_of_dark(seen.largest)
    if came is None or came is shown:
        light = _light(seen.colours, spread, dark, seen.largest, cell.background)
    else:
        light = _light_of(came, cell)
    named = light | {
        "focus": math.sqrt(detail[1]) / max(spread, 1.0),
        "noise": math.sqrt((detail[0] + _LEAST_STEP) / (detail[1] + _LEAST_STEP)),
    }
    return Measures(named | cell.named, _vector(detail, seen, cell, dark))


class _Looked(NamedTuple):
    """The pixels of a picture that are looked at: every second, third ... so that there are at most 64 a side.

    `planes`: uint8 [4, height, width] of red, green, how colourful (the largest channel less the least), blue;
    `largest`: of the channels; `means`: float32 [4]; `centred`: float32 [4, height, width], the planes without their
    means; `covariance`: of them, [4][4]; `colours`: float32 [3], the mean of each channel.
    """

    planes: NDArray[np.uint8]
    largest: NDArray[np.uint8]
    means: Plane
    centred: Plane
    covariance: list[list[float]]
    colours: Plane

    @classmethod
    def at(cls, pixels: NDArray[np.uint8]) -> "_Looked":
        planes, largest = _looked_at(pixels)
        values = planes.reshape(4, -1).astype(np.float32)
        means: Plane = np.add.reduce(values, axis=1) / np.float32(largest.size)
        values -= means[:, None]
        covariance = values @ values.T / np.float32(largest.size)
        return cls(planes, largest, means, values.reshape(planes.shape), covariance.tolist(), means.take(_COLOURS))

    def parted(self, mask: Plane, count: int) -> tuple[Plane, Plane]:
        """float32 [3] each: mean colours of where the float32 [pixels] is 1, which `count` are, and of the rest."""
        inside = (self.centred.reshape(4, -1) @ mask).take(_COLOURS)
        rest = np.float32(mask.size - count + 1)
        return self.colours + inside / np.float32(count + 1), self.colours - inside / rest


class _Cell(NamedTuple):
    """What is cell: `mask`, float32 [pixels], mean colours of it and the rest, float32 [3], the levels that part them.

    `filled`: how many of its pixels; `sizes`: chords of what is dark and of what is light, as `cell_size`.
    """

    named: dict[str, float]
    mask: Plane
    filled: int
    colour: Plane
    background: Plane
    thresholds: tuple[int, int]
    sizes: tuple[float, float]

    @classmethod
    def of(cls, seen: _Looked) -> "_Cell":
        _, green, colourful, _ = seen.planes
        thresholds = otsu(colourful, green)
        cell, shade = colourful > thresholds[0], green <= thresholds[1]
        outline, mask = _Outline.of(cell), cell.ravel().astype(np.float32)
        colour, background = seen.parted(mask, outline.filled)
        named = _ratios("cell", colour) | outline.named
        dark, light = _Outline.of(shade).chords
        return cls(named, mask, outline.filled, colour, background, thresholds, (dark, light))


def _light(
    colours: Plane, spread: float, dark: float, largest: NDArray[np.uint8], background: Plane
) -> dict[str, float]:
    """`spread`: the standard deviation of green; `dark`: the share of black."""
    return {
        "brightness": float(np.add.reduce(colours)) / (3 * 255),
        "contrast": spread / 255,
        "clipped_dark": dark,
        "clipped_bright": int(np.count_nonzero(largest >= _BRIGHT)) / largest.size,
        **_ratios("background", background),
    }


def _light_of(came: NDArray[np.uint8], cell: _Cell) -> dict[str, float]:
    """The same of a picture whose cell is known."""
    planes, largest = _looked_at(came)
    values = planes.take(_COLOURS, axis=0).reshape(3, -1).astype(np.float32)
    colours: Plane = np.add.reduce(values, axis=1) / np.float32(largest.size)
    spread = float(np.vdot(values[1], values[1])) / largest.size - float(colours[1]) ** 2
    # One pixel of the mean colour more: there may be no background.
    background: Plane = colours * np.float32(largest.size + 1) - values @ cell.mask
    background /= np.float32(largest.size - float(cell.filled) + 1)
    return _light(colours, math.sqrt(max(spread, 0.0)), _share_of_dark(largest), largest, background)


def _share_of_dark(largest: NDArray[np.uint8]) -> float:
    return int(np.count_nonzero(largest <= _DARK)) / largest.size


def _looked_at(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """`planes` and `largest` of `_Looked`, of uint8 [size, size, 3]."""
    step = -(-min(pixels.shape[:2]) // _MOST_SIDE)
    looked = pixels[::step, ::step]
    planes = np.empty((4, *looked.shape[:2]), np.uint8)
    red, green, colourful, blue = planes
    red[...], green[...], blue[...] = looked[..., 0], looked[..., 1], looked[..., 2]
    largest = np.maximum(np.maximum(red, green), blue)
    np.subtract(largest, np.minimum(np.minimum(red, green), blue), out=colourful)
    return planes, largest


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
        across, down = (plane[:, 1:] - plane[:, :-1]).ravel(), (plane[1:] - plane[:-1]).ravel()
        found[level] = (float(across.dot(across)) / across.size + float(down.dot(down)) / down.size) / 2
        if level == _LEVELS - 1:
            break
        height, width = (side // 2 * 2 for side in plane.shape)
        rows = plane[0:height:2] + plane[1:height:2]
        plane = (rows[:, 0:width:2] + rows[:, 1:width:2]) * np.float32(0.25)
    return found


def otsu(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[int, int]:
    """Of each of two uint8 of one shape the level at or below which values are one class and above it the other,
    between which most varies.
    """
    counts = np.empty((2, 256))
    counts[0], counts[1] = np.bincount(first.ravel(), minlength=256), np.bincount(second.ravel(), minlength=256)
    below, sums = counts.cumsum(axis=1), (counts * _ALL_LEVELS).cumsum(axis=1)
    spread = below * (sums[:, -1:] / first.size)
    spread -= sums
    spread *= spread
    spread /= np.maximum(below * (first.size - below), 1)
    one, other = spread[:, :-1].argmax(axis=1).tolist()
    return one, other


def _ratios(what: str, colour: Plane) -> dict[str, float]:
    red, green, blue = (math.log(max(level, 0) + 1) for level in colour.tolist())
    return {f"{what}_red_green": red - green, f"{what}_blue_green": blue - green}


class _Outline(NamedTuple):
    """Of a mask [height, width]: its pixels, how often a row or column changes between it and the rest, pixels at the
    edge of the picture (those of corners twice), and the mask's shape.
    """

    filled: int
    crossings: int
    edge: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> "_Outline":
        """By the bits of one whole number, row by row from the lowest: a tenth of what as many arrays take."""
        height, width = mask.shape
        bits = int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
        places = _places(height, width)
        across, down = (bits ^ bits >> 1) & places.before_last, (bits ^ bits >> width) & places.above_last
        edge = sum((bits & line).bit_count() for line in places.edges)
        return cls(bits.bit_count(), across.bit_count() + down.bit_count(), edge, (height, width))

    @property
    def named(self) -> dict[str, float]:
        return {
            "cell_share": self.filled / math.prod(self.shape),
            "cell_size": _chord(self.filled, self.crossings, self.shape[0]),
            # Of a disc: crossings 8 r, area pi r^2.
            "cell_pieces": math.pi / 64 * self.crossings**2 / max(self.filled, 1),
            "cell_edge": self.edge / (2 * sum(self.shape)),
        }

    @property
    def chords(self) -> tuple[float, float]:
        """Of the mask and of the rest."""
        rest = math.prod(self.shape) - self.filled
        return _chord(self.filled, self.crossings, self.shape[0]), _chord(rest, self.crossings, self.shape[0])


class _Places(NamedTuple):
    """Bits of the pixels that are in no last column, in no last row, and of the four edges."""

    before_last: int
    above_last: int
    edges: tuple[int, int, int, int]


@functools.lru_cache(maxsize=4)
def _places(height: int, width: int) -> _Places:
    row, first = (1 << width) - 1, sum(1 << width * line for line in range(height))
    last, bottom = first << width - 1, row << width * (height - 1)
    whole = (1 << width * height) - 1
    return _Places(whole ^ last, whole ^ bottom, (row, bottom, first, last))


def _chord(count: int, crossings: int, side: int) -> float:
    """Mean length of the runs of `count` pixels in rows and columns, as a share of the side; each has two ends."""
    return 4 * count / max(crossings, 4) / side


def _steps(centred: Plane) -> NDArray[np.float32]:
    """float32 [planes * _LAGS]: mean squared difference of pixels that lie so far apart, across and down.

    (a - b)^2 = a^2 + b^2 - 2 a b, and the sums of a b are a product of matrices: much faster than differences.
    """
    turned = centred.transpose(0, 2, 1)
    products: NDArray[np.float32] = centred @ turned
    products += turned @ centred
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


def _vector(detail: list[float], seen: _Looked, cell: _Cell, dark: float) -> NDArray[np.float32]:
    """Logarithms of what is a factor, roots of shares: a step means about as much anywhere. `dark`: share of black."""
    spreads = [math.sqrt(seen.covariance[place][place]) for place in range(4)]
    colours = [*seen.colours.tolist(), *cell.colour.tolist(), *cell.background.tolist()]
    named = cell.named
    factors = [
        *[value + _LEAST_DETAIL for value in detail],
        *[value + 10 * _LEAST_DETAIL for value in _steps(seen.centred[:3]).tolist()],
        *[max(level, 0) + _LEAST_LEVEL for level in colours],
        *[value + 1 for value in spreads],
        *[size + _LEAST_SHARE for size in (named["cell_size"], *cell.sizes, named["cell_pieces"] / 10)],
        *[level + _LEAST_LEVEL for level in cell.thresholds],
    ]
    related = [2 * seen.covariance[a][b] / ((spreads[a] + 1) * (spreads[b] + 1)) for a, b in ((0, 1), (0, 3), (1, 3))]
    shares = [math.sqrt(share) for share in (dark, named["cell_share"], named["cell_edge"])]
    return np.array([*map(math.log, factors), *shares, *related], np.float32)
