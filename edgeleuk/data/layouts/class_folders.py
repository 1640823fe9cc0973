"""The layout with one sub-folder per class, and subjects in an optional `subjects.csv` (columns path, subject)."""

import os.path
from collections.abc import Iterable, Sequence
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.layout import Described, FileEntry, table_rows
from edgeleuk.data.layouts.split_folders import refuse_parts
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples

SUBJECTS_CSV = "subjects.csv"


def prefix_of(folders: Iterable[str]) -> str:
    """What stands before the class folders in these folder names, '' or with a final '/'."""
    unique = set(folders)
    if "" in unique or len({folder.startswith("/") for folder in unique}) != 1:
        return ""
    common = next(iter(unique)).rpartition("/")[0] if len(unique) == 1 else os.path.commonpath(unique)
    return f"{common}/" if common not in ("", "/") else common


def describe(entries: Sequence[FileEntry], root: Path, prefix: str = "") -> Described:
    """Read the first folder below root/prefix as the class.

    Raises DataError for an unusable `subjects.csv`, and where folders divide the data set instead of naming a class.
    """
    refuse_parts((entry.path[len(prefix) :] for entry in entries), root / prefix)
    subjects = read_subjects(root / prefix / SUBJECTS_CSV)
    images: list[ImageRecord] = []
    loose: list[str] = []
    unnamed: list[str] = []
    for entry in entries:
        below = entry.path[len(prefix) :]
        label, slash, _ = below.partition("/")
        if not slash:
            loose.append(entry.path)
            continue
        subject = subjects.pop(below, None)
        if subject is None:
            unnamed.append(entry.path)
        images.append(ImageRecord(*entry, label, subject))
    problems = []
    if len(unnamed) < len(images) and unnamed:
        problems.append(f"{counted(len(unnamed), 'image')} without a row in {SUBJECTS_CSV}: {examples(unnamed)}")
    if subjects:
        problems.append(f"{SUBJECTS_CSV} names {counted(len(subjects), 'image')} not there: {examples(list(subjects))}")
    classes = tuple(sorted({image.label for image in images if image.label is not None}))
    tables, left_out = frozenset({f"{prefix}{SUBJECTS_CSV}"}), tuple((path, "in no class folder") for path in loose)
    return Described(classes, tuple(images), None, tuple(problems), left_out, tables)


def read_subjects(path: Path) -> dict[str, str]:
    """Subject of each image path; empty without the file. Raises DataError if a column or value is missing."""
    subjects: dict[str, str] = {}
    if not path.is_file():
        return subjects
    for line, (name, subject) in table_rows(path, ("path", "subject")):
        if not name or not subject:
            raise DataError(f"{path}, line {line}: path {name!r:.100}, subject {subject!r:.60}; expected both")
        if subjects.setdefault(name.replace("\\", "/"), subject) != subject:
            raise DataError(
                f"{path}, line {line}: {name:.100} already has the subject {subjects[name]!r:.60}; keep one row"
            )
    return subjects
