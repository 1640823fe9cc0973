"""Images as a table or patterns label them, and what is told beside the labels of a folder's own layout."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.labels import LabelSource
from edgeleuk.data.layouts.beside_labels import with_folders
from edgeleuk.data.layouts.facts import Facts, Told
from edgeleuk.data.layouts.folder_names import TEST, TRAIN, VALIDATION
from edgeleuk.data.layouts.label_table import facts_by_table
from edgeleuk.data.layouts.layout import Described, FileEntry
from edgeleuk.data.layouts.patterns import facts_by_label_pattern, subjects_by_pattern
from edgeleuk.errors import DataError, UsageError
from edgeleuk.text import examples, shown, suggestion


def describe(source: LabelSource, entries: Sequence[FileEntry], root: Path) -> Described:
    """Read `entries` as the source labels them. Raises UsageError and DataError as table and patterns do."""
    paths = [entry.path for entry in entries]
    if source.table is not None:
        told = facts_by_table(source, source.table, paths, root)
    else:
        told = facts_by_label_pattern(source.label_pattern or "", paths)
    facts, notes = with_folders(dict(told.facts), subjects=source.subject_pattern is None)
    return described_by(dataclasses.replace(told, facts=facts, notes=(*told.notes, *notes)), entries)


def described_by(told: Told, entries: Sequence[FileEntry]) -> Described:
    """The entries of which something is told, as it is told."""
    folds = _folds(told)
    images = tuple(_record(entry, told.facts[entry.path], folds) for entry in entries if entry.path in told.facts)
    classes = tuple(sorted({image.label for image in images if image.label is not None}))
    return Described(
        classes, images, None, told.problems, told.left_out, told.tables, told.notes, _given(told.facts.values())
    )


def overlaid(facts: Mapping[str, Facts], described: Described) -> Described:
    """Images as a layout describes them, with subjects and parts as they are told instead."""
    folds = _folds(Told(facts))
    given = _given(facts.values())
    images = []
    for image in described.images:
        told = facts[image.path]
        placed = _record(FileEntry(image.path, image.sha256, image.size_bytes), told, folds)
        place = image if told.part is None else placed
        subject = told.subject or image.subject
        images.append(dataclasses.replace(image, subject=subject, fold=place.fold, split=place.split))
    return dataclasses.replace(described, images=tuple(images), given=given or described.given)


def _given(facts: Iterable[Facts]) -> tuple[str, ...]:
    """The parts of the split that is told; none if all images are in one."""
    words = {told.part for told in facts}
    given = tuple(part for part in (TRAIN, VALIDATION, TEST) if part in words)
    return given if len(given) > 1 else ()


def completed(source: LabelSource, described: Described) -> Described:
    """With the subjects that --subject-pattern finds, and the classes called as --class-names says."""
    if source.subject_pattern is not None:
        subjects, problems = subjects_by_pattern(source.subject_pattern, [image.path for image in described.images])
        described = dataclasses.replace(
            described,
            images=tuple(
                dataclasses.replace(image, subject=subjects.get(image.path, image.subject))
                for image in described.images
            ),
            problems=(*described.problems, *problems),
        )
    return _renamed(described, source.class_names) if source.class_names else described


def _record(entry: FileEntry, facts: Facts, folds: Mapping[str, int]) -> ImageRecord:
    if facts.part is not None and facts.part in folds:
        return ImageRecord(*entry, facts.label, facts.subject, folds[facts.part])
    if facts.label is None:
        return ImageRecord(*entry, None, facts.subject, None, "unlabelled")
    split, fold = ("test", None) if facts.part == "test" else ("train", 0 if facts.part == "validation" else None)
    return ImageRecord(*entry, facts.label, facts.subject, fold, split)


def _folds(told: Told) -> dict[str, int]:
    """Folds counted from 0, by the numbers that are told. Raises DataError if some parts are folds and some are not."""
    parts = {facts.part for facts in told.facts.values() if facts.part is not None}
    numbers = sorted(int(part) for part in parts if part.isdecimal())
    words = sorted(part for part in parts if not part.isdecimal() and part != "test")
    if numbers and words:
        raise DataError(f"the split is a number for some images and {words[0]} for others; use one of both")
    return {str(number): fold for fold, number in enumerate(numbers)}


def _renamed(described: Described, names: Mapping[str, str]) -> Described:
    for name in names:
        if name not in described.classes:
            raise UsageError(
                f"--class-names names label {shown(name)}, which no image has{suggestion(name, described.classes)}"
            )
    rest = [name for name in described.classes if name not in names]
    if rest:
        raise UsageError(f"--class-names gives no name for {examples(list(map(shown, rest)))}; name every label")
    images = tuple(
        image if image.label is None else dataclasses.replace(image, label=names[image.label])
        for image in described.images
    )
    positive = None if described.positive_class is None else names[described.positive_class]
    return dataclasses.replace(
        described, classes=tuple(sorted({*names.values()})), images=images, positive_class=positive
    )
