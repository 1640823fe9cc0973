"""White cells found in whole fields: recall and precision of boxes (IoU >= 0.5), and time on one core.

`--bccd DIR`: pictures with boxes as Pascal VOC, of BCCD (https://github.com/Shenggan/BCCD_Dataset), below DIR. The
numbers in `edgeleuk.fields` were chosen on its even-numbered pictures, so that what counts are the odd ones. Its boxes
have errors: two pictures have none, some cells that the border cuts are not boxed. Without it, made-up fields.
`--count DIR --pictures FOLDER`: fields without boxes; counts, and pictures with boxes for a person to look at.
"""

import argparse
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, finish, median_figure, parser, positive, progress
from edgeleuk.data.layouts.voc import read_boxes
from edgeleuk.data.synthetic.field import Placed, draw_field
from edgeleuk.data.synthetic.synth import random_slide
from edgeleuk.fields.answers import FieldResult
from edgeleuk.fields.finder import find_cells
from edgeleuk.fields.formats.picture import field_picture
from edgeleuk.fields.opencv import opencv
from edgeleuk.runtime.images import decode_image
from edgeleuk.sources.files import named_images

RECALL, PRECISION, MEDIAN_MS = 0.95, 0.90, 60.0
_SAME = 0.5
_TIMED = 640, 480
_MADE = 40

Box = tuple[int, int, int, int]


class Truth(NamedTuple):
    """A field, its white cells' boxes, and those of others by name."""

    name: str
    pixels: NDArray[np.uint8]
    white: tuple[Box, ...]
    others: tuple[tuple[str, Box], ...] = ()


class Matched(NamedTuple):
    """Boxes of some fields: right, found but no cell, not found; IoU of the right ones; what went wrong how often."""

    right: int
    wrong: int
    missed: int
    overlaps: tuple[float, ...]
    errors: Counter[str]

    @property
    def recall(self) -> float:
        """Share of the cells that were found."""
        return self.right / max(1, self.right + self.missed)

    @property
    def precision(self) -> float:
        """Share of what was found that is a cell."""
        return self.right / max(1, self.right + self.wrong)


def main() -> int:
    """Measure; returns the exit code."""
    made = parser(__doc__)
    made.add_argument("--bccd", type=Path, metavar="DIR", help="pictures and XML files of BCCD")
    made.add_argument("--count", type=Path, metavar="DIR", help="fields without boxes, counted")
    made.add_argument("--pictures", type=Path, metavar="FOLDER", help="write the counted fields with boxes here")
    made.add_argument("--limit", type=positive, default=50, help="fields of --count, spread over the folder")
    made.add_argument("--rounds", type=positive, default=3, help="times that each field is searched, for the time")
    arguments = made.parse_args()
    _use_one_core()
    figures = list(_count(arguments)) if arguments.count else list(_measure(arguments))
    return finish("fields", figures, arguments)


def _use_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    opencv().setNumThreads(1)


def _measure(arguments: argparse.Namespace) -> Iterator[Figure]:
    truths = _bccd(arguments.bccd) if arguments.bccd else [_made(seed) for seed in range(_MADE)]
    parts = {"all": truths}
    if arguments.bccd:
        parts["odd, not tuned on"] = [each for each in truths if _number(each.name) % 2]
        parts["even, tuned on"] = [each for each in truths if not _number(each.name) % 2]
    for part, chosen in parts.items():
        barred = not part.startswith("even")
        yield from _accuracy(part, chosen, barred)
    yield from _latency([each for each in truths if each.pixels.shape[1::-1] == _TIMED], arguments.rounds)


def _accuracy(part: str, truths: Sequence[Truth], barred: bool) -> Iterator[Figure]:
    found = matched(truths)
    yield Figure(f"{part}: fields", len(truths), "")
    yield Figure(f"{part}: white cells", found.right + found.missed, "")
    yield Figure(f"{part}: recall", found.recall, "", RECALL if barred else None, at_least=True)
    yield Figure(f"{part}: precision", found.precision, "", PRECISION if barred else None, at_least=True)
    yield Figure(f"{part}: mean IoU of the right ones", float(np.mean(found.overlaps)), "")
    for error, count in found.errors.most_common():
        yield Figure(f"{part}: {error}", count, "")


def _latency(truths: Sequence[Truth], rounds: int) -> Iterator[Figure]:
    """By the clock, and by processor time, which others on the machine change less."""
    find_cells(truths[0].pixels)
    elapsed, used = [], []
    for each in [truth for _ in range(rounds) for truth in truths]:
        begun, begun_used = time.perf_counter(), time.process_time()
        find_cells(each.pixels)
        elapsed.append(1000 * (time.perf_counter() - begun))
        used.append(1000 * (time.process_time() - begun_used))
    yield median_figure("640x480 on one core", elapsed, "ms", MEDIAN_MS)
    yield median_figure("640x480, processor time", used, "ms")


