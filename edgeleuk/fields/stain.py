"""How much of the nuclear stain is at each point of a field.

Optical density is -ln(pixel / background), in which stains add up (Ruifrok & Johnston 2001, "Quantification of
histochemical staining by color deconvolution"). Their deconvolution needs each stain's colour, which differs from lab
to lab with Romanowsky stains. So does the colour of red cells, from salmon to slate; but those take green light no
more than blue light, or red light more than green. Azure-eosin on chromatin takes green light most and blue least:

    amount = OD(green) - OD(blue) - 1.5 * max(0, OD(red) - OD(green))

is 0 for grey (shadows, dust, uneven light, black scale bars), near 0 for red cells, large for nuclei and small but
above 0 for the cytoplasm of white cells.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edgeleuk.fields.opencv import opencv

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]

_BRIGHT = (70, 97)  # percentiles of green between which pixels are background: brighter ones are glints
_LOOKED_AT = 200  # a side, about
_DARKEST = 4  # of 255: below, an optical density is noise
_SLATE = 1.5  # how much red light that is taken beyond green counts against
_FLAT_SIDE, _FLAT_ROUNDS = 48, 3
_RIDGE = 1e-3  # of so few points that no polynomial is told by them, the flattest one
_MOST = 1.2  # of the histogram that a threshold is found in


def background_of(pixels: Pixels) -> tuple[float, float, float]:
    """R, G and B of clear glass in uint8 [height, width, 3]: medians of what is bright in green, glints left out."""
    step = max(1, min(pixels.shape[:2]) // _LOOKED_AT)
    seen = pixels[::step, ::step].reshape(-1, 3)
    low, high = np.percentile(seen[:, 1], _BRIGHT)
    bright = seen[(seen[:, 1] >= low) & (seen[:, 1] <= high)]
    red, green, blue = (max(float(np.median(bright[:, channel])), _DARKEST) for channel in range(3))
    return red, green, blue


def density(channel: NDArray[np.uint8], background: float) -> Plane:
    """Float32 [height, width]: the optical density of one channel, uint8, before this background."""
    levels = math.log(background) - np.log(np.maximum(np.arange(256), _DARKEST))
    found: Plane = opencv().LUT(channel, levels.astype(np.float32))
    return found


def stain_amount(pixels: Pixels, blur_px: float) -> Plane:
    """Float32 [height, width] of uint8 [height, width, 3] R, G, B: the amount of nuclear stain, see above.

    `blur_px`: deviation of the Gaussian that noise is smoothed with. What changes slowly over the field in more than
    brightness (a lamp's colour) is taken away, as far as a polynomial of second degree follows it.
    """
    red, green, blue = (
        density(np.ascontiguousarray(pixels[..., n]), level) for n, level in enumerate(background_of(pixels))
    )
    amount = green - blue - _SLATE * np.maximum(red - green, 0)
    smooth: Plane = opencv().GaussianBlur(amount, (0, 0), blur_px)
    return smooth - _slow_part(smooth)


def otsu(plane: Plane, most: float = _MOST) -> float:
    """Otsu's threshold of the values between 0 and `most` (1979, "A Threshold Selection Method from Gray-Level
    Histograms").
    """
    cv2 = opencv()
    levels = (np.clip(plane, 0, most) * (255 / most)).astype(np.uint8)
    found, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(found) * most / 255


def _slow_part(plane: Plane) -> Plane:
    """Float32 [height, width]: least squares of 1, x, y, xy, x^2, y^2 through what is not stained."""
    step = max(1, min(plane.shape) // _FLAT_SIDE)
    seen = plane[::step, ::step]
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in seen.shape), indexing="ij")
    terms, values = _terms(x, y).reshape(-1, 6), seen.ravel()
    kept = values < np.median(values) + 0.1
    weights: NDArray[np.floating] = np.zeros(6)
    for _ in range(_FLAT_ROUNDS):
        held = terms[kept]
        weights = np.linalg.solve(held.T @ held + _RIDGE * np.eye(6), held.T @ values[kept])
        left = values - terms @ weights
        kept = left < max(0.05, 2 * float(np.median(np.abs(left[kept]))))
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in plane.shape)
    a, b, c, d, e, f = weights.astype(np.float32)
    slow: Plane = (a + b * columns + e * columns**2)[None] + (c * rows + f * rows**2)[:, None]
    slow += (d * rows)[:, None] * columns[None]
    return slow


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
