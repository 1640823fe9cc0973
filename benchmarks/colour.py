"""How far colour and other trivial features go where a network's accuracy is quoted: `edgeleuk data audit --shortcuts`.

A random forest learns them on all images of an index but its test part, and is judged on that part; without a test
part, in the folds. What it reaches is no merit of a network that reaches as much. Without `--index` synthetic cells are
drawn.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Figure, finish, parser
from benchmarks.models import synthetic_index
from edgeleuk.data.index import Index
from edgeleuk.data.shortcuts.judging import Search, Shortcuts, shortcuts_of_index


def main() -> int:
    """Measure; returns the exit code."""
    arguments = parser(__doc__)
    arguments.add_argument("--index", type=Path, metavar="INDEX.json", help="an index of the images")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        index = Index.load(given.index or synthetic_index(Path(scratch), subjects=16, images_per_subject=10))
        found = shortcuts_of_index(index, Search())
    return finish("colour", figures(found), given, trained_on=found.trained_on, tested_on=found.tested_on)


def figures(found: Shortcuts) -> list[Figure]:
    """The accuracy of each group of features, and of naming the most frequent class."""
    rows = [(f"accuracy of {row.name}, numbers: {row.features}", row.accuracy.value) for row in found.reached]
    usual = ("accuracy of naming the most frequent class", found.majority.value)
    return [Figure(name, value, "of 1") for name, value in (*rows, usual)]


if __name__ == "__main__":
    sys.exit(main())
