"""The split that a folder came with, train, val and test below it: what is kept of it, and what leaks across it."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence

from edgeleuk.data.groups import group_name, grouped
from edgeleuk.data.index import ImageRecord
from edgeleuk.data.scan import Scan
from edgeleuk.errors import LeakError
from edgeleuk.text import counted, examples

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_MEND = "'edgeleuk data split --official' keeps the split and moves such groups whole, '--redeal' deals all images anew"


def part_name(image: ImageRecord, given: Collection[str]) -> str:
    """The part of the given split that an image is in: "train", "validation", "test" or "unlabelled"."""
    held_out = image.split == "train" and image.fold is not None and VALIDATION in given
    return VALIDATION if held_out else image.split


def crossing_groups(scan: Scan) -> list[list[ImageRecord]]:
    """Groups, of one subject or with the same bytes or pixels, that lie in several parts of the given split."""
    if not scan.given:
        return []
    used = [image for image in scan.images if image.split != "unlabelled"]
    return [group for group in grouped(used) if len({part_name(image, scan.given) for image in group}) > 1]


def given_problems(scan: Scan) -> list[str]:
    """Sentences on what is wrong with the given split: leaks between its parts, classes that a part lacks."""
    groups = crossing_groups(scan)
    return [*([_leaks(scan, groups)] if groups else []), *missing_classes(scan)]


def kept_split(scan: Scan) -> list[str]:
    """A sentence on what becomes of the given split; none if there is none."""
    if not scan.given:
        return []
    counts = Counter(part_name(image, scan.given) for image in scan.images)
    parts = [part for part in (*scan.given, "unlabelled") if counts[part]]
    told = ", ".join(f"{part} {counts[part]:,}" for part in parts)
    folds = "validation is the one fold" if VALIDATION in scan.given else "train is dealt to folds"
    return [f"the given split is kept ({told}): {folds}{', test stays test' if TEST in scan.given else ''}"]


def folds_dealt_anew(scan: Scan) -> list[str]:
    """A sentence on folds that the images came in, where they are dealt anew; none if there are none."""
    folds = {image.fold for image in scan.images if image.split == "train" and image.fold is not None}
    if not folds or VALIDATION in scan.given:
        return []
    which = f"the {counted(len(folds), 'fold')} that the images came in"
    return [f"{which} are dealt anew; 'edgeleuk data split --official' keeps them"]


def _leaks(scan: Scan, groups: Sequence[Sequence[ImageRecord]]) -> str:
    """One sentence on groups that lie in several parts, with how to mend it."""
    images = sum(map(len, groups))
    named = examples([_where(group, scan.given) for group in groups], 3, "; ")
    return (
        f"the given split leaks: {counted(len(groups), 'group')} of images with the same subject or the same pixels "
        f"({counted(images, 'image')}) in several of its parts: {named}; {_MEND}"
    )


def refuse_given_leaks(scan: Scan) -> None:
    """Raise LeakError if the parts of the given split share a subject or bytes."""
    groups = crossing_groups(scan)
    if groups:
        raise LeakError(f"{scan.root}: {_leaks(scan, groups)}")


def without_given(scan: Scan) -> Scan:
    """The scan as if its images had come in one part; images without a label stay apart."""
    images = tuple(
        image if image.split == "unlabelled" else dataclasses.replace(image, split="train", fold=None)
        for image in scan.images
    )
    return dataclasses.replace(scan, images=images, given=())


def in_one_part(group: Sequence[ImageRecord]) -> list[ImageRecord]:
    """The images of a training group, all in the part, training or validation, where most of them are."""
    counts = Counter(part_name(image, (VALIDATION,)) for image in group)
    fold = 0 if counts[VALIDATION] > counts[TRAIN] else None
    return [image if image.fold == fold else dataclasses.replace(image, fold=fold) for image in group]


def missing_classes(scan: Scan) -> list[str]:
    """A sentence on each part of the given split that lacks a class that others have."""
    found = {(part_name(image, scan.given), image.label) for image in scan.images}
    told = []
    for part in scan.given:
        missing = [name for name in scan.classes if (part, name) not in found]
        if missing and len(missing) < len(scan.classes):
            told.append(f"the part '{part}' holds no image of class {', '.join(missing)}")
    return told


def _where(group: Sequence[ImageRecord], given: Collection[str]) -> str:
    first: dict[str, str] = {}
    for image in group:
        first.setdefault(part_name(image, given), image.path)
    return f"{group_name(group)} ({', '.join(f'{path} in {part}' for part, path in first.items())})"
