"""The audit: what a scan holds by class, fold, split and subject, which files are copies, and what forbids training."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.data.duplicates import (
    DuplicatePairs,
    DuplicateSet,
    copies,
    count_pairs,
    duplicate_set,
    merged_subjects,
)
from edgeleuk.data.given import VALIDATION, given_problems, part_name
from edgeleuk.data.groups import natural_key
from edgeleuk.data.index import ImageRecord
from edgeleuk.data.label_names import near_classes, one_class
from edgeleuk.data.layouts.left_out import LeftOut
from edgeleuk.data.near import NEAR_BITS, NearCopies, near_copies, near_problems
from edgeleuk.data.scan import Scan
from edgeleuk.data.sizes import scanned_sizes, size_problems
from edgeleuk.text import counted, examples

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Part:
    """One class, fold, split or subject: usable images, files that do not decode, images with a copy, 'WxH mode'."""

    name: str
    images: int
    unreadable: int
    with_copies: int
    formats: dict[str, int]


@dataclass(frozen=True)
class AuditReport:
    """Everything an audit finds. `errors` forbid training; `problems` should be known; `notes` say how it was read."""

    root: str
    layout: str
    classes: tuple[str, ...]
    positive_class: str | None
    subjects_known: bool
    images: int
    ignored_files: int
    left_out: tuple[LeftOut, ...]
    by_class: tuple[Part, ...]
    by_fold: tuple[Part, ...]
    by_split: tuple[Part, ...]
    by_subject: tuple[Part, ...]
    unreadable: dict[str, str]
    duplicate_pairs: DuplicatePairs
    duplicates: tuple[DuplicateSet, ...]
    merged_subjects: tuple[tuple[str, ...], ...]
    problems: tuple[str, ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...] = ()
    near: NearCopies | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the version of this schema."""
        return {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}


def audit(scan: Scan, near_bits: int = NEAR_BITS) -> AuditReport:
    """Audit a scan; never raises for what it finds. Near copies are at most `near_bits` of 256 bits apart."""
    same = copies(scan.images)
    sets = tuple(duplicate_set(group) for group in same)
    copied = {path for entry in sets for path in entry.paths}

    def parts(key: Callable[[ImageRecord], str | None]) -> tuple[Part, ...]:
        return _parts(scan, copied, key)

    return AuditReport(
        root=str(scan.root),
        layout=scan.layout,
        classes=scan.classes,
        positive_class=scan.positive_class,
        subjects_known=scan.subjects_known,
        images=len(scan.images),
        ignored_files=scan.ignored_files,
        left_out=scan.left_out,
        by_class=parts(lambda image: image.label),
        by_fold=() if VALIDATION in scan.given else parts(_fold_name),
        by_split=parts(lambda image: part_name(image, scan.given)),
        by_subject=parts(lambda image: image.subject),
        unreadable={bad.image.path: bad.reason for bad in scan.unreadable},
        duplicate_pairs=count_pairs(_with_parts(scan, same)),
        duplicates=sets,
        merged_subjects=merged_subjects(scan.images),
        problems=(
            *scan.problems,
            *_class_problems(scan),
            *size_problems(scanned_sizes(scan)),
            *near_problems(scan),
            *given_problems(scan),
            *scan.remarks,
        ),
        errors=(*_nothing_usable(scan), *label_conflicts(sets)),
        notes=scan.notes,
        near=near_copies(scan, near_bits),
    )


def _with_parts(scan: Scan, sets: list[list[ImageRecord]]) -> list[list[ImageRecord]]:
    """The images with their part of the given split as their split, so that pairs are counted across parts."""
    if VALIDATION not in scan.given:
        return sets
    return [
        [dataclasses.replace(image, split=part_name(image, scan.given), fold=None) for image in same] for same in sets
    ]


def _fold_name(image: ImageRecord) -> str | None:
    return None if image.fold is None else str(image.fold)


def label_conflicts(sets: Sequence[DuplicateSet]) -> list[str]:
    """One sentence about copies with two labels; none if there are no such copies."""
    conflicts = [entry for entry in sets if len(entry.labels) > 1]
    if not conflicts:
        return []
    named = examples([f"{' = '.join(entry.paths[:4])} ({' / '.join(entry.labels)})" for entry in conflicts])
    return [
        f"{counted(len(conflicts), 'image')} with copies under two labels: {named}; "
        "one of the labels is wrong: remove that copy"
    ]


def _nothing_usable(scan: Scan) -> list[str]:
    if scan.images:
        return []
    return [f"none of {counted(len(scan.unreadable), 'image')} below {scan.root} can be used; restore the files"]


def _class_problems(scan: Scan) -> list[str]:
    present = {image.label for image in scan.images}
    missing = [name for name in scan.classes if name not in present]
    problems = [f"no usable image of class {', '.join(missing)}"] if missing else []
    if len(scan.classes) == 1:
        problems.append(f"only one class, {one_class(scan.classes)}")
    return [*problems, *near_classes(scan.classes)]


def _parts(scan: Scan, copied: set[str], key: Callable[[ImageRecord], str | None]) -> tuple[Part, ...]:
    images: Counter[str] = Counter()
    with_copies: Counter[str] = Counter()
    formats: dict[str, Counter[str]] = {}
    for image in scan.images:
        name = key(image)
        if name is not None:
            images[name] += 1
            with_copies[name] += image.path in copied
            if image.path in scan.formats:
                formats.setdefault(name, Counter())[scan.formats[image.path]] += 1
    unreadable = Counter(name for bad in scan.unreadable if (name := key(bad.image)) is not None)
    names = sorted({*images, *unreadable}, key=natural_key)
    return tuple(
        Part(name, images[name], unreadable[name], with_copies[name], dict(formats.get(name, {}))) for name in names
    )
