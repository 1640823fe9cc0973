"""From a scan to an index whose folds do not leak: groups, not images, are dealt."""

import dataclasses
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.data.audit import label_conflicts
from edgeleuk.data.duplicates import copies, duplicate_set
from edgeleuk.data.given import (
    TRAIN,
    VALIDATION,
    folds_dealt_anew,
    given_problems,
    in_one_part,
    kept_split,
    missing_classes,
    refuse_given_leaks,
)
from edgeleuk.data.groups import group_name, grouped, subjects_of
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.label_names import near_classes, one_class
from edgeleuk.data.labels import NOTHING_SAID, LabelSource
from edgeleuk.data.layouts.left_out import sentences
from edgeleuk.data.scan import Scan, scan
from edgeleuk.errors import DataError, UsageError
from edgeleuk.text import counted, examples

_log = logging.getLogger(__name__)
_Groups = list[list[ImageRecord]]
_SHOWN = 5


@dataclass(frozen=True)
class Move:
    """Images of one group that went from one official fold to another, to where most of the group lies.

    None is the training part of a given split, and 0 its validation part.
    """

    subjects: tuple[str, ...]
    source: int | None
    target: int | None
    images: int
    paths: tuple[str, ...]


def make_folds(scan: Scan, folds: int = 3, seed: int = 0, test_fraction: float = 0.0) -> Index:
    """Deal the training groups to folds, stratified by class; the same scan and seed give the same index.

    A group is never divided. `test_fraction` of every class is held out first, in whole groups, as split "test".
    Training images that share a subject or pixels with the layout's own test set are left out (see `left_out`).
    Raises UsageError for values out of range; DataError if there is one class only, copies have two labels, or
    a class has fewer groups than folds.
    """
    if folds < 2:
        raise UsageError(f"folds is {folds}; expected 2 or more")
    if not 0 <= test_fraction < 1:
        raise UsageError(f"test fraction is {test_fraction}; expected 0 or more and less than 1")
    if not -(2**63) <= seed < 2**63:
        raise UsageError("the seed does not fit into 64 bits; choose a smaller number")
    training, rest = _sides(scan)
    if test_fraction:
        training, held_out = _hold_out(scan, training, test_fraction, seed)
        rest = [*rest, *(dataclasses.replace(image, split="test", fold=None) for image in held_out)]
    _expect_groups(scan, training, folds, f"{folds} folds")
    bins = _deal(training, [1 / folds] * folds, seed)
    dealt = [
        dataclasses.replace(image, fold=number) for group, number in zip(training, bins, strict=True) for image in group
    ]
    index = _index(scan, [*dealt, *rest], folds, seed)
    _expect_every_class(index)
    return index


def split_scan(scan: Scan, folds: int | None = None, seed: int = 0, test_fraction: float = 0.0) -> Index:
    """Keep the split that a folder came with, else deal as `make_folds` does, to 3 folds if `folds` is None.

    A given validation part is the one fold; without one, the given training part is dealt to folds. Raises LeakError if
    parts share a subject or bytes, UsageError for what a given split leaves no choice of, and as `make_folds`.
    """
    if scan.given:
        _expect_no_choice(scan, folds, test_fraction)
        refuse_given_leaks(scan)
    if VALIDATION not in scan.given:
        return make_folds(scan, 3 if folds is None else folds, seed, test_fraction)
    training, rest = _sides(scan)
    _expect_groups(scan, training, 1, "training")
    return _index(scan, [*(image for group in training for image in group), *rest], 1, 0)


def _expect_no_choice(scan: Scan, folds: int | None, test_fraction: float) -> None:
    if folds is not None and VALIDATION in scan.given:
        raise UsageError(
            f"{scan.root} has a validation part, which is the one fold; leave --folds out, or give --redeal"
        )
    if test_fraction:
        raise UsageError(f"{scan.root} came with a split, which is kept; leave --test-fraction out, or give --redeal")
    if TRAIN not in scan.given:
        raise DataError(f"{scan.root} has no image to train on in its given split; --redeal deals all of them anew")


