"""The field of view: how large a centre square has to be to hold what is not black, the background of segmented cells.

A smaller square spends more of the network's pixels on the cell, at the same scale for every image. One that cuts cells
takes away what is diagnostic, their size; one that is larger than the image adds nothing but black.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.index import ImageRecord, Index, verify_files
from edgeleuk.errors import DataError
from edgeleuk.runtime.images import decode_indexed

_LOOKED_AT = 200
_SHARES = (0.9, 0.99, 1.0)


@dataclass(frozen=True)
class Field:
    """What some images hold: `image_sides_px` the larger side of each, `content_sides_px` that of the centre square
    that holds all its pixels that are not black (the image's own side if there is none or no black rim).
    """

    image_sides_px: tuple[int, ...]
    content_sides_px: tuple[int, ...]

    def cut(self, crop_px: int) -> int:
        """How many images lose pixels that are not black with a crop of this side."""
        return sum(side > crop_px for side in self.content_sides_px)

    def crops_px(self) -> tuple[int, ...]:
        """Crops worth trying: whole for 90, 99 and 100 % of the images, and the largest image side; ascending."""
        held = np.quantile(self.content_sides_px, _SHARES, method="higher")
        return tuple(sorted({*map(int, held), max(self.image_sides_px)}))


def field_of(index: Index, images: Sequence[ImageRecord], limit: int = _LOOKED_AT) -> Field:
    """The field of at most `limit` images, spread over the sequence. Raises DataError without any, or for files that
    are not those of the index, and ImageError.
    """
    if not images:
        raise DataError("no image whose field of view could be measured")
    chosen = [images[i * len(images) // limit] for i in range(limit)] if len(images) > limit else images
    verify_files(index, chosen)
    with ThreadPoolExecutor() as pool:
        measured = list(pool.map(_measure, map(index.path_of, chosen)))
    return Field(tuple(side for side, _ in measured), tuple(side for _, side in measured))


def content_side(pixels: NDArray[np.uint8]) -> int:
    """Side in pixels of the smallest centre square around all that is not black in [height, width, 3]."""
    reach = max(_reach(np.asarray(pixels.any(axis=axes))) for axes in ((0, 2), (1, 2)))
    return reach or max(pixels.shape[:2])


def field_notes(field: Field, crop_px: int) -> Iterator[str]:
    """Sentences on what a crop of this side loses or adds."""
    count, cut, sides = len(field.image_sides_px), field.cut(crop_px), field.image_sides_px
    if cut and crop_px < max(sides):
        yield (
            f"a crop of {crop_px} px cuts off pixels that are not black in {cut:,} of {count:,} images looked at; "
            f"{max(field.content_sides_px)} px would hold all of them"
        )
    if crop_px > max(sides):
        yield f"a crop of {crop_px} px is larger than every image looked at (at most {max(sides)} px): its rim is black"


def _measure(path: Path) -> tuple[int, int]:
    pixels = np.asarray(decode_indexed(path), np.uint8)
    return max(pixels.shape[:2]), content_side(pixels)


def _reach(filled: NDArray[np.bool_]) -> int:
    """Least side whose span, from (length - side) // 2 as `fit_to_input` places it, holds all that is filled."""
    places = np.flatnonzero(filled)
    if not len(places):
        return 0
    first, last, length = int(places[0]), int(places[-1]), len(filled)
    return max(length - 2 * first - 1, 2 * last + 2 - length, 1)
