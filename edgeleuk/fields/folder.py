"""The folder that a run over fields writes: whole, or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from edgeleuk.fields.answers import KEPT_APART, NO_ANSWER, WHITE_CELL, FieldResult
from edgeleuk.fields.formats.coco import CocoFile
from edgeleuk.fields.formats.geojson import geojson_text
from edgeleuk.fields.formats.names import FieldFiles
from edgeleuk.fields.formats.picture import field_picture
from edgeleuk.fields.formats.table import cells_head, cells_rows, fields_head, fields_row
from edgeleuk.fields.formats.voc import voc_text
from edgeleuk.files import whole_folder, write_text
from edgeleuk.safe_csv import csv_text

README = f"""Files of this folder, written by edgeleuk. For research use, not a diagnosis.

NAME.png       the field with a box around each cell
NAME.geojson   outlines for QuPath: drag the file onto the opened picture
NAME.xml       boxes as Pascal VOC
coco.json      all fields as COCO
cells.csv      a row for each cell
fields.csv     a row for each field, with counts

Cells at the border of a field may be cut off. Where a model was asked, these and the cells that it is unsure of or
warns about are "{KEPT_APART}" and count for no class; "{NO_ANSWER}" are those that its input gate turned away.
"""


class FieldFolder:
    """Takes one field after the other. Pictures are written at once, tables when all is done."""

    def __init__(self, folder: Path, shown: Mapping[str, str]) -> None:
        self._folder, self._classes = folder, tuple(shown)
        self._files = FieldFiles()
        self._coco = CocoFile([*self._classes, NO_ANSWER] if self._classes else [WHITE_CELL])
        self._cells: list[list[object]] = [list(cells_head(self._classes))]
        self._fields: list[list[object]] = []

    def add(self, field: Image.Image, result: FieldResult) -> None:
        """Write the files of a field. Raises OutputError."""
        file = self._files.named(result.name)
        field_picture(field, result).save(self._folder / f"{file.stem}.png", "PNG", compress_level=3)
        write_text(self._folder / f"{file.stem}.geojson", geojson_text(result))
        write_text(self._folder / f"{file.stem}.xml", voc_text(result, file))
        self._coco.add(result, file)
        self._cells += cells_rows(result, self._classes)
        if not self._fields:
            self._fields.append(list(fields_head(result)))
        self._fields.append(fields_row(result))

    def finish(self) -> None:
        """Write what is about all fields. Raises OutputError."""
        write_text(self._folder / "coco.json", self._coco.text())
        write_text(self._folder / "cells.csv", csv_text(self._cells))
        write_text(self._folder / "fields.csv", csv_text(self._fields))
        write_text(self._folder / "README.txt", README)


@contextmanager
def field_folder(path: Path, shown: Mapping[str, str]) -> Iterator[FieldFolder]:
    """A new folder at `path`, there when the body ends well. `shown`: the model's classes, {} without a model.

    Raises OutputError if the place is taken or cannot be written.
    """
    with whole_folder(path) as partial:
        folder = FieldFolder(partial, shown)
        yield folder
        folder.finish()
