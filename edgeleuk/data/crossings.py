"""What crosses the folds of an index: subjects, copies, and images that are nearly the same."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.duplicates import copies, count_pairs
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.runtime.images import decode_indexed

NEAR = 0.995
_SIDE, _BLOCK = 16, 1024


@dataclass(frozen=True)
class Crossings:
    """Subjects with images in several folds, how many images they have, and pairs of images that are in two folds.

    `near_pairs` correlate to `NEAR` or more as thumbnails of 16x16 pixels; `copies` have the same bytes or pixels.
    """

    subjects: int
    subjects_crossing: int
    images: int
    images_crossing: int
    copies: int
    near_pairs: int


def crossings(index: Index) -> Crossings:
    """Of the training images. Raises ImageError for one that cannot be read."""
    images = index.select(lambda image: image.split == "train")
    folds: dict[str, set[int | None]] = defaultdict(set)
    for image in images:
        if image.subject is not None:
            folds[image.subject].add(image.fold)
    crossing = {name for name, where in folds.items() if len(where) > 1}
    return Crossings(
        subjects=len(folds),
        subjects_crossing=len(crossing),
        images=len(images),
        images_crossing=sum(image.subject in crossing for image in images),
        copies=count_pairs(copies(images)).across_folds,
        near_pairs=_near_pairs(index, images),
    )


def _near_pairs(index: Index, images: Sequence[ImageRecord]) -> int:
    """Pairs in two folds whose thumbnails correlate, in blocks so that any number fits into memory."""
    thumbnails = np.stack([_thumbnail(index, image) for image in images])
    folds = np.array([image.fold for image in images])
    found = 0
    for start in range(0, len(images), _BLOCK):
        block = slice(start, start + _BLOCK)
        near = (thumbnails[block] @ thumbnails.T >= NEAR) & (folds[block, None] != folds)
        found += int(near.sum())
    return found // 2


def _thumbnail(index: Index, image: ImageRecord) -> NDArray[np.float32]:
    """float32 [768] of mean 0 and length 1; all zero if it is of one colour."""
    small = decode_indexed(index.path_of(image)).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small, np.float32).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return np.asarray(values / length if length > 0 else values, np.float32)
