"""The layout of C-NMC 2019 (Gupta & Gupta, The Cancer Imaging Archive, doi 10.7937/tcia.2019.dc64i46r).

training_data/fold_<n>/{all,hem}/UID_<subject>_<image>_<cell>_<all|hem>.bmp
validation_data/C-NMC_test_prelim_phase_data/<n>.bmp         labels in ..._labels.csv beside the folder
testing_data/C-NMC_test_final_phase_data/<n>.bmp             no labels

Copies have C-NMC_training_data for the first folder, a folder inside one of the same name, no validation_data and
testing_data around the others, or no folds.
"""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.cnmc_names import name_facts
from edgeleuk.data.layouts.layout import Described, FileEntry, table_rows
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples

CLASSES = ("all", "hem")
POSITIVE_CLASS = "all"
PRELIMINARY = "validation_data/C-NMC_test_prelim_phase_data"
FINAL = "testing_data/C-NMC_test_final_phase_data"
LABELS_CSV = "validation_data/C-NMC_test_prelim_phase_data_labels.csv"
_TRAINING = r"(?:C-NMC_)?training_data/(?:fold_(\d{1,4})/(?:fold_\d{1,4}/)?)?(all|hem)"
_PRELIMINARY = r"(?:validation_data/)?(?P<test>C-NMC_test_prelim_phase_data)(?:/C-NMC_test_prelim_phase_data)?"
_FINAL = r"(?:testing_data/)?C-NMC_test_final_phase_data(?:/C-NMC_test_final_phase_data)?"
_FOLDER = re.compile(rf"(.*?/)??(?:{_TRAINING}|{_PRELIMINARY}|{_FINAL})")
_IN_PRELIMINARY = f"{PRELIMINARY.rpartition('/')[2]}/"


class _Place(NamedTuple):
    """What a folder says about the images in it."""

    split: str
    fold: int | None = None
    label: str | None = None


def folder_root(path: Path) -> Path | None:
    """The C-NMC folder: `path` itself or the one below it, two levels at most, that has the layout; None if none."""
    if _has_layout(path):
        return path
    below = _folders(path)
    for children in (below, [inner for child in below for inner in _folders(child)]):
        found = [child for child in children if _has_layout(child)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _folders(path: Path) -> list[Path]:
    with os.scandir(path) as entries:
        return sorted(Path(entry) for entry in entries if _is_readable_folder(entry))


def _is_readable_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir() and os.access(entry, os.R_OK | os.X_OK)
    except OSError:  # a link to itself
        return False


def _has_layout(path: Path) -> bool:
    training = [path / name for name in ("training_data", "C-NMC_training_data")]
    others = [path / name for place in (PRELIMINARY, FINAL) for name in (place, place.rpartition("/")[2])]
    return (
        any(any(folder.glob("fold_*")) for folder in training)
        or any(all((folder / name).is_dir() for name in CLASSES) for folder in training)
        or any(map(Path.is_dir, others))
    )


def _labels_csv(root: Path, prefix: str) -> str:
    """Where the table of the preliminary set's labels is, relative to the root."""
    name = PRELIMINARY.rpartition("/")[2]
    places = [f"{prefix}{place}{name}_labels.csv" for place in ("validation_data/", "", f"{name}/", f"{PRELIMINARY}/")]
    return next((place for place in places if (root / place).is_file()), places[0])


def prefix_of(folders: Iterable[str]) -> str | None:
    """What stands before the layout in these folder names, '' or with a final '/'; None if none has the layout."""
    prefixes = {match[1] or "" for folder in folders if (match := _FOLDER.fullmatch(folder))}
    return min(prefixes, default=None)


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
    table = _labels_csv(root, prefix)
    labels = read_labels(root / table)
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
    return Described(CLASSES, tuple(images), POSITIVE_CLASS, problems, left_out, frozenset({table}))


def _place(folder: str, prefix: str) -> _Place | None:
    match = _FOLDER.fullmatch(folder)
    if match is None or (match[1] or "") != prefix:
        return None
    if match[3] is not None:
        return _Place("train", None if match[2] is None else int(match[2]), match[3])
    return _Place("test" if match["test"] else "unlabelled")


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
    present = {image.path.rpartition("/")[2]: image for image in images if _IN_PRELIMINARY in image.path}
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
