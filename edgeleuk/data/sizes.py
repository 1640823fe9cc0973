"""The size of pictures class by class: where it differs, a network may learn the size instead of the cell."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.scan import Scan
from edgeleuk.errors import DataError, ImageError
from edgeleuk.runtime.images import image_size
from edgeleuk.text import examples

Size = tuple[int, int]
_LOOKED_AT = 200  # images, spread over the classes
_APART = 1.2  # between medians; cells that were cut out one by one differ in size within a class as well
_UNIFORM, _HELD = 0.8, 0.9


def sizes_of(index: Index, images: Sequence[ImageRecord]) -> dict[str, list[Size]]:
    """Width and height in px of some 200 images by class, spread over each. Raises DataError if none can be read."""
    by_class: dict[str, list[ImageRecord]] = {}
    for image in images:
        if image.label is not None:
            by_class.setdefault(image.label, []).append(image)
    found = {label: _read(index, _spread(own, _LOOKED_AT // len(by_class) or 1)) for label, own in by_class.items()}
    if not any(found.values()):
        raise DataError(f"none of the images looked at below {index.root} can be read")
    return {label: sizes for label, sizes in found.items() if sizes}


def crop_side(sizes: Mapping[str, Sequence[Size]]) -> int:
    """The larger side in pixels that pictures usually have, of the class in which it is largest: none is cut by it.

    Usual is what most pictures of a class have; if they differ, what holds nine in ten of them.
    """
    return max(_usual([max(size) for size in own]) for own in sizes.values())


def scanned_sizes(scan: Scan) -> dict[str, list[Size]]:
    """Width and height in pixels of the images of each class; empty without pixels."""
    found: dict[str, list[Size]] = {}
    for image in scan.images:
        if image.label is not None and image.path in scan.formats:
            width, _, height = scan.formats[image.path].split()[0].partition("x")
            found.setdefault(image.label, []).append((int(width), int(height)))
    return found


def size_problems(sizes: Mapping[str, Sequence[Size]]) -> list[str]:
    """A sentence on classes whose pictures differ in size; none if they do not."""
    if len(sizes) < 2 or not _differ(sizes):
        return []
    usual = examples([f"{label} {_told(own)}" for label, own in sorted(sizes.items())], 8)
    return [
        f"classes differ in picture size: {usual}; a network may learn the size instead of the cell. Cut the pictures "
        "of all classes to one size at one scale; 'edgeleuk data audit --shortcuts' says how far size alone goes"
    ]


def _differ(sizes: Mapping[str, Sequence[Size]]) -> bool:
    medians = [_median(own) for own in sizes.values()]
    apart = any(max(side) >= _APART * min(side) for side in zip(*medians, strict=True))
    common = [Counter(own).most_common(1)[0] for own in sizes.values()]
    uniform = all(count >= _UNIFORM * len(own) for (_, count), own in zip(common, sizes.values(), strict=True))
    return apart or (uniform and len({size for size, _ in common}) > 1)


def _told(sizes: Sequence[Size]) -> str:
    width, height = _median(sizes)
    told = f"{width} px" if width == height else f"{width}x{height} px"
    return told if len(set(sizes)) == 1 else f"about {told}"


def _median(sizes: Sequence[Size]) -> Size:
    widths, heights = (sorted(side) for side in zip(*sizes, strict=True))
    return widths[len(widths) // 2], heights[len(heights) // 2]


def _usual(sides: Sequence[int]) -> int:
    side, count = Counter(sides).most_common(1)[0]
    return side if 2 * count >= len(sides) else sorted(sides)[math.ceil(_HELD * len(sides)) - 1]


def _spread(images: Sequence[ImageRecord], most: int) -> list[ImageRecord]:
    return [images[i * len(images) // most] for i in range(most)] if len(images) > most else list(images)


def _read(index: Index, images: Sequence[ImageRecord]) -> list[Size]:
    found = []
    for image in images:
        try:
            found.append(image_size(index.path_of(image)))
        except ImageError:
            continue  # reported by name when the images are checked
    return found
