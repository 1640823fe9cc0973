"""Choosing the images that ranges are calibrated on, and those that fidelity is measured on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.index import ImageRecord, Index, verify_files
from edgeleuk.errors import DataError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec import Preprocessing


@dataclass(frozen=True)
class ImageSet:
    """Images of one index, chosen by hash."""

    index: Index
    images: tuple[ImageRecord, ...]

    @property
    def paths(self) -> list[Path]:
        """Where they lie."""
        return [self.index.path_of(image) for image in self.images]

    @property
    def sha256(self) -> str:
        """SHA-256 of the images' sorted hashes: names the set."""
        return sha256_bytes("\n".join(sorted(image.sha256 for image in self.images)).encode())

    @property
    def digests(self) -> frozenset[str]:
        """By which a model knows these images, see `ImageRecord.digests`."""
        return frozenset().union(*(image.digests for image in self.images))

    def spread(self, count: int) -> "ImageSet":
        """At most `count` of them, evenly from all over the set."""
        chosen = np.linspace(0, len(self.images), min(count, len(self.images)), endpoint=False).astype(int)
        return ImageSet(self.index, tuple(self.images[position] for position in chosen))

    def inputs(self, preprocessing: Preprocessing) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [1, size, size, 3] for each image, as the device would see it."""
        for path in self.paths:
            yield scale_pixels(fit_to_input(decode_indexed(path), preprocessing), preprocessing)[np.newaxis]


def spread_over_classes(images: Sequence[ImageRecord], count: int, seed: int) -> tuple[ImageRecord, ...]:
    """At most `count` labelled images at random, of each class its share of them, and one at least; in their order."""
    by_class: dict[str, list[int]] = {}
    for position, image in enumerate(images):
        by_class.setdefault(str(image.label), []).append(position)
    if count >= len(images):
        return tuple(images)
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    for _, positions in sorted(by_class.items()):
        wanted = max(1, round(count * len(positions) / len(images)))
        chosen += random.permutation(positions)[:wanted].tolist()
    return tuple(images[position] for position in sorted(chosen))


def draw(index: Index, images: Sequence[ImageRecord], count: int, seed: int) -> ImageSet:
    """A seeded random sample of at most `count` images; files are checked against their hashes. Raises DataError."""
    if not images:
        raise DataError(f"no images to draw from below {index.root}")
    order = np.random.default_rng(seed).permutation(len(images))[:count]
    chosen = tuple(images[position] for position in sorted(order))
    verify_files(index, chosen)
    return ImageSet(index, chosen)
