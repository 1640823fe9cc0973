"""A manifest: a tab-separated list of path, sha256 and size that stands for a folder without its pixels.

It may say label, subject and split of each image, too, in columns of these names; the order of columns is free.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.data.layouts.facts import Facts, is_unknown, part_of
from edgeleuk.data.layouts.layout import FileEntry
from edgeleuk.errors import DataError
from edgeleuk.text import shown, suggestion

HEADER = ("path", "sha256", "size")
OPTIONAL = ("label", "subject", "split")
_MOST_DIGITS = 19  # of a number that fits into 64 bits
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """The rows in file order; `told` holds which of label, subject and split are columns, `facts` what they say."""

    entries: tuple[FileEntry, ...]
    told: frozenset[str]
    facts: Mapping[str, Facts]


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises DataError that names the line of what is malformed."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read as a manifest: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not a manifest: it is not text; expected a folder of images, or rows of path, sha256 and size"
        ) from error
    columns = _columns(path, lines[0])
    rows = [_cells(path, number, line, columns) for number, line in enumerate(lines[1:], start=2) if line]
    entries = tuple(_entry(path, number, cells) for number, cells in rows)
    if not entries:
        raise DataError(f"{path} is a manifest without a row; there is nothing to read")
    if len({entry.path for entry in entries}) != len(entries):
        raise DataError(f"{path}: {_repeated(entries):.100} is in two rows; keep one")
    told = frozenset(columns).intersection(OPTIONAL)
    return Manifest(entries, told, {cells["path"]: _facts(path, number, cells) for number, cells in rows if told})


def _columns(path: Path, line: str) -> tuple[str, ...]:
    columns = tuple(name.strip() for name in line.split("\t"))
    if not set(HEADER) <= set(columns):
        raise DataError(
            f"{path} is not a manifest: its first line is {line[:80]!r}, expected path, sha256 and size between tabs, "
            "and if you like label, subject and split; a folder of images works as well, with --labels TABLE for labels"
        )
    for name in columns:
        if name not in (*HEADER, *OPTIONAL):
            raise DataError(f"{path}: unknown column {shown(name)}{suggestion(name, OPTIONAL)}")
    if len(set(columns)) != len(columns):
        raise DataError(f"{path} has two columns of one name; keep one")
    return columns


def _cells(path: Path, number: int, line: str, columns: Sequence[str]) -> tuple[int, dict[str, str]]:
    cells = line.removesuffix("\r").split("\t")
    if len(cells) != len(columns):
        expected = f"{', '.join(columns[:-1])} and {columns[-1]}"
        raise DataError(f"{path}, line {number}: {len(cells)} columns, expected {expected} between tabs")
    return number, dict(zip(columns, cells, strict=True))


def _entry(path: Path, number: int, cells: Mapping[str, str]) -> FileEntry:
    name, digest, size = cells["path"], cells["sha256"].lower(), cells["size"]
    if "\0" in name:
        raise DataError(f"{path}, line {number}: the path {name!r:.100} holds a NUL, which no file name can")
    if not name or not _SHA256.fullmatch(digest):
        raise DataError(
            f"{path}, line {number}: sha256 of {name!r:.100} is {cells['sha256']!r:.80}, expected 64 hex digits"
        )
    if not (size.isascii() and size.isdigit() and len(size) < _MOST_DIGITS):
        raise DataError(f"{path}, line {number}: size of {name!r:.100} is {size!r:.60}, expected a number of bytes")
    return FileEntry(name, digest, int(size))


def _facts(path: Path, number: int, cells: Mapping[str, str]) -> Facts:
    label, subject, word = (cells[name].strip() if name in cells else None for name in OPTIONAL)
    if label == "":
        raise DataError(f"{path}, line {number}: no label of {cells['path']:.100}; write one, or leave the row out")
    if word is not None and part_of(word) is None:
        raise DataError(
            f"{path}, line {number}: split {shown(word)}; expected train, val, test or the number of a fold"
        )
    return Facts(label, None if subject is None or is_unknown(subject) else subject, part_of(word) if word else None)


def _repeated(entries: Sequence[FileEntry]) -> str:
    seen: set[str] = set()
    return next(entry.path for entry in entries if entry.path in seen or seen.add(entry.path))  # type: ignore[func-returns-value]
