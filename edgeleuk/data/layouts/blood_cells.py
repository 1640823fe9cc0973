"""The smears that Kaggle's blood-cells came from: dataset-master with JPEGImages, Annotations and a labels.csv.

A picture's number is its row's `Image`, its `Category` the kind of its white blood cell; of several kinds or none it
cannot be used as it is. The white cells, red cells and platelets are boxed in Annotations.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.layouts.layout import Described, FileEntry, table_rows

LAYOUT = "Kaggle blood-cells (dataset-master)"
_IMAGE = re.compile(r"((?:.*/)?)JPEGImages/BloodImage_0*(\d+)\.\w+", re.IGNORECASE)
_NOTE = (
    "whole fields with one kind of white blood cell each; the set does not say which pictures are of one patient: no "
    "subject is known; 'edgeleuk data crop-boxes' cuts the cells that Annotations mark"
)


def describe(entries: Sequence[FileEntry], root: Path) -> Described | None:
    """The pictures as labels.csv labels them; None if this is not the set. Raises DataError for another table."""
    found = [(entry, match) for entry in entries if (match := _IMAGE.fullmatch(entry.path))]
    places = {match[1] for _, match in found}
    if len(found) != len(entries) or len(places) != 1:
        return None
    table = f"{places.pop()}labels.csv"
    if not (root / table).is_file():
        return None
    kinds = {image: kind for _, (image, kind) in table_rows(root / table, ("Image", "Category"))}
    images, left_out = [], []
    for entry, match in found:
        kind = kinds.get(match[2], "")
        if kind and "," not in kind:
            images.append(ImageRecord(*entry, kind))
        else:
            left_out.append((entry.path, "of several kinds in labels.csv" if kind else "of no kind in labels.csv"))
    classes = tuple(sorted({str(image.label) for image in images}))
    tables = frozenset({table})
    return Described(classes, tuple(images), left_out=tuple(left_out), tables=tables, notes=(_NOTE,))
