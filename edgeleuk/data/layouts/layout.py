"""What a layout makes of a list of files: labels, subjects, folds and splits, and what does not fit."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edgeleuk.data.index import ImageRecord
from edgeleuk.errors import DataError


class FileEntry(NamedTuple):
    """One image file: path relative to the root with '/', size, and SHA-256 if it is known already, else ''."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Described:
    """Images as a layout reads them. `problems` are sentences for people; `left_out`: paths
    that it has no place for, each with the reason; `tables`: those that are read beside the images; `notes`: sentences
    on what was taken for what, where that was not said.
    """

    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    positive_class: str | None = None
    problems: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    tables: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


def table_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number and stripped values of `columns` for each row of a CSV file. Raises DataError if one lacks."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            found = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in found]
            if missing:
                raise DataError(
                    f"{path} lacks the column {', '.join(missing)}; it has {', '.join(found)[:200] or 'none'}, "
                    f"expected {', '.join(columns)}"
                )
            reader.fieldnames = found
            for row in reader:
                yield reader.line_num, [(row[name] or "").strip() for name in columns]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV file: {error}") from error
