"""How far six colour statistics go where a network's accuracy is quoted: mean and deviation of R, G, B of each image.

A random forest learns them on all images of an index but its test part, and is judged on that part. What it reaches
is no merit of a network that reaches as much. Without `--index` synthetic cells are drawn.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from benchmarks.measure import Figure, finish, parser
from benchmarks.models import synthetic_index
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.runtime.images import decode_image


def main() -> int:
    """Measure; returns the exit code."""
    arguments = parser(__doc__)
    arguments.add_argument("--index", type=Path, metavar="INDEX.json", help="an index with a test part")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        index = Index.load(given.index or synthetic_index(Path(scratch), subjects=16, images_per_subject=10))
        known, test = index.select(lambda image: image.split == "train"), index.test()
        if not test or not known:
            sys.exit(f"{given.index} has no test part: 'edgeleuk data split --test-fraction 0.25' holds one out")
        rows, labels = _statistics(index, known + test), [str(image.label) for image in known + test]
    split, expected = len(known), np.array(labels[len(known) :])
    figures = [
        Figure(name, _accuracy(rows[:, :columns], labels, split), "of 1")
        for name, columns in (
            ("accuracy of mean and deviation of R, G, B", 6),
            ("accuracy of the mean colour alone", 3),
        )
    ]
    most = max(float((expected == label).mean()) for label in set(labels))
    figures.append(Figure("accuracy of naming the most frequent class", most, "of 1"))
    return finish("colour", figures, given, trained_on=len(known), tested_on=len(test))


def _accuracy(rows: NDArray[np.float64], labels: list[str], split: int) -> float:
    """Of a forest that learns the rows before `split`, on those behind it."""
    forest = RandomForestClassifier(500, random_state=0).fit(rows[:split], labels[:split])
    return float((forest.predict(rows[split:]) == np.array(labels[split:])).mean())


def _statistics(index: Index, images: tuple[ImageRecord, ...]) -> NDArray[np.float64]:
    """float64 [images, 6]: mean of R, G, B, then their standard deviation, of 8-bit values."""
    rows = []
    for image in images:
        pixels = np.asarray(decode_image(index.path_of(image)), np.float64).reshape(-1, 3)
        rows.append(np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)]))
    return np.stack(rows)


if __name__ == "__main__":
    sys.exit(main())
