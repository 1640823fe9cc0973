"""What is told of one image by a table, a manifest or its name, and what the words for parts of a data set mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

_PARTS = {
    "train": re.compile(r"tr(?:ai)?n(?:ing)?(?:[-_ ]?(?:set|data))?", re.IGNORECASE),
    "validation": re.compile(r"(?:val(?:id(?:ation)?)?|dev(?:elopment)?)(?:[-_ ]?(?:set|data))?", re.IGNORECASE),
    "test": re.compile(r"te?st(?:ing)?(?:[-_ ]?(?:set|data))?|eval(?:uation)?|hold[-_ ]?out", re.IGNORECASE),
}
_FOLD = re.compile(r"^fold[-_ ]*(?=\d)", re.IGNORECASE)
_NO_FRACTION = re.compile(r"(?<=\d)\.0+$")  # whole numbers as pandas writes them beside empty cells
_NO_LABEL = frozenset({"", "nan", "n/a", "#n/a", "null", "<na>"})
_UNKNOWN = frozenset({"", "-", "?", "n/a", "na", "nan", "none", "null", "unknown"})


class Facts(NamedTuple):
    """What is told of one image; `part`: "train", "validation", "test", or the number of a fold as text."""

    label: str | None = None
    subject: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class Told:
    """Facts by path of an image, and sentences: `notes` on what was taken, `problems`, and paths left out with why."""

    facts: Mapping[str, Facts]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    tables: frozenset[str] = frozenset()


def part_of(word: str) -> str | None:
    """ "train", "validation", "test" or a fold's number from a word for it; None if it is none of them."""
    plain = _NO_FRACTION.sub("", _FOLD.sub("", word.strip()))
    if plain.isascii() and plain.isdecimal() and len(plain) < 5:
        return str(int(plain))
    return next((part for part, known in _PARTS.items() if known.fullmatch(plain)), None)


def is_no_label(cell: str) -> bool:
    """Whether a cell is empty, or holds what scripts and spreadsheets write for that; "none" or "-" may be a class."""
    return cell.casefold() in _NO_LABEL


def is_unknown(subject: str) -> bool:
    """Whether a cell says that the subject is not known, as empty cells and what scripts write for them do."""
    return subject.casefold() in _UNKNOWN
