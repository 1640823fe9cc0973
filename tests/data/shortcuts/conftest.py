"""Images whose colour says the class, or does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.files import sha256_file

MakeIndex = Callable[..., Index]


@pytest.fixture
def make_index(tmp_path: Path) -> MakeIndex:
    """An index of subjects with six images each, classes "a" and "b" in turn; `tell` is how much redder "b" is.

    Two folds of subjects, and the last third as split "test" if asked for.
    """

    def make(tell: float, subjects: int = 12, test: bool = False, known: bool = True) -> Index:
        random, records = np.random.default_rng(0), []
        for number in range(6 * subjects):
            subject = number // 6
            label = "ab"[subject % 2]
            colour = np.array([120 + (tell if label == "b" else 0), 110, 160]) + random.normal(0, 6, 3)
            pixels = colour + random.normal(0, 9, (16, 16, 3))
            path = tmp_path / f"{number:03}.png"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            held = test and subject >= 2 * subjects // 3
            records.append(
                ImageRecord(
                    path.name,
                    sha256_file(path),
                    path.stat().st_size,
                    label,
                    f"S{subject}" if known else None,
                    None if held else subject // 2 % 2,
                    "test" if held else "train",
                )
            )
        return Index(tmp_path, ("a", "b"), tuple(records), "b", 2, known)

    return make