def official_folds(scan: Scan) -> tuple[Index, list[Move]]:
    """Keep the folds of the layout, but move each group that lies in several whole to where most of its images are.

    So with a given validation part. Raises UsageError if there are no folds, DataError as `make_folds` does.
    """
    if VALIDATION in scan.given:
        return _given_whole(scan)
    if not any(image.fold is not None for image in scan.images):
        raise UsageError(
            f"{scan.root} has no official folds: only C-NMC and folders such as fold_1 have; leave --official out"
        )
    training, rest = _sides(scan)
    _expect_groups(scan, training, 1, "training")
    kept: list[ImageRecord] = []
    moves: list[Move] = []
    for group in training:
        sizes = Counter(image.fold for image in group if image.fold is not None)
        target = min(sizes, key=lambda fold: (-sizes[fold], fold))
        kept.extend(image if image.fold == target else dataclasses.replace(image, fold=target) for image in group)
        moves.extend(_moves(group, target))
    folds = 1 + max(image.fold for image in kept if image.fold is not None)
    return _index(scan, [*kept, *rest], folds, 0), moves


def _given_whole(scan: Scan) -> tuple[Index, list[Move]]:
    training, rest = _sides(scan)
    _expect_groups(scan, training, 1, "training")
    kept: list[ImageRecord] = []
    moves: list[Move] = []
    for group in training:
        whole = in_one_part(group)
        target = 0 if whole[0].fold == 0 else None
        moved = [image for image in group if image.fold != target]
        kept.extend(whole)
        if moved:
            source = None if target == 0 else 0
            moves.append(Move(subjects_of(group), source, target, len(moved), tuple(image.path for image in moved)))
    return _index(scan, [*kept, *rest], 1, 0), moves


def open_index(
    path: Path,
    folds: int = 3,
    seed: int = 0,
    say: Callable[[str], None] = _log.warning,
    data_root: Path | None = None,
    labels: LabelSource = NOTHING_SAID,
) -> Index:
    """The index of a .json file, or of a folder or manifest that is split now; `say` gets a sentence on what is unused.

    `data_root` as `edgeleuk.data.root.find_root` takes it. Raises DataError or UsageError as `Index.load`, `scan` and
    `split_scan` do.
    """
    if path.suffix.lower() == ".json":
        return _loaded(path, data_root, labels)
    found = scan(path, data_root=data_root, labels=labels)
    index = split_scan(found, None if VALIDATION in found.given else folds, seed)
    for sentence in (*found.notes, *left_out(found), *kept_split(found), *folds_dealt_anew(found)):
        say(sentence)
    return index


def open_images(
    path: Path,
    say: Callable[[str], None] = _log.warning,
    data_root: Path | None = None,
    labels: LabelSource = NOTHING_SAID,
) -> Index:
    """Like `open_index` for what needs no folds, evaluation and calibration: a folder's images are not dealt.

    The split that a folder came with is kept, whether it leaks or not.

    Raises DataError as `Index.load` and `scan` do.
    """
    if path.suffix.lower() == ".json":
        return _loaded(path, data_root, labels)
    found = scan(path, data_root=data_root, labels=labels)
    told = [*found.problems, *sentences(found.left_out), *given_problems(found)] if found.given else left_out(found)
    for sentence in (*found.notes, *told):
        say(sentence)
    if VALIDATION in found.given:
        return _index(found, found.images, 1, 0)
    return _index(found, [dataclasses.replace(image, fold=None) for image in found.images], 0, 0)


def _loaded(path: Path, data_root: Path | None, labels: LabelSource) -> Index:
    if not labels.is_empty:
        raise UsageError(f"{path} is an index, which has its labels; make another one with 'edgeleuk data split'")
    return Index.load(path, data_root)


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


def _deal(groups: Sequence[Sequence[ImageRecord]], shares: Sequence[float], seed: int) -> list[int]:
    """The bin of each group; `shares` (sum 1) is the part of every class that each bin should get.

    Greedy, as scikit-learn's StratifiedGroupKFold: shuffle by seed, largest group first, each to the bin where the
    squared deviation of the class shares from the wanted ones, sum_c (x_bc / n_c - share_b)^2, grows least (that
    class takes the mean of the standard deviations over bins instead). Adding m_c images to bin b makes it grow by
    sum_c m_c / n_c * (2 * (x_bc / n_c - share_b) + m_c / n_c), whose last term is the same for all bins.
    """
    counts = [Counter(str(image.label) for image in group) for group in groups]
    totals: Counter[str] = sum(counts, Counter())
    filled: list[Counter[str]] = [Counter() for _ in shares]
    bins = [0] * len(groups)
    for group in _largest_first(groups, seed):
        parts = {label: number / totals[label] for label, number in counts[group].items()}
        growth = [
            # Rounded: equal shares must tie whatever the order of addition; then the emptier bin gets the group.
            (round(sum(m * (bin_[c] / totals[c] - share) for c, m in parts.items()), 12), bin_.total() / share)
            for bin_, share in zip(filled, shares, strict=True)
        ]
        bins[group] = growth.index(min(growth))
        filled[bins[group]].update(counts[group])
    return bins


