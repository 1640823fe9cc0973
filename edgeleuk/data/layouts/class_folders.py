"""The layout with one sub-folder per class, and subjects in an optional `subjects.csv` (columns path, subject).

Folders that divide a data set, taken for classes, make a network that tells train from test. How they divide is not
read, so they are refused with what to do instead.
"""

import os.path
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.layout import Described, FileEntry, table_rows
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples

SUBJECTS_CSV = "subjects.csv"
_PART = (
    r"(?:train(?:ing)?|trn|val(?:id(?:ation)?)?|te?sts?|testing|dev(?:el(?:opment)?)?|eval(?:uation)?|hold[-_ ]?out)"
)
_MORE = r"(?:[-_ .]*(?:sets?|data|dataset|images?|imgs?|pictures?|cells?|samples?|splits?|parts?|folds?|phase|\d+))*"
_NUMBERED = r"(?:[a-z]?[-_ ]*fold|cv|splits?|partition)s?[-_ ]*\d+"
_IS_PART = re.compile(rf"{_PART}{_MORE}|{_NUMBERED}|(?:folds|splits)", re.IGNORECASE)
_ENDS_IN_PART = re.compile(rf".+[-_ .](?:{_PART}{_MORE}|{_NUMBERED})", re.IGNORECASE)


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


def is_part(name: str) -> bool:
    """Whether a folder is called like a part of a data set: train, Valid, testing, dev_set, fold_0 ..."""
    return _IS_PART.fullmatch(name) is not None


def refuse_parts(paths: Iterable[str], root: Path) -> None:
    """Raise DataError if a folder in these paths, relative to `root`, is a part of a data set and not a class.

    "cells_train" is one if another folder beside it is, too.
    """
    beside: dict[str, dict[str, set[str]]] = {}  # by the folder above: the folders in it, and those in these
    for path in paths:
        folders = path.split("/")[:-1]
        for depth, name in enumerate(folders):
            inner = beside.setdefault("/".join(folders[:depth]), {}).setdefault(name, set())
            inner.update(folders[depth + 1 : depth + 2])
    for above in sorted(beside, key=lambda folder: (folder.count("/"), folder)):
        if parts := _parts(beside[above]):
            raise DataError(_message(root / above, parts, beside[above]))


def _parts(names: Iterable[str]) -> list[str]:
    plain = sorted(name for name in names if is_part(name))
    ending = sorted(name for name in names if _ENDS_IN_PART.fullmatch(name))
    return sorted({*plain, *ending}) if plain or len(ending) > 1 else []


def _message(folder: Path, parts: list[str], beside: dict[str, set[str]]) -> str:
    inner = sorted({name for part in parts for name in beside[part]})
    others = sorted(set(beside) - set(parts))
    holding = f", which hold {examples(inner)}" if inner else ""
    mixed = f" beside {examples(others)}" if others else ""
    last = f"evaluate on another ('edgeleuk evaluate MODEL {folder / parts[-1]}')" if len(parts) > 1 else ""
    one = f"split one of them alone ('edgeleuk data split {folder / parts[0]}')" if inner else ""
    ways = " and ".join(filter(None, (one, last if inner else "")))
    pooled = "put all images of a class into one folder, to have them split again without leaks"
    return (
        f"{folder} holds the folders {examples(parts, 5)}{mixed}{holding}: these are parts of a data set, not classes, "
        f"and how they divide it is not read yet. {f'Either {ways}; or {pooled}' if ways else pooled.capitalize()}. "
        "If they are classes, give them names that say so"
    )
