"""Groups that must stay together, images of one subject or with the same pixels (also over others), and their leaks."""

import re
from collections.abc import Iterable, Sequence

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import LeakError, UsageError
from edgeleuk.text import counted, examples

_PARTS = re.compile(r"(\d+)")
_LONGEST = 1000  # digits of a number that is compared as one; int() refuses some thousands


def group_ids(images: Sequence[ImageRecord]) -> list[int]:
    """Group number of each image: connected components of "same subject", "same bytes", "same pixels" and "alike".

    Numbers count from 0 in order of first appearance.
    """
    first: dict[tuple[str, str], int] = {}
    links: list[tuple[int, int]] = []
    for number, image in enumerate(images):
        known = {"hash": image.sha256, "pixels": image.pixels_sha256, "subject": image.subject, "alike": image.alike}
        links += [(first.setdefault((name, value), number), number) for name, value in known.items() if value]
    return connected(len(images), links)


def connected(count: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """The component of each of `count` things with these links, counted from 0 in order of first appearance.

    Disjoint sets with path halving (Tarjan and van Leeuwen 1984, "Worst-case analysis of set union algorithms"), linked
    towards the smaller number: near-linear time.
    """
    parents = list(range(count))
    for one, other in links:
        _join(parents, one, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_root(parents, number), len(numbers)) for number in range(count)]


def grouped(images: Sequence[ImageRecord]) -> list[list[ImageRecord]]:
    """The images of each group, in order of first appearance."""
    groups: list[list[ImageRecord]] = []
    for image, number in zip(images, group_ids(images), strict=True):
        if number == len(groups):
            groups.append([])
        groups[number].append(image)
    return groups


def subjects_of(images: Iterable[ImageRecord]) -> tuple[str, ...]:
    """The subjects of these images, UID_3 before UID_20."""
    return tuple(sorted({image.subject for image in images if image.subject is not None}, key=natural_key))


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sort key that puts UID_3 before UID_20, and numbers before letters."""
    return [(int(part), "") if part.isdecimal() and len(part) < _LONGEST else (-1, part) for part in _PARTS.split(name)]


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def _join(parents: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(parents, one), _root(parents, other)))
    parents[high] = low


def refuse_leaks(index: Index, fold: int) -> None:
    """Raise LeakError if a group lies on two sides of training, validation and test of this fold, or may do so.

    Raises UsageError if the index has no such fold.
    """
    if index.leaks is not None:
        raise LeakError(f"{index.leaks}: this index was dealt to show what that is worth, and nothing else may use it")
    if not 0 <= fold < max(index.fold_count, 1):
        raise UsageError(f"fold {fold} of an index with {index.fold_count}; expected 0 to {index.fold_count - 1}")
    used = index.select(lambda image: image.split in ("train", "test"))
    leaking = [group for group in grouped(used) if len({_side(image, fold) for image in group}) > 1]
    if leaking:
        named = examples([_crossing(group, fold) for group in leaking], 5, "; ")
        raise LeakError(
            f"{counted(len(leaking), 'group')} of images with the same subject or the same pixels on two sides "
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
