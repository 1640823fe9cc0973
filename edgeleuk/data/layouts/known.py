"""Published data sets that are known by name: how their folders and files are called, and what that says.

Each is recognised by names alone. Where a set says which pictures are of one subject that is used; where it does not,
a note says so.
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts import blood_cells, class_folders, cnmc
from edgeleuk.data.layouts.cnmc_names import name_facts
from edgeleuk.data.layouts.folder_names import is_system
from edgeleuk.data.layouts.layout import Described, FileEntry
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples

_SHARE = 0.9  # of the names that have to be those of the set
_ALL_IDB = re.compile(r"im\d{1,3}_([01])\.\w+", re.IGNORECASE)
_CELLS = re.compile(r"(?:.*/)?dataset2-master/images/(?:TRAIN|TEST|TEST_SIMPLE)(?:/.*)?")
_NO_SUBJECT = "the set does not say which pictures are of one patient: no subject is known"
_AML_CLASSES = frozenset(
    ("bas", "ebo", "eos", "ksc", "lya", "lyt", "mmz", "mob", "mon", "myb", "myo", "ngb", "ngs", "pmb", "pmo")
)
_RAABIN_CLASSES = frozenset({"basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil"})
_BLOOD_CELLS_CLASSES = frozenset({"eosinophil", "lymphocyte", "monocyte", "neutrophil"})
_PBC_CLASSES = _RAABIN_CLASSES | {"erythroblast", "ig", "platelet"}


@dataclass(frozen=True)
class Known:
    """A set whose folders are the classes: its name, its classes in lower case, its files' names, and what is noted."""

    layout: str
    classes: frozenset[str]
    files: re.Pattern[str]
    notes: tuple[str, ...] = (_NO_SUBJECT,)
    folder: re.Pattern[str] = re.compile("")


KNOWN = (
    Known(
        "Munich AML (AML-Cytomorphology_LMU)",
        _AML_CLASSES,
        re.compile(r"[A-Z]{3}_\d{4,5}\.\w+"),
    ),
    Known(
        "PBC (Acevedo, 8 classes)",
        _PBC_CLASSES,
        re.compile(r"(?:BA|EO|ERB|IG|MMY|MY|PMY|LY|MO|BNE|SNE|NEUTROPHIL|PLATELET)_\d+\.\w+"),
    ),
    Known(
        "Kaggle blood-cells (dataset2-master)",
        _BLOOD_CELLS_CLASSES,
        re.compile(r"_\d+_\d+\.jpe?g|\d+\.jpe?g"),
        (f"{_NO_SUBJECT}, and most are changed copies of some 350 originals: see 'data split --near'",),
        re.compile(r"(?:^|/)TRAIN(?:/|$)|(?:^|/)TEST(?:_SIMPLE)?(?:/|$)"),
    ),
    Known(
        "Raabin-WBC",
        _RAABIN_CLASSES,
        re.compile(r".+"),
        (
            f"{_NO_SUBJECT}; TestA and TestB are both the test part",
            "TestB was taken with another microscope and camera",
        ),
        re.compile(r"(?:^|/)Test-?[AB](?:/|$)", re.IGNORECASE),
    ),
)


def describe(entries: Sequence[FileEntry], root: Path, class_level: int | None = None) -> tuple[str, Described]:
    """The name of the layout and what it makes of the entries: that of a known set, else "class-folders".

    Raises DataError as `class_folders.describe` does, and for sets that have to be taken apart first.
    """
    kept = [entry for entry in entries if not any(map(is_system, entry.path.split("/")))]
    names = [entry.path.rpartition("/")[2] for entry in kept]
    if class_level is None and kept and _mostly(_ALL_IDB.fullmatch, names) and (found := _all_idb(kept, entries, root)):
        return found
    if class_level is None and kept and (smears := blood_cells.describe(kept, root)):
        return blood_cells.LAYOUT, smears
    if kept and _mostly(name_facts, names):
        return "c-nmc", _cnmc_copy(entries, root, class_level)
    cells = [entry for entry in entries if _CELLS.fullmatch(entry.path.rpartition("/")[0])]
    aside = "the pictures that those in dataset2-master were made of, or their marks" if cells else ""
    described = class_folders.describe(cells or entries, root, class_level)
    if cells and len(cells) < len(entries):
        others = sorted({entry.path for entry in entries} - {entry.path for entry in cells})
        described = dataclasses.replace(described, left_out=(*described.left_out, *((path, aside) for path in others)))
    known = next((each for each in KNOWN if _is(each, described)), None)
    if known is None:
        return "class-folders", described
    notes = known.notes if not any(image.subject for image in described.images) else ()
    return known.layout, dataclasses.replace(described, notes=(*described.notes, *notes))


