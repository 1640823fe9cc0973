"""Leaks: groups of images (same subject or same bytes) on both sides of a split."""

from collections.abc import Sequence

from edgeleuk.data.groups import grouped, subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import LeakError, UsageError
from edgeleuk.text import counted, examples


def refuse_leaks(index: Index, fold: int) -> None:
    """Raise LeakError if a group lies on two sides of training, validation and test of this fold.

    Raises UsageError if the index has no such fold.
    """
    if not 0 <= fold < max(index.fold_count, 1):
        raise UsageError(f"fold {fold} of an index with {index.fold_count}; expected 0 to {index.fold_count - 1}")
    used = index.select(lambda image: image.split in ("train", "test"))
    leaking = [group for group in grouped(used) if len({_side(image, fold) for image in group}) > 1]
    if leaking:
        named = examples([_crossing(group, fold) for group in leaking], 5, "; ")
        raise LeakError(
            f"{counted(len(leaking), 'group')} of images with the same subject or the same bytes on two sides "
            f"of fold {fold}: {named}; deal the folds again with 'edgeleuk data split'"
        )


def group_name(group: Sequence[ImageRecord]) -> str:
    """The subjects of a group, or some of its paths if none is known."""
    return " = ".join(subjects_of(group)) or examples([image.path for image in group], 2)


def _side(image: ImageRecord, fold: int) -> str:
    if image.split == "test":
        return "test"
    return "validation" if image.fold == fold else "training"


def _crossing(group: Sequence[ImageRecord], fold: int) -> str:
    sides: dict[str, str] = {}
    for image in group:
        sides.setdefault(_side(image, fold), image.path)
    return f"{group_name(group)} ({', '.join(f'{path} in {side}' for side, path in sorted(sides.items()))})"
