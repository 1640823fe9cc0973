"""A split as text for a terminal, and as JSON."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeleuk.data.audit_text import NO_PATIENT_CLAIM
from edgeleuk.data.groups import grouped, subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.layouts.left_out import LeftOut
from edgeleuk.data.split import Move
from edgeleuk.text import counted, printable, table

_KEYS = ("labels", "images", "groups", "subjects")


def index_record(
    index: Index, moves: Sequence[Move], left_out: Sequence[LeftOut], warnings: Sequence[str], path: Path
) -> dict[str, Any]:
    """The same as JSON: counts of each fold and split, what moved, what was left out by kind and reason, sentences."""
    parts = [
        {"name": name} | dict(zip(_KEYS, _counts(images, index.classes), strict=True)) for name, images in _parts(index)
    ]
    return {
        "schema_version": 1,
        "index": str(path),
        "sha256": index.sha256,
        "images": len(index.images),
        "classes": list(index.classes),
        "positive_class": index.positive_class,
        "subjects_known": index.subjects_known,
        "parts": parts,
        "moves": [dataclasses.asdict(move) for move in moves],
        "left_out": [dataclasses.asdict(row) for row in left_out],
        "warnings": list(warnings),
    }


def render_index(index: Index, path: Path) -> str:
    """Images, groups and subjects of each fold and split of an index that was written to path."""
    rows = [_row(name, images, index.classes) for name, images in _parts(index)]
    lines = table([("", *index.classes, "images", "groups", "subjects"), *rows])
    claim = [] if index.subjects_known else [NO_PATIENT_CLAIM]
    return "\n".join(map(printable, [*lines, *claim, f"wrote {path} ({counted(len(index.images), 'image')})"]))


def describe_move(move: Move) -> str:
    """One sentence about images that left their official fold."""
    who = " = ".join(move.subjects) or ", ".join(move.paths[:2])
    moved = f"moved {counted(move.images, 'image')} of {who}"
    if move.source is None or move.target is None:
        return f"{moved} from {'train to validation' if move.source is None else 'validation to train'}"
    return f"{moved} from fold {move.source} to fold {move.target}"


def _parts(index: Index) -> list[tuple[str, Sequence[ImageRecord]]]:
    parts = [(f"fold {fold}", index.validation(fold)) for fold in range(index.fold_count)]
    if index.fold_count == 1:
        parts = [("train", index.training(0)), ("validation", index.validation(0))]
    parts += [("test", index.test()), ("unlabelled", index.select(lambda image: image.split == "unlabelled"))]
    return [(name, images) for name, images in parts if images]


def _counts(images: Sequence[ImageRecord], classes: Sequence[str]) -> tuple[dict[str, int], int, int, int]:
    """Images by class, all images, groups, subjects."""
    labels = {name: sum(image.label == name for image in images) for name in classes}
    return labels, len(images), len(grouped(images)), len(subjects_of(images))


def _row(name: str, images: Sequence[ImageRecord], classes: Sequence[str]) -> tuple[object, ...]:
    labels, total, groups, subjects = _counts(images, classes)
    return name, *labels.values(), total, groups, subjects or "unknown"
