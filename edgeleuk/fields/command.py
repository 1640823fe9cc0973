"""What `edgeleuk cells` and `edgeleuk infer --field` do: field after field, printed as soon as it is done."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from edgeleuk.classify.crew import Crew
from edgeleuk.classify.model import Model
from edgeleuk.errors import DataError, ImageError, UsageError, reason_of
from edgeleuk.fields.answers import FieldResult, cell_line, json_line, summary_line
from edgeleuk.fields.classifying import classified, scale_notes
from edgeleuk.fields.crops import KEEP
from edgeleuk.fields.finder import find_cells
from edgeleuk.fields.folder import FieldFolder, field_folder
from edgeleuk.fields.opencv import opencv
from edgeleuk.progress import Counter
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.sources.files import named_images
from edgeleuk.text import printable


@dataclass(frozen=True)
class FieldRequest:
    """What was asked for: `names` of files, folders and patterns. See the options of the commands."""

    names: tuple[str, ...]
    model: Path | None = None
    output: Path | None = None
    cell_px: float | None = None
    surroundings: str = KEEP
    page: int | None = None
    max_pixels: int = MAX_PIXELS
    threads: int | None = None
    backend: str = "auto"
    gate: str = WARN

    def __post_init__(self) -> None:
        """Raise UsageError if what is written would be read as fields the next time."""
        if self.output is None:
            return
        for folder in map(Path, self.names):
            if folder.is_dir() and self.output.resolve().is_relative_to(folder.resolve()):
                raise UsageError(
                    f"-o {self.output} lies in {folder}, all of whose pictures are fields: those that are written "
                    "would be, too; give a folder outside of it"
                )


def run(request: FieldRequest, as_json: bool = False) -> bool:
    """Search the fields and print what is found. Returns False if a picture could not be used.

    Raises UsageError for names that stand for nothing, DataError if no field holds a cell, OutputError.
    """
    fields = chain.from_iterable(named_images(request.names))
    opencv()
    crew = Crew.of_many(request.threads)
    classifier = _classifier(request, crew)
    with ExitStack() as stack:
        shown = {} if classifier is None else classifier.spec.shown_names
        folder = None if request.output is None else stack.enter_context(field_folder(request.output, shown))
        search = _Search(request, crew.workers, classifier, folder)
        return _print(search, fields, as_json)


def _classifier(request: FieldRequest, crew: Crew) -> Classifier | None:
    if request.model is None:
        return None
    model = Model.of(read_bundle(request.model), request.model, crew.threads, request.backend, request.gate)
    crew.equip(model.classifier)
    return model.classifier


@dataclass(frozen=True)
class _Search:
    """What is done to each field."""

    request: FieldRequest
    workers: int
    classifier: Classifier | None
    folder: FieldFolder | None

    def of(self, path: Path) -> FieldResult:
        """The result of one field, with files of it if they are wanted."""
        try:
            field = decode_image(path, self.request.max_pixels, self.request.page)
            result = FieldResult.of_found(str(path), find_cells(np.asarray(field, np.uint8), self.request.cell_px))
        except ImageError as error:
            return FieldResult(str(path), error=printable(reason_of(error).removeprefix(f"{path}: ")))
        if self.classifier is not None:
            result = self._answered(result, field, self.classifier)
        if self.folder is not None:
            self.folder.add(field, result)
        return result

    def _answered(self, result: FieldResult, field: Image.Image, classifier: Classifier) -> FieldResult:
        for note in scale_notes(result, classifier):
            _say(f"warning: {note}")
        return classified(result, field, classifier, self.request.surroundings, self.workers)


def _print(search: _Search, fields: Iterator[Path], as_json: bool) -> bool:
    table = sys.stdout.isatty() and not as_json
    well, found = True, 0
    with closing(Counter("fields")) as counter:
        for number, path in enumerate(fields, 1):
            result = search.of(path)
            counter.close()
            for line in _lines(result) if table else (json_line(result),):
                print(line, flush=True)
            if not result.cells and result.error is None:
                _say(f"warning: {summary_line(result)}; if there is one, say how wide cells are (--cell-px)")
            well &= result.error is None
            found += len(result.cells)
            counter.at(number)
    if table or sys.stderr.isatty():
        print(RESEARCH_USE, file=sys.stdout if table else sys.stderr)
    if well and not found:
        raise DataError("no white cell was found in any field; say how wide cells are in pixels with --cell-px")
    return well


def _lines(result: FieldResult) -> Iterator[str]:
    if result.shown:
        yield from (cell_line(found, result.shown) for found in result.cells)
    yield summary_line(result)


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
