"""Single cells cut from pictures in which boxes mark them: one square crop a box, in a folder of its class.

All crops have the same side, so that a larger cell is larger in its picture, too. Cells of one picture share its name
as their subject in subjects.csv: dealt apart, they would leak.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from edgeleuk.data.layouts.class_folders import SUBJECTS_CSV
from edgeleuk.data.layouts.voc import Box, Boxes, has_boxes, read_boxes
from edgeleuk.data.pixels import Progress, list_images
from edgeleuk.errors import DataError, UsageError, reading_what_was_named
from edgeleuk.files import whole_folder, write_text
from edgeleuk.runtime.images import decode_image
from edgeleuk.safe_csv import csv_text
from edgeleuk.text import counted, examples, suggestion

LARGEST_SIDE = 4096
_LEAST_SIDE = 8
_SHARE = 0.9  # of the cells whose box and margin the default side holds


@dataclass(frozen=True)
class CropSettings:
    """What to cut: these classes, () for all; `margin` on each side as a share of a box's longer side, and the side.

    `side_px` None is such that 9 of 10 boxes with their margin fit. Raises UsageError for values out of range.
    """

    classes: tuple[str, ...] = ()
    margin: float = 0.1
    side_px: int | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for values out of range."""
        if not (math.isfinite(self.margin) and 0 <= self.margin <= 2):
            raise UsageError(f"the margin is {self.margin}; expected a share of 0 to 2")
        if self.side_px is not None and not _LEAST_SIDE <= self.side_px <= LARGEST_SIDE:
            raise UsageError(f"the side is {self.side_px} px; expected {_LEAST_SIDE} to {LARGEST_SIDE:,}")


@dataclass(frozen=True)
class Cropped:
    """What was cut: how many of each class from how many pictures, the side in pixels, and sentences on the rest."""

    counts: dict[str, int]
    pictures: int
    side_px: int
    problems: tuple[str, ...]


def crop_boxes(source: Path, out: Path, settings: CropSettings, progress: Progress | None = None) -> Cropped:
    """Cut the boxed cells of the pictures below `source` into the new folder `out`: <class>/<picture>_<n>.png.

    A crop that would reach over the picture's border is moved inside; a picture smaller than the side is refused.
    Raises DataError if there are no boxes, or files that are none; UsageError for a class that no box has; OutputError.
    """
    pairs, problems = _pairs(source)
    chosen = _chosen(source, pairs, settings.classes)
    side = settings.side_px or _usual_side(chosen, settings.margin)
    counts: Counter[str] = Counter()
    rows = [["path", "subject"]]
    with whole_folder(out) as partial:
        for number, (picture, boxes) in enumerate(chosen.items(), start=1):
            subject = PurePosixPath(picture).stem  # no two have the same
            for path, crop in _crops(source / picture, subject, boxes, side):
                (partial / path).parent.mkdir(exist_ok=True)
                crop.save(partial / path)
                rows.append([path, subject])
                counts[path.partition("/")[0]] += 1
            if progress is not None:
                progress(number, len(chosen))
        write_text(partial / SUBJECTS_CSV, csv_text(rows))
    return Cropped(dict(sorted(counts.items())), len(chosen), side, tuple(problems))


@reading_what_was_named()
def _pairs(source: Path) -> tuple[dict[str, Boxes], list[str]]:
    """The boxes of each picture by its path below source, and sentences on pictures and files without the other."""
    if not source.is_dir():
        raise UsageError(f"{source} is no folder; expected one of pictures and XML files of their boxes")
    try:
        listing = list_images(source)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}") from error
    files = [path for path, _ in listing.others if has_boxes([path])]
    if not files:
        raise DataError(f"{source} holds no XML file; expected one of boxes (Pascal VOC) for each picture")
    by_stem: dict[str, list[str]] = defaultdict(list)
    for entry in listing.entries:
        by_stem[PurePosixPath(entry.path).stem].append(entry.path)
    pairs: dict[str, Boxes] = {}
    alone: list[str] = []
    for file in files:
        found = by_stem.get(PurePosixPath(file).stem, [])
        if len(found) > 1:
            raise DataError(f"{source}: {file} is the file of {examples(found)}; expected one picture of that name")
        if found and found[0] in pairs:
            raise DataError(f"{source}: two XML files have the name of {found[0]}; keep one")
        if found:
            pairs[found[0]] = read_boxes(source / file)
        else:
            alone.append(file)
    bare = [entry.path for entry in listing.entries if entry.path not in pairs]
    problems = [
        *(
            [f"{counted(len(alone), 'XML file')} without a picture of the same name: {examples(alone)}"]
            if alone
            else []
        ),
        *([f"{counted(len(bare), 'picture')} without an XML file of the same name: {examples(bare)}"] if bare else []),
    ]
    empty = {picture: boxes.empty for picture, boxes in pairs.items() if boxes.empty}
    if empty:
        problems.append(
            f"{counted(sum(empty.values()), 'object')} whose box has no area left out: {examples(list(empty))}"
        )
    if not pairs:
        raise DataError(f"{source}: {'; '.join(problems)}; expected pictures and XML files of the same names")
    return pairs, problems


def _chosen(source: Path, pairs: dict[str, Boxes], classes: Sequence[str]) -> dict[str, list[Box]]:
    known = sorted({box.label for boxes in pairs.values() for box in boxes.boxes})
    if not known:
        raise DataError(f"the XML files below {source} hold no box")
    for name in classes:
        if name not in known:
            raise UsageError(f"'{name}' is not the class of a box below {source}{suggestion(name, known)}")
    wanted = classes or known
    return {
        picture: own
        for picture, boxes in sorted(pairs.items())
        if (own := [box for box in boxes.boxes if box.label in wanted])
    }


def _usual_side(chosen: dict[str, list[Box]], margin: float) -> int:
    sides = sorted(box.side for boxes in chosen.values() for box in boxes)
    usual = sides[math.ceil(_SHARE * len(sides)) - 1]
    return min(max(_LEAST_SIDE, round(usual * (1 + 2 * margin))), LARGEST_SIDE)


def _crops(picture: Path, subject: str, boxes: Sequence[Box], side: int) -> Iterator[tuple[str, Image.Image]]:
    image = decode_image(picture)
    if min(image.size) < side:
        raise DataError(
            f"{picture} has {image.width}x{image.height} px, less than a crop of {side}; give a smaller --side"
        )
    for number, box in enumerate(boxes):
        if box.left >= image.width or box.top >= image.height or box.right <= 0 or box.bottom <= 0:
            raise DataError(
                f"{picture} has {image.width}x{image.height} px, and the box of a {box.label} lies outside, from "
                f"{box.left}, {box.top} to {box.right}, {box.bottom}; are the boxes those of this picture?"
            )
        left = _inside((box.left + box.right - side) // 2, image.width - side)
        top = _inside((box.top + box.bottom - side) // 2, image.height - side)
        yield f"{box.label}/{subject}_{number:03}.png", image.crop((left, top, left + side, top + side))


def _inside(start: int, last: int) -> int:
    return min(max(start, 0), last)
