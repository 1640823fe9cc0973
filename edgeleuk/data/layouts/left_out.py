"""What of a folder is not used, by kind and reason, so that no picture is left out silently."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeleuk.text import counted, examples

_NO_SUFFIX = "without a suffix"
_HIDDEN, _HIDDEN_FOLDER, HIDDEN_FOLDER = "hidden file", "hidden folder", "a hidden folder"
OTHER_NAME = "not the name of an image"
IMAGE_OF_OTHER_NAME = "an image by its content but not by its name: give it the suffix of its format"
OTHER_FORMAT = "of an image format that is not read: save it as PNG or TIFF"
_EXAMPLES = 3


@dataclass(frozen=True)
class LeftOut:
    """How many files of a kind (".gif", "hidden file", ...) are left out for one reason, and some of them."""

    kind: str
    reason: str
    count: int
    examples: tuple[str, ...]


def kind_of(path: str) -> str:
    """What a file is by its name: ".gif", "hidden file" or "without a suffix"."""
    name = path.rpartition("/")[2]
    if name.startswith("."):
        return _HIDDEN
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if stem and dot and suffix else _NO_SUFFIX


def by_kind(paths_and_reasons: Iterable[tuple[str, str]]) -> tuple[LeftOut, ...]:
    """Paths (those of folders end in '/') and reasons counted by kind and reason, the most frequent first."""
    found: dict[tuple[str, str], list[str]] = {}
    for path, reason in paths_and_reasons:
        kind = _HIDDEN_FOLDER if path.endswith("/") else kind_of(path)
        found.setdefault((reason, kind), []).append(path)
    rows = [
        LeftOut(kind, reason, len(paths), tuple(paths[:_EXAMPLES])) for (reason, kind), paths in sorted(found.items())
    ]
    return tuple(sorted(rows, key=lambda row: -row.count))


def sentences(left: Sequence[LeftOut]) -> list[str]:
    """One for each reason: '12 files left out, not the name of an image: 10 .gif, 2 hidden files (a.gif, ...)'."""
    totals: Counter[str] = Counter()
    for row in left:
        totals[row.reason] += row.count
    return [
        _sentence(reason, total, [row for row in left if row.reason == reason])
        for reason, total in totals.most_common()
    ]


def _sentence(reason: str, total: int, rows: Sequence[LeftOut]) -> str:
    kinds = ", ".join(_counted(row) for row in rows)
    shown = [name for row in rows for name in row.examples[: 1 if len(rows) > 1 else _EXAMPLES]]
    more = total - len(shown[:_EXAMPLES])
    named = examples(shown) if more <= 0 else f"{', '.join(shown[:_EXAMPLES])} and {more:,} more"
    return f"{counted(total, 'file')} left out, {reason}: {kinds} ({named})"


def _counted(row: LeftOut) -> str:
    return (
        f"{row.count:,} {row.kind}"
        if row.kind.startswith(".") or row.kind == _NO_SUFFIX
        else counted(row.count, row.kind)
    )
