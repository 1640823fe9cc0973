"""From a scan to an index whose folds do not leak: groups, not images, are dealt."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.data.deal import deal
from edgeleuk.data.groups import subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.scan import Scan, scan
from edgeleuk.data.sides import expect_every_class, expect_groups, hold_out, left_out, sides
from edgeleuk.errors import UsageError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Move:
    """Images of one group that went from one official fold to another, to where most of the group lies."""

    subjects: tuple[str, ...]
    source: int
    target: int
    images: int
    paths: tuple[str, ...]


def make_folds(scan: Scan, folds: int = 3, seed: int = 0, test_fraction: float = 0.0) -> Index:
    """Deal the training groups to folds, stratified by class; the same scan and seed give the same index.

    A group is never divided. `test_fraction` of every class is held out first, in whole groups, as split "test".
    Training images that share a subject or bytes with the layout's own test set are left out (see `left_out`).
    Raises UsageError for values out of range; DataError if there is one class only, copies have two labels, or
    a class has fewer groups than folds.
    """
    if folds < 2:
        raise UsageError(f"folds is {folds}; expected 2 or more")
    if not 0 <= test_fraction < 1:
        raise UsageError(f"test fraction is {test_fraction}; expected 0 or more and less than 1")
    if not -(2**63) <= seed < 2**63:
        raise UsageError("the seed does not fit into 64 bits; choose a smaller number")
    training, rest = sides(scan)
    if test_fraction:
        training, held_out = hold_out(scan, training, test_fraction, seed)
        rest = [*rest, *(dataclasses.replace(image, split="test", fold=None) for image in held_out)]
    expect_groups(scan, training, folds, f"{folds} folds")
    bins = deal(training, [1 / folds] * folds, seed)
    dealt = [
        dataclasses.replace(image, fold=number) for group, number in zip(training, bins, strict=True) for image in group
    ]
    index = _index(scan, [*dealt, *rest], folds, seed)
    expect_every_class(index)
    return index


def official_folds(scan: Scan) -> tuple[Index, list[Move]]:
    """Keep the folds of the layout, but move each group that lies in several whole to where most of its images are.

    Raises UsageError if the layout has no folds, DataError as `make_folds` does.
    """
    if not any(image.fold is not None for image in scan.images):
        raise UsageError(f"{scan.root} has no official folds: only the C-NMC layout has; leave --official out")
    training, rest = sides(scan)
    expect_groups(scan, training, 1, "training")
    kept: list[ImageRecord] = []
    moves: list[Move] = []
    for group in training:
        sizes = Counter(image.fold for image in group if image.fold is not None)
        target = min(sizes, key=lambda fold: (-sizes[fold], fold))
        kept.extend(image if image.fold == target else dataclasses.replace(image, fold=target) for image in group)
        moves.extend(_moves(group, target))
    folds = 1 + max(image.fold for image in kept if image.fold is not None)
    return _index(scan, [*kept, *rest], folds, 0), moves


def open_index(
    path: Path,
    folds: int = 3,
    seed: int = 0,
    say: Callable[[str], None] = _log.warning,
    data_root: Path | None = None,
) -> Index:
    """The index of a .json file, or of a folder or manifest that is split now; `say` gets a sentence on what is unused.

    `data_root` as `edgeleuk.data.root.find_root` takes it. Raises DataError or UsageError as `Index.load`, `scan` and
    `make_folds` do.
    """
    if path.suffix.lower() == ".json":
        return Index.load(path, data_root)
    found = scan(path, data_root=data_root)
    index = make_folds(found, folds, seed)
    for sentence in left_out(found):
        say(sentence)
    return index


def open_images(path: Path, say: Callable[[str], None] = _log.warning, data_root: Path | None = None) -> Index:
    """Like `open_index` for what needs no folds, evaluation and calibration: a folder's images are not dealt.

    Raises DataError as `Index.load` and `scan` do.
    """
    if path.suffix.lower() == ".json":
        return Index.load(path, data_root)
    found = scan(path, data_root=data_root)
    for sentence in left_out(found):
        say(sentence)
    return _index(found, [dataclasses.replace(image, fold=None) for image in found.images], 0, 0)


def _moves(group: Sequence[ImageRecord], target: int) -> list[Move]:
    moved: dict[int, list[ImageRecord]] = {}
    for image in group:
        if image.fold is not None and image.fold != target:
            moved.setdefault(image.fold, []).append(image)
    return [
        Move(subjects_of(group), source, target, len(images), tuple(image.path for image in images))
        for source, images in sorted(moved.items())
    ]


def _index(scan: Scan, images: Sequence[ImageRecord], folds: int, seed: int) -> Index:
    return Index(
        root=scan.root,
        tried=scan.tried,
        classes=scan.classes,
        images=tuple(sorted(images, key=lambda image: image.path)),
        positive_class=scan.positive_class,
        fold_count=folds,
        subjects_known=scan.subjects_known,
        seed=seed,
    )
