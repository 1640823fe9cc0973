"""Whether there is anything in a picture to classify: warnings for answers that may mean nothing.

A network answers whatever it is shown. These guards cost some hundredths of a millisecond; they find what is surely no
cell (a lens cap, a thumbnail, a whole field of which the centre alone is seen), not a bad picture of one.
"""

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.runtime.preprocessing import crop_size, input_scale
from edgeleuk.spec import CROP, STRETCH, Preprocessing

NO_CONTENT = "no content"
FEWEST_PX = 32  # a side
_SMALLEST_SHARE = 0.1  # of the picture that the network sees
_FEWEST_SEEN = 8  # pixels of the input a side
_ONE_COLOUR = 8  # levels of 255 within which each channel stays: noise of a sensor, or of JPEG, is not content


def content_warnings(
    image: Image.Image, pixels: NDArray[np.uint8], spec: Preprocessing, size: tuple[int, int] | None = None
) -> tuple[str, ...]:
    """Short phrases about an RGB picture that `cut_and_resize` made `pixels` of, uint8 [height, width, channels].

    `size`: its (width, height), if `image` is only the part that the network sees.

    "no content" if what the network sees is of one colour, "8 px" or "8x200 px" if a side has fewer than 32,
    "centre 0.4 % of the picture" if the crop shows less than a tenth of it. None of them for most pictures.
    """
    width, height = size = size or image.size
    seen = _without_padding(size, pixels, spec)
    found = [NO_CONTENT] if (is_one_colour(image) if seen is None else _is_flat(seen)) else []
    if min(width, height) < FEWEST_PX:
        found.append(f"{width} px" if width == height else f"{width}x{height} px")
    share = _seen_share(size, spec)
    if share < _SMALLEST_SHARE:
        found.append(f"centre {100 * share:.{1 if share >= 0.001 else 2}f} % of the picture")
    return tuple(found)


def _seen_share(size: tuple[int, int], spec: Preprocessing) -> float:
    """How much of a picture of this (width, height) the network sees."""
    if spec.fit == STRETCH:
        return 1.0
    if spec.fit == CROP:
        cut = crop_size(spec)
    else:
        scale = input_scale(size, spec)
        cut = round(spec.width_px / scale), round(spec.input_size_px / scale)
    return math.prod(min(had, seen) / had for had, seen in zip(size, cut, strict=True))


def is_one_colour(image: Image.Image) -> bool:
    """Whether each channel of an RGB picture stays within 8 levels of 255."""
    extremes = cast("tuple[tuple[int, int], ...]", image.getextrema())
    return all(highest - lowest <= _ONE_COLOUR for lowest, highest in extremes)


def _is_flat(pixels: NDArray[np.uint8]) -> bool:
    """The same of uint8 [height, width, 3]."""
    corner, centre = (pixels[place].tolist() for place in ((0, 0), _middle(pixels)))
    if any(abs(one - other) > _ONE_COLOUR for one, other in zip(corner, centre, strict=True)):
        return False  # nearly always: the rest need not be looked at
    channels = range(pixels.shape[-1])
    return all(int(pixels[..., n].max()) - int(pixels[..., n].min()) <= _ONE_COLOUR for n in channels)


def _middle(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    return pixels.shape[0] // 2, pixels.shape[1] // 2


def _without_padding(size: tuple[int, int], pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8] | None:
    """What of the input is the picture: if that is smaller than the crop, the black around it is not.

    None if too little of it is left to tell.
    """
    if spec.fit != CROP:
        return pixels
    cut, shape = crop_size(spec), (spec.width_px, spec.input_size_px)
    if size[0] >= cut[0] and size[1] >= cut[1]:
        return pixels
    columns, rows = (_span(*axis) for axis in zip(size, cut, shape, strict=True))
    seen = pixels[rows, columns]
    return seen if min(seen.shape[:2]) >= _FEWEST_SEEN else None


def _span(side: int, cut: int, shown: int) -> slice:
    """Of one axis of the input, without what resizing mixes with the padding: `cut` source pixels became `shown`."""
    if side >= cut:
        return slice(None)
    scale = shown / cut
    start, margin = (cut - side) // 2 * scale, 3 * max(1.0, scale)  # half the width of the widest filter
    return slice(math.ceil(start + margin), max(0, math.floor(start + side * scale - margin)))