def _largest_first(groups: Sequence[Sequence[ImageRecord]], seed: int) -> list[int]:
    order = list(range(len(groups)))
    random.Random(seed).shuffle(order)
    return sorted(order, key=lambda group: -len(groups[group]))


def left_out(scan: Scan) -> list[str]:
    """Sentences about what a split of this scan leaves out, what its given parts lack, and all its problems."""
    told = [*scan.problems, *sentences(scan.left_out), *missing_classes(scan)]
    for group in _crossing_test(scan):
        number = sum(image.split == "train" for image in group)
        told.append(
            f"{counted(number, 'training image')} left out, which share subject or pixels with the test set: "
            f"{group_name(group)}"
        )
    return told


def _sides(scan: Scan) -> tuple[_Groups, list[ImageRecord]]:
    """The training groups, and the images of the other splits. Raises DataError if no split can be made."""
    if not scan.images:
        raise DataError(f"no usable image below {scan.root}; 'edgeleuk data audit' says why")
    if len(scan.classes) < 2:
        raise DataError(f"only one class below {scan.root}, {one_class(scan.classes)}")
    if near := near_classes(scan.classes):
        raise DataError(near[0])
    conflicts = label_conflicts([duplicate_set(same) for same in copies(scan.images)])
    if conflicts:
        raise DataError(conflicts[0])
    crossing = {image.path for group in _crossing_test(scan) for image in group}
    training = [image for image in scan.images if image.split == "train" and image.path not in crossing]
    return grouped(training), [image for image in scan.images if image.split != "train"]


def _crossing_test(scan: Scan) -> _Groups:
    used = [image for image in scan.images if image.split in ("train", "test")]
    if all(image.split == "train" for image in used):
        return []
    return [group for group in grouped(used) if len({image.split for image in group}) > 1]


def _hold_out(scan: Scan, groups: _Groups, fraction: float, seed: int) -> tuple[_Groups, list[ImageRecord]]:
    bins = _deal(groups, [1 - fraction, fraction], seed)
    kept = [group for group, number in zip(groups, bins, strict=True) if number == 0]
    held_out = [image for group, number in zip(groups, bins, strict=True) if number == 1 for image in group]
    missing = [name for name in scan.classes if name not in {image.label for image in held_out}]
    if missing:
        raise DataError(
            f"a test fraction of {fraction} holds out no group of class {', '.join(missing)}; "
            "choose a larger one, or 0 for no test split"
        )
    return kept, held_out


def _expect_groups(scan: Scan, groups: _Groups, least: int, purpose: str) -> None:
    counts = Counter(label for group in groups for label in {image.label for image in group})
    few = [_group_count(name, counts[name], groups) for name in scan.classes if counts[name] < least]
    if few:
        raise DataError(
            f"too few groups (images with one subject or the same pixels count once) for {purpose}: "
            f"{examples(few, _SHOWN)}, each class needs {least}; {_mend(scan, min(counts[n] for n in scan.classes))}"
        )


def _mend(scan: Scan, fewest: int) -> str:
    """What to do about classes with few groups; where most images have a label of their own, it is none."""
    if len(scan.classes) > _SHOWN and 2 * len(scan.classes) > len(scan.images):
        classes, images = counted(len(scan.classes), "class"), counted(len(scan.images), "image")
        return f"{images} have {classes}: these are hardly classes, name another column, pattern or class level"
    if not fewest:
        return "add images of it to train on, or leave its images out"
    return "choose fewer folds or add images of other subjects"


def _group_count(label: str, count: int, groups: _Groups) -> str:
    images = sum(image.label == label for group in groups for image in group)
    return f"class '{label}' has {counted(count, 'group')} of {counted(images, 'image')}"


def _expect_every_class(index: Index) -> None:
    present = {(image.fold, image.label) for image in index.images if image.split == "train"}
    for fold in range(index.fold_count):
        missing = [name for name in index.classes if (fold, name) not in present]
        if missing:
            raise DataError(
                f"fold {fold} got no image of class {', '.join(missing)}: its groups are too few or too uneven; "
                "choose fewer folds or another seed"
            )
