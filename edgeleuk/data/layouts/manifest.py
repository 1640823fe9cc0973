"""A manifest: a tab-separated list of path, sha256 and size that stands for a folder without its pixels."""

import re
from pathlib import Path

from edgeleuk.data.layouts.layout import FileEntry
from edgeleuk.errors import DataError

HEADER = ("path", "sha256", "size")
_MOST_DIGITS = 19  # of a number that fits into 64 bits
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_manifest(path: Path) -> list[FileEntry]:
    """Rows of a manifest in file order. Raises DataError that names the line of what is malformed."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read as a manifest: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not a manifest: it is not text; expected a folder of images, or rows of path, sha256 and size"
        ) from error
    if tuple(lines[0].split("\t")) != HEADER:
        raise DataError(
            f"{path} is not a manifest: its first line is {lines[0][:80]!r}, expected path, sha256 and size "
            "between tabs; a folder of images works as well"
        )
    entries = [_entry(path, number, line) for number, line in enumerate(lines[1:], start=2) if line]
    if not entries:
        raise DataError(f"{path} is a manifest without a row; there is nothing to read")
    if len({entry.path for entry in entries}) != len(entries):
        raise DataError(f"{path}: {_repeated(entries):.100} is in two rows; keep one")
    return entries


def _entry(path: Path, number: int, line: str) -> FileEntry:
    cells = line.split("\t")
    if len(cells) != 3:
        raise DataError(f"{path}, line {number}: {len(cells)} columns, expected path, sha256 and size between tabs")
    name, digest, size = cells[0], cells[1].lower(), cells[2]
    if "\0" in name:
        raise DataError(f"{path}, line {number}: the path {name!r:.100} holds a NUL, which no file name can")
    if not name or not _SHA256.fullmatch(digest):
        raise DataError(f"{path}, line {number}: sha256 of {name!r:.100} is {cells[1]!r:.80}, expected 64 hex digits")
    if not (size.isascii() and size.isdigit() and len(size) < _MOST_DIGITS):
        raise DataError(f"{path}, line {number}: size of {name!r:.100} is {size!r:.60}, expected a number of bytes")
    return FileEntry(name, digest, int(size))


def _repeated(entries: list[FileEntry]) -> str:
    seen: set[str] = set()
    return next(entry.path for entry in entries if entry.path in seen or seen.add(entry.path))  # type: ignore[func-returns-value]
