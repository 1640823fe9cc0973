"""Batches of images, streamed: decoded and augmented by a few threads, a few batches ahead of the network."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec import Preprocessing
from edgeleuk.training.augmentation import Augmentation, augment, draw_shift

Batch = tuple[NDArray[np.float32], NDArray[np.int64]]
_Job = tuple[int, list[int] | None]  # position of the image; seed of its augmentation, None for none
_BATCHES_AHEAD = 2


@dataclass(frozen=True)
class ImageStream:
    """Images with labels, in batches of float32 [batch, size, size, 3] as the network takes them, and int64 [batch].

    Memory does not depend on the number of images: `threads` workers keep two batches ahead.
    """

    paths: Sequence[Path]
    labels: Sequence[int]
    preprocessing: Preprocessing
    batch_size: int = 32
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.paths)

    @property
    def batch_count(self) -> int:
        """Batches in one pass, the last one included where it is not full."""
        return -(-len(self.paths) // self.batch_size)

    def in_order(self) -> Iterator[Batch]:
        """One pass as the device would see the images: index order, nothing changed."""
        return self._batches([(position, None) for position in range(len(self.paths))])

    def shuffled(self, epoch: int) -> Iterator[Batch]:
        """One augmented pass in an order that depends on the seed and the epoch alone."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.paths))
        return self._batches([(int(position), [self.seed, epoch, int(position)]) for position in order])

    def _batches(self, jobs: list[_Job]) -> Iterator[Batch]:
        ahead: deque[tuple[list[Future[NDArray[np.float32]]], list[int]]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for start in range(0, len(jobs), self.batch_size):
                chunk = jobs[start : start + self.batch_size]
                ahead.append(([pool.submit(self._load, *job) for job in chunk], [self.labels[p] for p, _ in chunk]))
                if len(ahead) > _BATCHES_AHEAD:
                    yield _collect(*ahead.popleft())
            while ahead:
                yield _collect(*ahead.popleft())

    def _load(self, position: int, seed: list[int] | None) -> NDArray[np.float32]:
        image = decode_image(self.paths[position])
        if seed is None:
            return scale_pixels(fit_to_input(image, self.preprocessing), self.preprocessing)
        random = np.random.default_rng(seed)
        shift = draw_shift(self.preprocessing.crop_px, self.augmentation, random)
        pixels = augment(fit_to_input(image, self.preprocessing, shift), self.augmentation, random)
        return scale_pixels(pixels, self.preprocessing)


def _collect(images: list[Future[NDArray[np.float32]]], labels: list[int]) -> Batch:
    return np.stack([image.result() for image in images]), np.array(labels, np.int64)
