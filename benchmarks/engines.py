"""A model file in other engines: labels beside LiteRT's, differences of probabilities, and times, a row an engine.

Each engine is asked as `edgeleuk export` asks it; one whose package is not installed is named and left out. Without a
model that is tiny-75, int8 and with random weights, on drawings of cells.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Figure, finish, parser, positive, progress
from benchmarks.models import SHAPES, model_path
from edgeleuk.data.split import open_images
from edgeleuk.errors import EdgeleukError, MissingPackageError
from edgeleuk.export.comparison import Comparison
from edgeleuk.export.exporting import Request, export
from edgeleuk.export.targets import MODULES, target_of

BAR = 0.99


def main(line: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    given = _arguments(line)
    images = None if given.images is None else open_images(given.images)
    models = given.models or [model_path(SHAPES["tiny-75"], "int8")]
    request = Request(images, given.count, least_agreement=0.0)
    figures, rows, failed = [], [], 0
    for model in models:
        for name in given.engines or MODULES:
            progress(f"{model.name}: {name}")
            try:
                found = _asked(model, name, request)
            except MissingPackageError as error:
                rows.append(f"{name}, {model.name}: left out, {error}")
            except EdgeleukError as error:
                rows.append(f"{name}, {model.name}: {error}")
                failed += 1
            else:
                figures += _figures(f"{name}, {model.name}", found)
                rows.append(f"{name}, {model.name}: {found.engine}, {found.pictures}; {_notes(found)}")
    figures.append(Figure("engines that failed", failed, "", bar=0))
    print("\n".join(rows))
    given.models = [str(model) for model in models]
    return finish("engines", figures, given, rows=rows)


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite", help="model files")
    made.add_argument(
        "--images", type=Path, metavar="INDEX_OR_DIR", help="images to ask about, in the place of drawings"
    )
    made.add_argument("--count", type=positive, default=200, help="how many of them")
    made.add_argument("--engines", nargs="+", choices=list(MODULES), help="only these")
    return made.parse_args(line)


def _asked(model: Path, name: str, request: Request) -> Comparison:
    """What came of exporting to a folder that is thrown away."""
    target = target_of(name)
    with tempfile.TemporaryDirectory(prefix="edgeleuk-engines-") as folder:
        found = export(model, target, Path(folder) / f"out{target.suffix or ''}", request).comparison
    assert found is not None
    return found


def _figures(what: str, found: Comparison) -> list[Figure]:
    made = [
        Figure(f"{what}: labels equal of {found.images}", found.label_agreement, "", BAR, at_least=True),
        Figure(f"{what}: largest difference", found.largest_difference, ""),
    ]
    if found.engine_ms is not None:
        made.append(Figure(f"{what}: inference", found.engine_ms, "ms"))
        made.append(Figure(f"{what}: inference in {found.reference}", found.reference_ms, "ms"))
    return made


def _notes(found: Comparison) -> str:
    return "; ".join(found.facts.get("notes", ())) or "no notes"


if __name__ == "__main__":
    raise SystemExit(main())
