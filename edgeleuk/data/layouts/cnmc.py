"""The layout of C-NMC 2019 (Gupta & Gupta, The Cancer Imaging Archive, doi 10.7937/tcia.2019.dc64i46r).

training_data/fold_<n>/{all,hem}/UID_<subject>_<image>_<cell>_<all|hem>.bmp
validation_data/C-NMC_test_prelim_phase_data/<n>.bmp         labels in ..._labels.csv beside the folder
testing_data/C-NMC_test_final_phase_data/<n>.bmp             no labels
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.layout import Described, FileEntry, table_rows
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples

CLASSES = ("all", "hem")
POSITIVE_CLASS = "all"
PRELIMINARY = "validation_data/C-NMC_test_prelim_phase_data"
FINAL = "testing_data/C-NMC_test_final_phase_data"
LABELS_CSV = "validation_data/C-NMC_test_prelim_phase_data_labels.csv"
_TRAINING = r"training_data/fold_(\d{1,4})/(all|hem)"
_FOLDER = re.compile(rf"(.*/)?(?:{_TRAINING}|{PRELIMINARY}|{FINAL})")
_NAME = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)\.\w+", re.IGNORECASE)


class _Place(NamedTuple):
    """What a folder says about the images in it."""

    split: str
    fold: int | None = None
    label: str | None = None


def folder_root(path: Path) -> Path | None:
    """The C-NMC folder: `path` itself or its one sub-folder that has the layout; None if there is none."""
    if _has_layout(path):
        return path
    children = [child for child in sorted(path.iterdir()) if child.is_dir() and _has_layout(child)]
    return children[0] if len(children) == 1 else None


def _has_layout(path: Path) -> bool:
    return any((path / "training_data").glob("fold_*")) or (path / PRELIMINARY).is_dir() or (path / FINAL).is_dir()


def prefix_of(folders: Iterable[str]) -> str | None:
    """What stands before the layout in these folder names, '' or with a final '/'; None if none has the layout."""
    prefixes = {match[1] or "" for folder in folders if (match := _FOLDER.fullmatch(folder))}
    return min(prefixes, default=None)


def name_facts(name: str) -> tuple[str, str] | None:
    """(subject, label) of a C-NMC file name: 'UID_h3_1_2_hem.bmp' -> ('UID_H3', 'hem'); None for any other name."""
    match = _NAME.fullmatch(name)
    return (f"UID_{match[1].upper()}", match[2].lower()) if match else None


def read_labels(path: Path) -> dict[str, tuple[str, str | None]]:
    """(label, subject) for each file name of the preliminary set; empty without the file.

    The column `Patient_ID` holds the original file name, hence the subject. Raises DataError on a missing column, a
    label other than 0 and 1, or two rows that contradict each other.
    """
    labels: dict[str, tuple[str, str | None]] = {}
    if not path.is_file():
        return labels
    for line, (original, name, code) in table_rows(path, ("Patient_ID", "new_names", "labels")):
        if code not in ("0", "1") or not name:
            raise DataError(f"{path}, line {line}: label {code!r:.60} of {name!r:.100}; expected 1 (all) or 0 (hem)")
        facts = name_facts(original)
        row = ("all" if code == "1" else "hem", facts[0] if facts else None)
        if labels.setdefault(name, row) != row:
            raise DataError(f"{path}, line {line}: {name:.100} already has another label or subject; keep one row")
    return labels


def describe(entries: Sequence[FileEntry], root: Path, prefix: str = "") -> Described:
    """Read `entries` as C-NMC files below root/prefix. Raises DataError for a label CSV that cannot be used."""
    labels = read_labels(root / prefix / LABELS_CSV)
    places: dict[str, _Place | None] = {}
    images: list[ImageRecord] = []
    outside: list[str] = []
    for entry in entries:
        folder, _, name = entry.path.rpartition("/")
        if folder not in places:
            places[folder] = _place(folder, prefix)
        place = places[folder]
        if place is None:
            outside.append(entry.path)
        else:
            images.append(_record(entry, name, place, labels))
    problems = (*_name_problems(images), *_label_problems(images, labels))
    left_out = tuple((path, "outside the C-NMC folders") for path in outside)
    return Described(CLASSES, tuple(images), POSITIVE_CLASS, problems, left_out, frozenset({f"{prefix}{LABELS_CSV}"}))


def _place(folder: str, prefix: str) -> _Place | None:
    match = _FOLDER.fullmatch(folder)
    if match is None or (match[1] or "") != prefix:
        return None
    if match[2] is not None:
        return _Place("train", int(match[2]), match[3])
    return _Place("test" if folder.endswith(PRELIMINARY) else "unlabelled")


def _record(entry: FileEntry, name: str, place: _Place, labels: dict[str, tuple[str, str | None]]) -> ImageRecord:
    if place.split == "train":
        facts = name_facts(name)
        return ImageRecord(*entry, place.label, facts[0] if facts else None, place.fold, "train")
    if place.split == "test" and name in labels:
        return ImageRecord(*entry, *labels[name], None, "test")
    return ImageRecord(*entry, split="unlabelled")


def _name_problems(images: list[ImageRecord]) -> list[str]:
    nameless: list[str] = []
    contrary: list[str] = []
    for image in images:
        if image.split == "train":
            facts = name_facts(image.path.rpartition("/")[2])
            if facts is None:
                nameless.append(image.path)
            elif facts[1] != image.label:
                contrary.append(image.path)
    problems = []
    if nameless:
        problems.append(
            f"{counted(len(nameless), 'training image')} without a subject in the name: {examples(nameless)}"
        )
    if contrary:
        problems.append(
            f"{counted(len(contrary), 'training image')} whose name and folder disagree about the class, "
            f"taken as the folder says: {examples(contrary)}"
        )
    return problems


def _label_problems(images: list[ImageRecord], labels: dict[str, tuple[str, str | None]]) -> list[str]:
    present = {image.path.rpartition("/")[2]: image for image in images if PRELIMINARY in image.path}
    missing = [name for name in labels if name not in present]
    unnamed = [name for name in present if name not in labels]
    problems = []
    if missing:
        problems.append(
            f"the label CSV names {counted(len(missing), 'image')} of the preliminary set that are not there, "
            f"left out: {examples(missing)}"
        )
    if unnamed:
        problems.append(
            f"{counted(len(unnamed), 'image')} of the preliminary set without a row in {LABELS_CSV}, "
            f"unlabelled: {examples(unnamed)}"
        )
    return problems
