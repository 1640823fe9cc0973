"""Section "What an accuracy is made of": how far colour and other trivial features go on the images of an index."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.answers.rows import Row
from edgeleuk.data.index import Index
from edgeleuk.data.shortcuts.judging import Search, Shortcuts, shortcuts_of_index
from edgeleuk.statistics.metrics import Estimate

SECTION = "what an accuracy is made of"


def rows(indexes: Sequence[Path] = ()) -> list[Row]:
    """Rows of each index, without bars: they are facts of a data set. A file that is missing makes a row, too."""
    missing = [path.name for path in indexes if not path.is_file()]
    if missing or not indexes:
        return [Row(SECTION, "accuracy of trivial features", f"not run: no {', '.join(missing) or 'index'}")]
    return [row for path in indexes for row in rows_of(path.stem, shortcuts_of_index(Index.load(path), Search()))]


def rows_of(name: str, found: Shortcuts) -> list[Row]:
    """A row for the most frequent class, and for each group of features."""
    usual = Row(SECTION, f"{name}: most frequent class ({found.majority_class})", _told(found.majority))
    others = [
        Row(
            SECTION,
            f"{name}: {row.name} ({row.features})",
            f"{_told(row.accuracy)}, balanced {row.balanced_accuracy:.3f}",
        )
        for row in found.reached
    ]
    return [usual, *others]


def _told(found: Estimate) -> str:
    return f"{found.value:.3f}" if found.low is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
