"""Whether there is anything in a picture to classify: warnings for answers that may mean nothing.

A network answers whatever it is shown. These guards cost some hundredths of a millisecond; they find what is surely no
cell (a lens cap, a thumbnail, a whole field of which the centre alone is seen), not a bad picture of one.
"""

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.spec import Preprocessing

NO_CONTENT = "no content"
FEWEST_PX = 32  # a side
_SMALLEST_SHARE = 0.1  # of the picture that the network sees
_FEWEST_SEEN = 8  # pixels of the input a side
_ONE_COLOUR = 8  # levels of 255 within which each channel stays: noise of a sensor, or of JPEG, is not content


def content_warnings(image: Image.Image, pixels: NDArray[np.uint8], spec: Preprocessing) -> tuple[str, ...]:
    """Short phrases about an RGB picture that `cut_and_resize` made `pixels` of, uint8 [size, size, 3].

    "no content" if what the network sees is of one colour, "8 px" or "8x200 px" if a side has fewer than 32,
    "centre 0.4 % of the picture" if the crop shows less than a tenth of it. None of them for most pictures.
    """
    seen = _without_padding(image.size, pixels, spec)
    found = [NO_CONTENT] if (is_one_colour(image) if seen is None else _is_flat(seen)) else []
    width, height = image.size
    if min(width, height) < FEWEST_PX:
        found.append(f"{width} px" if width == height else f"{width}x{height} px")
    share = min(width, spec.crop_px) * min(height, spec.crop_px) / (width * height)
    if share < _SMALLEST_SHARE:
        found.append(f"centre {100 * share:.{1 if share >= 0.001 else 2}f} % of the picture")
    return tuple(found)


def is_one_colour(image: Image.Image) -> bool:
    """Whether each channel of an RGB picture stays within 8 levels of 255."""
    extremes = cast("tuple[tuple[int, int], ...]", image.getextrema())
    return all(highest - lowest <= _ONE_COLOUR for lowest, highest in extremes)


def _is_flat(pixels: NDArray[np.uint8]) -> bool:
    """The same of uint8 [height, width, 3]."""
    corner, centre = (pixels[row, column].astype(np.int16) for row, column in ((0, 0), _middle(pixels)))
    if (np.abs(centre - corner) > _ONE_COLOUR).any():
        return False  # nearly always: the rest need not be looked at
    return all(int(pixels[..., n].max()) - int(pixels[..., n].min()) <= _ONE_COLOUR for n in range(3))


def _middle(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    return pixels.shape[0] // 2, pixels.shape[1] // 2


def _without_padding(size: tuple[int, int], pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8] | None:
    """What of the input is the picture: if that is smaller than the crop, the black around it is not.

    None if too little of it is left to tell.
    """
    if min(size) >= spec.crop_px:
        return pixels
    columns, rows = (_span(side, spec) for side in size)
    seen = pixels[rows, columns]
    return seen if min(seen.shape[:2]) >= _FEWEST_SEEN else None


def _span(side: int, spec: Preprocessing) -> slice:
    """Of one axis of the input, without what resizing mixes with the padding."""
    if side >= spec.crop_px:
        return slice(None)
    scale = spec.input_size_px / spec.crop_px
    start, margin = (spec.crop_px - side) // 2 * scale, 3 * max(1.0, scale)  # half the width of the widest filter
    return slice(math.ceil(start + margin), max(0, math.floor(start + side * scale - margin)))
