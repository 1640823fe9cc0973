"""What a split may use: which images are training and test, what is left out, and whether every class has enough."""

from collections import Counter

from edgeleuk.data.audit import label_conflicts
from edgeleuk.data.deal import deal
from edgeleuk.data.duplicates import copies, duplicate_set
from edgeleuk.data.groups import grouped
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.label_names import near_classes
from edgeleuk.data.layouts.left_out import sentences
from edgeleuk.data.leaks import group_name
from edgeleuk.data.scan import Scan
from edgeleuk.errors import DataError
from edgeleuk.text import counted

Groups = list[list[ImageRecord]]


def left_out(scan: Scan) -> list[str]:
    """Sentences about what a split of this scan leaves out, and about all problems of the scan."""
    told = [*scan.problems, *sentences(scan.left_out)]
    for group in _crossing_test(scan):
        number = sum(image.split == "train" for image in group)
        told.append(
            f"{counted(number, 'training image')} left out, which share subject or bytes with the test set: "
            f"{group_name(group)}"
        )
    return told


def sides(scan: Scan) -> tuple[Groups, list[ImageRecord]]:
    """The training groups, and the images of the other splits. Raises DataError if no split can be made."""
    if not scan.images:
        raise DataError(f"no usable image below {scan.root}; 'edgeleuk data audit' says why")
    if len(scan.classes) < 2:
        raise DataError(f"only one class below {scan.root} ({', '.join(scan.classes)}); a classifier needs two")
    if near := near_classes(scan.classes):
        raise DataError(near[0])
    conflicts = label_conflicts([duplicate_set(same) for same in copies(scan.images)])
    if conflicts:
        raise DataError(conflicts[0])
    crossing = {image.path for group in _crossing_test(scan) for image in group}
    training = [image for image in scan.images if image.split == "train" and image.path not in crossing]
    return grouped(training), [image for image in scan.images if image.split != "train"]


def _crossing_test(scan: Scan) -> Groups:
    used = [image for image in scan.images if image.split in ("train", "test")]
    if all(image.split == "train" for image in used):
        return []
    return [group for group in grouped(used) if len({image.split for image in group}) > 1]


def hold_out(scan: Scan, groups: Groups, fraction: float, seed: int) -> tuple[Groups, list[ImageRecord]]:
    bins = deal(groups, [1 - fraction, fraction], seed)
    kept = [group for group, number in zip(groups, bins, strict=True) if number == 0]
    held_out = [image for group, number in zip(groups, bins, strict=True) if number == 1 for image in group]
    missing = [name for name in scan.classes if name not in {image.label for image in held_out}]
    if missing:
        raise DataError(
            f"a test fraction of {fraction} holds out no group of class {', '.join(missing)}; "
            "choose a larger one, or 0 for no test split"
        )
    return kept, held_out


def expect_groups(scan: Scan, groups: Groups, least: int, purpose: str) -> None:
    counts = Counter(label for group in groups for label in {image.label for image in group})
    few = [_group_count(name, counts[name], groups) for name in scan.classes if counts[name] < least]
    if few:
        raise DataError(
            f"too few groups (images with one subject or the same bytes count once) for {purpose}: {', '.join(few)}, "
            f"each class needs {least}; choose fewer folds or add images of other subjects"
        )


def _group_count(label: str, count: int, groups: Groups) -> str:
    images = sum(image.label == label for group in groups for image in group)
    return f"class '{label}' has {counted(count, 'group')} of {counted(images, 'image')}"


def expect_every_class(index: Index) -> None:
    present = {(image.fold, image.label) for image in index.images if image.split == "train"}
    for fold in range(index.fold_count):
        missing = [name for name in index.classes if (fold, name) not in present]
        if missing:
            raise DataError(
                f"fold {fold} got no image of class {', '.join(missing)}: its groups are too few or too uneven; "
                "choose fewer folds or another seed"
            )
