"""Answers: label, scores and network input of each picture, to the bit those of the earlier build."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.models import SEED_0, SEED_1, found_model
from benchmarks.before_after.options import Options
from benchmarks.before_after.pictures import CELL, FRAME, KINDS, picture
from benchmarks.before_after.processes import Command, run
from benchmarks.models import write_images
from edgeleuk.sources.names import is_image_name

_MOST, _FEW = 1_000, 8
_SCRIPT = Path(__file__).with_name("answers_script.py")


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Of every model how many pictures are answered alike; the bar is all of them."""
    images = chosen(options)
    listed = options.scratch / "images.json"
    listed.write_text(json.dumps([str(path) for path in images]))
    for model in options.model or [found_model(name, cache=options.cache) for name in (SEED_0, SEED_1)]:
        earlier, later = (_answers(build, model, listed) for build in (before, now))
        unequal = [path for path, *pair in zip(images, earlier, later, strict=True) if pair[0] != pair[1]]
        for path in unequal[:3]:
            print(f"  {path}: answered otherwise than before")
        equal, count = float(len(images) - len(unequal)), float(len(images))
        title = f"answers {model.stem}: equal pictures"
        yield Comparison(0, title, "", (), (equal,), 1.0, at_least=True, peer=(count,))


def chosen(options: Options) -> list[Path]:
    """At most 1,000 pictures, evenly from the folder given; else synthetic cells, and each kind and size of file."""
    if options.images is None:
        cells = write_images(options.scratch / "answers", 2 if options.quick else 20)
        files = [picture(kind, size, options.scratch, options.cache) for size in (CELL, FRAME) for kind in KINDS]
        return files + cells
    found = sorted(path for path in options.images.rglob("*") if path.is_file() and is_image_name(path.name))
    if not found:
        raise SystemExit(f"{options.images}: no images")
    return evenly(found, _FEW if options.quick else _MOST)


def evenly(paths: Sequence[Path], most: int) -> list[Path]:
    """At most so many, from all over the list."""
    count = min(most, len(paths))
    return [paths[place * len(paths) // count] for place in range(count)]


def _answers(build: Build, model: Path, listed: Path) -> list[object]:
    line = [str(build.python), str(_SCRIPT), str(model), str(listed)]
    found: list[object] = json.loads(run(Command(line, build.environment())).output)
    return found
