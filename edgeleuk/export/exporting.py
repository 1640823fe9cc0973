"""Exporting: write for an engine, ask the engine, compare, and only then put what was written into its place."""

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.export.comparison import Comparison, Reference, compare, own_reading
from edgeleuk.export.pictures import pictures_of
from edgeleuk.export.target import Source, Target, Written, require
from edgeleuk.files import output_errors, refuse_taken, to_json, whole_file, whole_folder
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.text import percent

COMPARISON = "comparison.json"


@dataclass(frozen=True)
class Request:
    """What to compare on: `images`, or drawings of cells if None, `count` of them drawn by `seed`.

    Below `least_agreement`, a share of labels, nothing is written. `check`: whether the engine is asked at all.
    """

    images: Index | None = None
    count: int = 200
    seed: int = 0
    least_agreement: float = 0.99
    check: bool = True


@dataclass(frozen=True)
class Exported:
    """What was written, and how the engine's answers compare with LiteRT's; None if it was not asked."""

    target: Target
    source: Source
    written: Written
    comparison: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: what is stored beside or inside the export."""
        return {
            "schema_version": 1,
            "target": self.target.name,
            "model_sha256": self.source.bundle.sha256,
            "notes": list(self.written.notes),
            "facts": self.written.facts,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }


def export(
    model: Path, target: Target, output: Path, request: Request, say: Callable[[str], None] = lambda text: None
) -> Exported:
    """Write `model` for a target to `output`, a file of its suffix or a new folder, with the comparison beside it.

    Beside a file it is OUTPUT.comparison.json, in a folder comparison.json. Raises MissingPackageError
    before any work, ModelError if the model cannot be exported or the engine's labels differ; nothing is left then.
    """
    check_output(target, output)
    if output.is_file() and model.exists() and output.samefile(model):
        raise UsageError(f"{output} is the model that is read, and would be lost; write elsewhere")
    require(target.needs, f"exporting for {target.engine}")
    if request.check:
        require(target.check_needs, f"asking {target.engine} what it answers (--no-check leaves that out)")
    source, classifier = _open(model)
    with _place(target, output) as (place, beside):
        written = target.write(source, place)
        comparison = _checked(classifier, target, place, written, request, say) if request.check else None
        exported = Exported(target, source, written, comparison)
        with output_errors(beside):
            beside.write_text(to_json(exported.to_dict()), encoding="utf-8")
    return exported


def check_output(target: Target, output: Path) -> None:
    """Raise UsageError for a file of another ending, OutputError for a folder that is taken."""
    if target.suffix is None:
        refuse_taken(output)
    elif output.suffix != target.suffix:
        ending = f"ends in {output.suffix!r}" if output.suffix else "has no ending"
        raise UsageError(f"{output} {ending}; expected {target.suffix}, as a file for {target.engine} has")


def comparison_beside(output: Path) -> Path:
    """Where the comparison of an exported file lies."""
    return output.with_name(output.name + ".comparison.json")


@contextmanager
def _place(target: Target, output: Path) -> Iterator[tuple[Path, Path]]:
    """Where to write the export and its comparison; both are put into place when the body ends well."""
    if target.suffix is None:
        with whole_folder(output) as folder:
            yield folder, folder / COMPARISON
        return
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as scratch:
        place, beside = Path(scratch) / output.name, Path(scratch) / COMPARISON
        yield place, beside
        with whole_file(comparison_beside(output)) as later, whole_file(output) as sooner:
            sooner.write_bytes(place.read_bytes())
            later.write_bytes(beside.read_bytes())


def _open(path: Path) -> tuple[Source, Classifier]:
    """The model, and LiteRT with it, which refuses a spec that contradicts the graph."""
    bundle = read_bundle(path)
    if bundle.cascade is not None:
        raise UsageError(f"{path} is a cascade of two models, which other engines do not know; export each by itself")
    source = Source(bundle, bundle.require_spec(path), path)
    return source, Classifier(bundle, path, threads=1, gate="off")


def _checked(
    classifier: Classifier, target: Target, place: Path, written: Written, request: Request, say: Callable[[str], None]
) -> Comparison:
    """Raises ModelError if too few labels agree."""
    pictures = pictures_of(request.images, request.count, request.seed, classifier.spec.preprocessing)
    if not pictures.real:
        say(f"compared on {len(pictures.pixels)} made-up cells, not on images: give some with --images")
    reference = Reference.of(classifier, pictures)
    found = compare(reference, target.answers(place, written.spec, pictures.pixels))
    _expect(found, found.labels_equal, found.largest_difference, request, "")
    if target.answers_to_files is None or not pictures.real:
        return found
    read = own_reading(reference, target.answers_to_files(place, written.spec, pictures.paths))
    _expect(found, read.labels_equal, read.largest_difference, request, " that it decodes and resizes itself")
    return dataclasses.replace(found, own_reading=read)


def _expect(found: Comparison, equal: int, difference: float, request: Request, how: str) -> None:
    if equal < request.least_agreement * found.images:
        raise ModelError(
            f"{found.engine} gives {equal} of {found.images} {found.pictures}{how} the label that {found.reference} "
            f"gives ({percent(equal / found.images)}); expected at least {percent(request.least_agreement)}. "
            f"Probabilities differ by up to {difference:.4f}. Nothing was written"
        )