def matched(truths: Sequence[Truth]) -> Matched:
    """What is found in these fields against their boxes; pairs of greatest IoU first, each box in one pair."""
    right = wrong = missed = 0
    overlaps: list[float] = []
    errors: Counter[str] = Counter()
    for truth in truths:
        found = [cell.box for cell in find_cells(truth.pixels).cells]
        ious = np.array([[iou(one, other) for other in truth.white] for one in found]).reshape(len(found), -1)
        pairs = _pairs(ious)
        overlaps += [float(ious[pair]) for pair in pairs]
        lone = [n for n in range(len(found)) if n not in {one for one, _ in pairs}]
        lost = [n for n in range(len(truth.white)) if n not in {other for _, other in pairs}]
        right, wrong, missed = right + len(pairs), wrong + len(lone), missed + len(lost)
        errors.update(_wrong_kind(found[n], truth) for n in lone)
        errors.update(_missed_kind(truth.white[n], found) for n in lost)
        if lone or lost:
            progress(f"{truth.name}: {len(lone)} wrong, {len(lost)} missed")
    return Matched(right, wrong, missed, tuple(overlaps), errors)


def _pairs(ious: NDArray[np.float64]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for one, other in zip(*np.unravel_index(np.argsort(-ious, axis=None), ious.shape), strict=True):
        if ious[one, other] >= _SAME and not any(one == a or other == b for a, b in pairs):
            pairs.append((int(one), int(other)))
    return pairs


def _wrong_kind(box: Box, truth: Truth) -> str:
    if any(covered(box, other) > 0.5 for other in truth.white):
        return "wrong: part of a cell that is boxed once, or a box of IoU < 0.5"
    names = [name for name, other in truth.others if covered(other, box) > 0.5 or covered(box, other) > 0.5]
    return f"wrong: {names[0]}" if names else "wrong: nothing that is boxed"


def _missed_kind(box: Box, found: Sequence[Box]) -> str:
    shares = [covered(box, other) for other in found]
    inner = [covered(other, box) for other in found]
    if sum(share > 0.5 for share in inner) > 1:
        return "missed: split"
    if any(share > 0.8 for share in shares):
        return "missed: joined with what is beside it"
    return "missed: found too small" if any(share > 0.5 for share in inner) else "missed: nothing found"


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    both = _common(one, other)
    return both / (_area(one) + _area(other) - both)


def covered(one: Box, other: Box) -> float:
    """The share of `one` that lies in `other`."""
    return _common(one, other) / max(1, _area(one))


def _common(one: Box, other: Box) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _bccd(folder: Path) -> list[Truth]:
    files = {path.stem: path for path in folder.rglob("*.xml")}
    truths = []
    for path in sorted(each for batch in named_images([str(folder)]) for each in batch):
        if path.stem in files:
            boxes = [
                (box.label, (box.left, box.top, box.right, box.bottom)) for box in read_boxes(files[path.stem]).boxes
            ]
            white = tuple(box for name, box in boxes if name == "WBC")
            others = tuple((name, box) for name, box in boxes if name != "WBC")
            truths.append(Truth(path.stem, np.asarray(decode_image(path), np.uint8), white, others))
    if not truths:
        raise SystemExit(f"{folder} holds no pictures with XML files of the same name")
    return truths


def _made(seed: int) -> Truth:
    """Four to eight cells, two of which touch, at 640x480."""
    rng = np.random.default_rng([seed, 7])
    diameter = rng.uniform(70, 110)
    grid = [(x, y) for x in (110, 320, 530) for y in (120, 360)]
    rng.shuffle(grid)
    middles = [(x + rng.uniform(-15, 15), y + rng.uniform(-15, 15)) for x, y in grid[: rng.integers(3, 7)]]
    x, y = middles[0]
    turn = rng.uniform(0, 2 * np.pi)
    middles.append((x + 0.95 * diameter * np.cos(turn), y + 0.95 * diameter * np.sin(turn)))
    cells = [Placed(x, y, diameter * rng.uniform(0.9, 1.1)) for x, y in middles]
    field = draw_field(_TIMED, cells, random_slide(rng, rng), rng)
    return Truth(f"made {seed}", field.pixels, field.boxes)


def _number(name: str) -> int:
    digits = re.findall(r"\d+", name)
    return int(digits[-1]) if digits else 0


def _count(arguments: argparse.Namespace) -> Iterator[Figure]:
    paths = [path for batch in named_images([str(arguments.count)]) for path in batch]
    chosen = paths[:: max(1, len(paths) // arguments.limit)][: arguments.limit]
    counts: list[int] = []
    for number, path in enumerate(chosen, 1):
        field = decode_image(path)
        result = FieldResult.of_found(path.name, find_cells(np.asarray(field, np.uint8)))
        counts.append(len(result.cells))
        if arguments.pictures is not None:
            arguments.pictures.mkdir(parents=True, exist_ok=True)
            field_picture(field, result).save(arguments.pictures / f"{number:03d}-{path.stem}.png")
    yield Figure("fields", len(counts), "")
    yield Figure("cells", sum(counts), "")
    yield Figure("fields without a cell", counts.count(0), "")
    yield median_figure("cells a field", counts, "")


if __name__ == "__main__":
    raise SystemExit(main())
