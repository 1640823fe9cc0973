"""The layout with folders that name the class: one sub-folder per class, below train, val and test or patients if any.

Subjects are those of folders, or stand in an optional `subjects.csv` (columns path, subject).
"""

from collections.abc import Sequence
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.folder_names import TEST, TRAIN, VALIDATION
from edgeleuk.data.layouts.layout import Described, FileEntry, table_rows
from edgeleuk.data.layouts.levels import IN_NO_CLASS, Levels, Place, read_levels
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples

SUBJECTS_CSV = "subjects.csv"
_PARTS = (TRAIN, VALIDATION, TEST)


def describe(entries: Sequence[FileEntry], root: Path, class_level: int | None = None) -> Described:
    """Read the folders below `root` as `read_levels` does.

    Raises DataError for an unusable `subjects.csv`, and if no level of folders, or more than one, may name the class.
    """
    levels = read_levels(sorted({_folder(entry.path) for entry in entries}), root, class_level)
    parts = {place.part for place in levels.places.values() if place.part is not None}
    given = tuple(part for part in _PARTS if part in parts) if len(parts) > 1 else ()
    table, subjects = _subjects_table(root, levels.prefix)
    fold_numbers = _fold_numbers(levels)
    images: list[ImageRecord] = []
    left_out: list[tuple[str, str]] = []
    unnamed: list[str] = []
    for entry in entries:
        place = levels.places.get(_folder(entry.path))
        if place is None:
            left_out.append((entry.path, levels.left_out.get(_folder(entry.path), IN_NO_CLASS)))
            continue
        subject = subjects.pop(entry.path, None)
        if subject is None and place.label is not None:
            unnamed.append(entry.path)
        images.append(
            _record(entry, place if given else place._replace(part=None), subject or place.subject, fold_numbers)
        )
    labelled = sum(image.label is not None for image in images)
    problems = _problems(levels, table, subjects, unnamed if len(unnamed) < labelled else [])
    classes = tuple(sorted({image.label for image in images if image.label is not None}))
    return Described(
        classes, tuple(images), None, problems, tuple(left_out), frozenset({table}), _notes(levels), given=given
    )


def _notes(levels: Levels) -> tuple[str, ...]:
    """Which folders are taken for subjects, so that it can be contradicted."""
    subjects = sorted({place.subject for place in levels.places.values() if place.subject is not None})
    return (f"subjects are the {counted(len(subjects), 'folder name')} {examples(subjects)}",) if subjects else ()


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _record(entry: FileEntry, place: Place, subject: str | None, folds: dict[int, int]) -> ImageRecord:
    if place.label is None:
        return ImageRecord(*entry, split="unlabelled")
    if place.part == TEST:
        return ImageRecord(*entry, place.label, subject, None, "test")
    if place.part == VALIDATION:
        return ImageRecord(*entry, place.label, subject, 0)
    return ImageRecord(*entry, place.label, subject, None if place.fold is None else folds.get(place.fold))


def _fold_numbers(levels: Levels) -> dict[int, int]:
    """Folds counted from 0 without gaps; none beside a validation part, which is the one fold then."""
    if any(place.part == VALIDATION for place in levels.places.values()):
        return {}
    found = sorted({place.fold for place in levels.places.values() if place.fold is not None and place.part != TEST})
    return {fold: number for number, fold in enumerate(found)}


def _subjects_table(root: Path, prefix: str) -> tuple[str, dict[str, str]]:
    """The path of the table below root, and the subject of each image's path below root, beside the class folders."""
    folders = prefix.split("/")[:-1]
    for depth in range(len(folders), -1, -1):
        place = "".join(f"{name}/" for name in folders[:depth])
        table = f"{place}{SUBJECTS_CSV}"
        if (root / table).is_file():
            return table, {f"{place}{path}": subject for path, subject in read_subjects(root / table).items()}
    return f"{prefix}{SUBJECTS_CSV}", {}


def _problems(levels: Levels, table: str, missing: dict[str, str], unnamed: Sequence[str]) -> tuple[str, ...]:
    problems = []
    if unnamed and not any(place.subject for place in levels.places.values()):
        problems.append(f"{counted(len(unnamed), 'image')} without a row in {SUBJECTS_CSV}: {examples(unnamed)}")
    if missing:
        below = [path.removeprefix(table.removesuffix(SUBJECTS_CSV)) for path in missing]
        problems.append(f"{SUBJECTS_CSV} names {counted(len(below), 'image')} not there: {examples(below)}")
    problems += [
        f"folders {examples(names)} name neither class nor subject: what they say is not used"
        for names in levels.ignored
    ]
    return tuple(problems)


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
