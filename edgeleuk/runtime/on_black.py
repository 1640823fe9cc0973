"""Resizing of a picture that is black around what it shows, as segmented cells are: the black is not computed, nor
decoded if it need not be.

The same to the bit as Pillow's resize of the whole (src/libImaging/Resample.c). A pixel of the result is a sum of
weights times pixels, and black ones add nothing; the weights depend only on where the pixel lies in the source, which a
part of the picture says exactly if a pixel of the result is p/q pixels of the source and q is a power of two.
"""

import math
from collections.abc import Sequence

from PIL import Image

from edgeleuk.runtime.stored_rows import Packed

_SUPPORT = {Image.Resampling.BILINEAR: 1, Image.Resampling.BICUBIC: 2, Image.Resampling.LANCZOS: 3}
_LARGEST_SIDE, _LARGEST_DIVISOR = 8192, 1024  # with which a place in the source is exact in float32
_WORTH_IT = 0.75  # of the picture, at most


def resize(image: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """An RGB picture of (width, height) `size`, each pixel that of `image.resize(size, resample)`."""
    if not _parts_are_exact(image.size, size) or resample not in _SUPPORT:
        return image.resize(size, resample)
    shown = image.shown_box() if isinstance(image, Packed) else image.getbbox()
    if shown is None:
        return Image.new("RGB", size)
    columns, rows = (
        _reached(shown[axis], shown[axis + 2], image.size[axis] / size[axis], size[axis], _SUPPORT[resample])
        for axis in (0, 1)
    )
    part = columns[1] - columns[0], rows[1] - rows[0]
    if part[0] * part[1] > _WORTH_IT * size[0] * size[1]:
        return image.resize(size, resample)
    scales = image.width / size[0], image.height / size[1]
    box = columns[0] * scales[0], rows[0] * scales[1], columns[1] * scales[0], rows[1] * scales[1]
    source, box = _decoded(image, part, box, [_SUPPORT[resample] * scale for scale in scales])
    result = Image.new("RGB", size)
    result.paste(source.resize(part, resample, box), (columns[0], rows[0]))
    return result


def _decoded(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float], reach: Sequence[float]
) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """What of a picture is needed to resize the box to (width, height) `size`, and the box in it.

    `reach`: how far from a pixel's place in x and y others add to it.
    """
    if not isinstance(image, Packed):
        return image, box
    left, top = (max(0, math.floor(box[axis] - reach[axis] - 1)) for axis in (0, 1))
    right, bottom = (min(image.size[axis], math.ceil(box[axis + 2] + reach[axis] + 1)) for axis in (0, 1))
    if not _columns_come_first((right - left, bottom - top), size):
        return image, box
    return image.part((left, top, right, bottom)), (box[0] - left, box[1] - top, box[2] - left, box[3] - top)


def _parts_are_exact(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether a part of the result is what it is in the whole.

    Of the two axes Pillow resizes that first which it holds to be the cheaper, and rounds between them: its choice must
    not depend on the part.
    """
    (width, height), shrunk = before, after[0] <= before[0] and after[1] <= before[1]
    divisors = [new // math.gcd(old, new) for old, new in zip(before, after, strict=True)]
    exact = all(each & (each - 1) == 0 and each <= _LARGEST_DIVISOR for each in divisors)
    return shrunk and exact and max(before) <= _LARGEST_SIDE and _columns_come_first((width, height), (after[0], 0))


def _columns_come_first(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether Pillow resizes columns before rows: unless rows lose more than twice as many pixels."""
    return before[1] - after[1] <= 2 * (before[0] - after[0])


def _reached(first: int, last: int, scale: float, length: int, support: int) -> tuple[int, int]:
    """From where to where in the result anything comes from the pixels `first` to `last` of the source."""
    margin = support * scale + 1
    return max(0, math.floor((first - margin) / scale)), min(length, math.ceil((last + margin) / scale))
