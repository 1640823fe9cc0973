"""The pictures that two engines are compared on: real ones of an index or folder, else made-up cells."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.data.index import Index
from edgeleuk.data.sampling import draw
from edgeleuk.data.synthetic.cells import draw_cell
from edgeleuk.data.synthetic.synth import random_subjects, random_traits
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.preprocessing import fit_to_input
from edgeleuk.spec import Preprocessing

_DIFFICULTY = 0.5


@dataclass(frozen=True)
class Pictures:
    """Pixels uint8 [n, height, width, channels] as the spec fits them, and whether they are of real images.

    `paths`: where those lie, in this order; empty for made-up ones.
    """

    pixels: NDArray[np.uint8]
    real: bool
    paths: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """What they are, in the plural."""
        return "images" if self.real else "made-up cells"


def pictures_of(index: Index | None, count: int, seed: int, spec: Preprocessing) -> Pictures:
    """`count` images of the index drawn by seed, all if it has fewer; without one `count` drawings of cells.

    Raises DataError for images that are missing, have changed since they were indexed, or cannot be read.
    """
    if index is None:
        drawn = (fit_to_input(Image.fromarray(cell), spec) for cell in _cells(count, seed))
        return Pictures(np.stack(list(drawn)), real=False)
    paths = tuple(draw(index, index.images, count, seed).paths)
    return Pictures(np.stack([fit_to_input(decode_indexed(path), spec) for path in paths]), real=True, paths=paths)


def _cells(count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """uint8 [450, 450, 3], each of another subject."""
    for ordinal, subject in enumerate(random_subjects(count, 1, seed)):
        rng = np.random.default_rng([seed, 2, ordinal, 0])
        yield draw_cell(random_traits(subject, _DIFFICULTY, rng), subject.slide, rng)