def _is(known: Known, described: Described) -> bool:
    classes = {name.lower() for name in described.classes}
    if len(classes) < 2 or not classes <= known.classes:
        return False
    paths = [image.path.rpartition("/") for image in described.images if image.label is not None]
    return any(known.folder.search(folder) for folder, _, _ in paths) and _mostly(
        known.files.fullmatch, [name for _, _, name in paths]
    )


def _mostly(holds: Callable[[str], object], names: Sequence[str]) -> bool:
    return sum(map(bool, map(holds, names))) >= _SHARE * max(1, len(names))


def _all_idb(kept: Sequence[FileEntry], entries: Sequence[FileEntry], root: Path) -> tuple[str, Described] | None:
    """ALL-IDB1, whole fields, or ALL-IDB2, single cells cut from them: all in one folder, labelled by their names."""
    folders = sorted({entry.path.rpartition("/")[0] for entry in kept})
    if len(folders) > 1:
        if len(folders) == 2 and all(re.search(r"idb[-_ ]?[12]", folder, re.IGNORECASE) for folder in folders):
            raise DataError(
                f"{root} holds ALL-IDB1 and ALL-IDB2 ({examples(folders)}): the cells of the second are cut from the "
                f"pictures of the first, so that both together leak; give one of them, such as {root / folders[0]}"
            )
        return None  # somebody's own folders: what they say counts
    second = re.search(r"idb[-_ ]?2", f"{root}/{folders[0]}", re.IGNORECASE) is not None
    first = re.search(r"idb[-_ ]?1", f"{root}/{folders[0]}", re.IGNORECASE) is not None
    cells = second or (not first and all(entry.path.lower().endswith((".tif", ".tiff")) for entry in kept))
    positive = "blast" if cells else "ALL"
    images, left_out = [], []
    for entry in entries:
        match = _ALL_IDB.fullmatch(entry.path.rpartition("/")[2])
        if match and entry in kept:
            images.append(ImageRecord(*entry, positive if match[1] == "1" else "healthy"))
        else:
            left_out.append((entry.path, "not called as the set's pictures are"))
    classes = tuple(sorted({str(image.label) for image in images}))
    what = "single cells" if cells else "whole fields, not single cells; 1 in a name: of a patient with ALL"
    notes = (f"{what}; {_NO_SUBJECT}",)
    told = Described(
        classes, tuple(images), positive if positive in classes else None, left_out=tuple(left_out), notes=notes
    )
    return f"ALL-IDB{2 if cells else 1}", told


def _cnmc_copy(entries: Sequence[FileEntry], root: Path, class_level: int | None) -> Described:
    """Pictures of C-NMC in other folders than its own: subjects, and labels where no folder says them, by name."""
    try:
        described = class_folders.describe(entries, root, class_level)
    except DataError:
        if class_level is not None:
            raise
        described = Described((), ())
    if class_level is None and len(described.classes) < len(cnmc.CLASSES):
        named = [(entry, name_facts(entry.path.rpartition("/")[2])) for entry in entries]
        images = tuple(ImageRecord(*entry, facts[1]) for entry, facts in named if facts)
        left_out = tuple((entry.path, "not called as the set's pictures are") for entry, facts in named if not facts)
        described = Described(tuple(sorted({str(image.label) for image in images})), images, left_out=left_out)
    images = tuple(_with_subject(image) for image in described.images)
    return dataclasses.replace(
        described,
        images=images,
        positive_class=next((name for name in described.classes if name.lower() == cnmc.POSITIVE_CLASS), None),
        problems=(*described.problems, *_contrary(images)),
        notes=(*described.notes, "pictures of C-NMC in folders of their own: subjects are taken from their names"),
    )


def _with_subject(image: ImageRecord) -> ImageRecord:
    facts = name_facts(image.path.rpartition("/")[2])
    return dataclasses.replace(image, subject=facts[0]) if facts else image


def _contrary(images: Sequence[ImageRecord]) -> list[str]:
    """A sentence if names and folders disagree about the class; folders called otherwise than all and hem may."""
    pairs = [(image, name_facts(image.path.rpartition("/")[2])) for image in images]
    if not {str(image.label).lower() for image in images} <= set(cnmc.CLASSES):
        return []
    wrong = [image.path for image, facts in pairs if facts and facts[1] != str(image.label).lower()]
    if not wrong:
        return []
    return [
        f"{counted(len(wrong), 'image')} whose name and folder disagree about the class, taken as the folder says: "
        f"{examples(wrong)}"
    ]
