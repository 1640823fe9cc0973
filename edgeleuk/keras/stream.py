"""Batches of images, streamed: decoded and augmented by a few threads, a few batches ahead of the network."""

import dataclasses
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.keras.augmentation import Augmentation, augment, draw_shift
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.preprocessing import (
    constant_colours,
    cut_and_resize,
    fit_to_input,
    in_colour_order,
    input_scale,
    scale_pixels,
)
from edgeleuk.spec import Preprocessing

Batch = tuple[NDArray[np.float32], NDArray[np.int64]]
_Job = tuple[int, list[int] | None]  # position of the image; seed of its augmentation, None for none
_Views = list[NDArray[np.float32]]  # one image, or one batch, as each of several preprocessings makes it
_BATCHES_AHEAD = 2


@dataclass(frozen=True)
class ImageStream:
    """Images with labels, in batches of float32 [batch, height, width, channels] for the network, and int64 [batch].

    Memory does not depend on the number of images: `threads` workers keep two batches ahead. `part` (k, n) is the k-th
    of n parts of every batch, rows k, k + n and so on: together they are the stream, and each has as many batches. A
    last batch of fewer than n images takes over what it lacks from the one before.
    """

    paths: Sequence[Path]
    labels: Sequence[int]
    preprocessing: Preprocessing
    batch_size: int = 32
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    part: tuple[int, int] = (0, 1)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.paths)

    @property
    def batch_count(self) -> int:
        """Batches in one pass, the last one included if it is not full."""
        return -(-len(self.paths) // self.batch_size)

    def in_order(self) -> Iterator[Batch]:
        """One pass as the device would see the images: index order, nothing changed."""
        jobs: list[_Job] = [(position, None) for position in range(len(self.paths))]
        for (images,), labels in self._batches(jobs, [self.preprocessing]):
            yield images, labels

    def shuffled(self, epoch: int) -> Iterator[Batch]:
        """One augmented pass in an order that depends on the seed and the epoch alone."""
        for (images,), labels in self._batches(self._shuffled_jobs(epoch), [self.preprocessing]):
            yield images, labels

    def shuffled_views(
        self, epoch: int, other: Preprocessing
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]]:
        """`shuffled`, with the same pixels as `other` prepares them second: moved, turned and stained alike."""
        views = [self.preprocessing] if other == self.preprocessing else [self.preprocessing, other]
        for images, labels in self._batches(self._shuffled_jobs(epoch), views):
            yield images[0], images[-1], labels

    def _shuffled_jobs(self, epoch: int) -> list[_Job]:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.paths))
        return [(int(position), [self.seed, epoch, int(position)]) for position in order]

    def _batches(self, jobs: list[_Job], views: list[Preprocessing]) -> Iterator[tuple[_Views, NDArray[np.int64]]]:
        ahead: deque[tuple[list[Future[_Views]], list[int]]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for first, last in pairwise(self._cuts(len(jobs))):
                chunk = jobs[first:last][self.part[0] :: self.part[1]]
                ahead.append(
                    ([pool.submit(self._load, *job, views) for job in chunk], [self.labels[p] for p, _ in chunk])
                )
                if len(ahead) > _BATCHES_AHEAD:
                    yield _collect(*ahead.popleft(), views)
            while ahead:
                yield _collect(*ahead.popleft(), views)

    def _cuts(self, count: int) -> list[int]:
        """Where batches begin, and where the last one ends."""
        cuts = [*range(0, count, self.batch_size), count]
        if len(cuts) > 2:
            cuts[-2] = min(cuts[-2], count - self.part[1])
        return cuts

    def _load(self, position: int, seed: list[int] | None, views: list[Preprocessing]) -> _Views:
        image = decode_indexed(self.paths[position])
        return [self._view(image, view, seed) for view in views]

    def _view(self, image: Image.Image, view: Preprocessing, seed: list[int] | None) -> NDArray[np.float32]:
        if seed is None:
            return scale_pixels(fit_to_input(image, view), view)
        random = np.random.default_rng(seed)  # a generator for each view: the draws do not depend on its size
        shift = draw_shift(self.preprocessing.crop_px or min(image.size), self.augmentation, random)
        # Light and stain change the three colours of a picture, whatever the network is shown of them.
        raw = cut_and_resize(image, _in_colours(view), shift)
        changed = augment(raw, self.augmentation, random, input_scale(image.size, view))
        return scale_pixels(constant_colours(in_colour_order(changed, view), view), view)


def _in_colours(view: Preprocessing) -> Preprocessing:
    """The same without scale, as scales of one channel fit no other number of them."""
    return dataclasses.replace(view, colour_order="RGB", pixel_scale=1.0, pixel_offset=0.0)


def _collect(
    images: list[Future[_Views]], labels: list[int], views: list[Preprocessing]
) -> tuple[_Views, NDArray[np.int64]]:
    made = list(zip(*(image.result() for image in images), strict=True))
    empty = [np.zeros((0, *view.input_shape), np.float32) for view in views]  # of fewer images than parts
    return [np.stack(view) for view in made] or empty, np.array(labels, np.int64)
