"""A split as text for a terminal."""

from collections.abc import Sequence
from pathlib import Path

from edgeleuk.data.audit_text import NO_PATIENT_CLAIM, table
from edgeleuk.data.groups import grouped, subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.layout import counted
from edgeleuk.data.split import Move


def render_index(index: Index, path: Path) -> str:
    """Images, groups and subjects of each fold and split of an index that was written to path."""
    parts = [(f"fold {fold}", index.validation(fold)) for fold in range(index.fold_count)]
    parts += [("test", index.test()), ("unlabelled", index.select(lambda image: image.split == "unlabelled"))]
    rows = [_row(name, images, index.classes) for name, images in parts if images]
    lines = table(("", *index.classes, "images", "groups", "subjects"), rows)
    claim = [] if index.subjects_known else [NO_PATIENT_CLAIM]
    return "\n".join([*lines, *claim, f"wrote {path} ({counted(len(index.images), 'image')})"])


def describe_move(move: Move) -> str:
    """One sentence about images that left their official fold."""
    who = " = ".join(move.subjects) or ", ".join(move.paths[:2])
    return f"moved {counted(move.images, 'image')} of {who} from fold {move.source} to fold {move.target}"


def _row(name: str, images: Sequence[ImageRecord], classes: Sequence[str]) -> tuple[object, ...]:
    labels = [sum(image.label == label for image in images) for label in classes]
    return name, *labels, len(images), len(grouped(images)), len(subjects_of(images)) or "unknown"
