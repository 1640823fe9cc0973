"""From a folder or a manifest to a Scan: its images with label, subject, official fold and hash, and what is wrong."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.labels import NOTHING_SAID, LabelSource
from edgeleuk.data.layouts import cnmc, known, labelled
from edgeleuk.data.layouts.beside_labels import MASKS, masks_in_grey, masks_of_pictures, namesakes_problem
from edgeleuk.data.layouts.facts import Told
from edgeleuk.data.layouts.layout import Described, FileEntry
from edgeleuk.data.layouts.left_out import HIDDEN_FOLDER, OTHER_NAME, LeftOut, by_kind, sentences
from edgeleuk.data.layouts.manifest import read_manifest
from edgeleuk.data.layouts.voc import CUT_THEM, has_boxes
from edgeleuk.data.pixels import Pictures, Progress, Unreadable, list_images, read_images
from edgeleuk.data.root import find_root
from edgeleuk.errors import DataError, UsageError, reading_what_was_named
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.sources.names import IMAGE_SUFFIXES, is_image_name
from edgeleuk.text import counted, examples, printable, suggestion


@dataclass(frozen=True)
class Scan:
    """What lies below `root`. `layout` is "class-folders", "table", "names", "manifest" (without pixels),
    "c-nmc", or the name of another known set.

    `images` are the usable ones, with the official fold if the layout has folds; `formats` holds 'WxH mode' by
    path. `subjects_known` means that every labelled image has a subject. `problems` are sentences for people;
    `left_out` are files that are no usable image of the layout, by kind and reason. `remarks` are sentences about
    pictures that are used all the same: of one colour, tiny, of other colours than sRGB. `notes` say what was taken for
    what. `given`: the parts that the images came in, of "train", "validation" (fold 0 of the training split), "test".
    `fingerprints`: the perceptual hash of each picture by path, see `edgeleuk.data.perceptual`.
    """

    root: Path
    layout: str
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    positive_class: str | None = None
    subjects_known: bool = False
    unreadable: tuple[Unreadable, ...] = ()
    formats: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    tried: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    fingerprints: dict[str, bytes] = field(default_factory=dict)

    @property
    def ignored_files(self) -> int:
        """How many files have not the name of an image, or no place in the layout."""
        others = {HIDDEN_FOLDER, *(bad.reason for bad in self.unreadable)}
        return sum(row.count for row in self.left_out if row.reason not in others)


@reading_what_was_named()
def scan(
    path: Path,
    positive: str | None = None,
    progress: Progress | None = None,
    data_root: Path | None = None,
    max_pixels: int = MAX_PIXELS,
    labels: LabelSource = NOTHING_SAID,
) -> Scan:
    """Read a C-NMC folder (or its parent), a folder of class folders, a manifest TSV, or any of them as `labels` says.

    Files are hashed and decoded; those that do not decode are `unreadable`. `positive` names the positive class.
    `data_root` says where the images of a manifest lie. Raises DataError if there is nothing to read or a table
    beside the images is malformed, UsageError if `positive` is not a class or a folder comes with a `data_root`.
    """
    if path.is_file():
        found = _scan_manifest(path, data_root, labels)
    elif path.is_dir() and data_root is not None:
        raise UsageError(f"{path} is the folder of images itself; --data-root is for an index, a run or a manifest")
    elif path.is_dir():
        found = _scan_folder(path.resolve(), progress, max_pixels, labels)
    else:
        raise DataError(f"{path}: no such folder or file; expected a folder of images or a manifest")
    if positive is None:
        return found
    if positive not in found.classes:
        raise UsageError(f"'{positive}' is not a class of {path}{suggestion(positive, found.classes)}")
    return dataclasses.replace(found, positive_class=positive)


def _scan_folder(path: Path, progress: Progress | None, max_pixels: int, labels: LabelSource) -> Scan:
    try:
        official = None if labels.says_labels or labels.class_level else cnmc.folder_root(path)
        root = official or path
        listing = list_images(root)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if labels.says_labels and not listing.entries:
        others = "".join(f"; {sentence}" for sentence in sentences(by_kind(listing.others)))
        raise DataError(f"{path} holds no image{others}")
    try:
        layout, described = _described(listing.entries, root, "" if official else None, labels)
        described = labelled.completed(labels, described)
    except DataError as error:
        if not labels.says_labels and has_boxes(path for path, _ in listing.others):
            raise DataError(f"{error}. {CUT_THEM} {path} -o DIR'") from error
        raise
    if not described.images:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        others = "".join(f"; {sentence}" for sentence in sentences(_left_out(listing.others, described, ())))
        raise DataError(
            f"{path} holds no image in a class folder; expected one sub-folder per class with {suffixes}, the C-NMC "
            f"layout, or the labels in {_table_hint(listing.others)} or in the names of the files "
            f"(--label-pattern){others}"
        )
    pictures = read_images(root, described.images, progress, max_pixels)
    if labels.table is None:
        described, pictures = _without_masks(described, pictures)
    remarks = [f"{counted(len(paths), 'image')} {text}: {examples(paths)}" for text, paths in pictures.remarks.items()]
    described = dataclasses.replace(described, problems=listing.problems + described.problems)
    found = _found(root, layout, described, pictures.usable)
    return dataclasses.replace(
        found,
        unreadable=tuple(pictures.unreadable),
        formats=pictures.formats,
        fingerprints=pictures.fingerprints,
        left_out=_left_out(listing.others, described, pictures.unreadable),
        remarks=tuple(remarks),
    )


def _without_masks(described: Described, pictures: Pictures) -> tuple[Described, Pictures]:
    """Both without the masks that only their pixels tell from pictures, which are left out and said to be."""
    masks = masks_in_grey(pictures.formats)
    kept, aside = pictures.without(masks), tuple((path, MASKS) for path in sorted(masks))
    problems = (*described.problems, *namesakes_problem(kept.formats))
    return dataclasses.replace(described, left_out=(*described.left_out, *aside), problems=problems), kept


def _described(
    entries: Sequence[FileEntry], root: Path, official: str | None, labels: LabelSource
) -> tuple[str, Described]:
    """The layout's name and what it makes of the entries. `official`: what stands before C-NMC's own folders."""
    if labels.table is not None:
        return labels.layout, labelled.describe(labels, entries, root)
    masks = masks_of_pictures(entry.path for entry in entries)
    pictures = [entry for entry in entries if entry.path not in masks]
    if labels.says_labels:
        layout, described = labels.layout, labelled.describe(labels, pictures, root)
    elif official is not None:
        layout, described = "c-nmc", cnmc.describe(pictures, root, official)
    else:
        layout, described = known.describe(pictures, root, labels.class_level)
    aside = tuple((path, MASKS) for path in sorted(masks))
    return layout, dataclasses.replace(described, left_out=(*described.left_out, *aside))


def _table_hint(others: Iterable[tuple[str, str]]) -> str:
    tables = [path for path, _ in others if path.lower().endswith((".csv", ".tsv"))]
    return f"a table (--labels {printable(tables[0]) if len(tables) == 1 else 'TABLE'})"


def _scan_manifest(path: Path, data_root: Path | None, labels: LabelSource) -> Scan:
    manifest = read_manifest(path)
    if labels.says_labels and "label" in manifest.told:
        raise UsageError(f"{path} says the labels itself; leave --labels and --label-pattern out, or its column")
    entries = [row for row in manifest.entries if is_image_name(row.path)]
    folders = {entry.path.rpartition("/")[0] for entry in entries}
    place = find_root("", path, [entry.path for entry in entries], data_root)
    root = place.root
    prefix = None if labels.class_level else cnmc.prefix_of(folders)
    if "label" in manifest.told:
        described = labelled.described_by(Told(manifest.facts), entries)
    else:
        _, described = _described(entries, root, prefix, labels)
    if manifest.told and "label" not in manifest.told:
        described = labelled.overlaid(manifest.facts, described)
    described = labelled.completed(labels, described)
    usable = [image for image in described.images if image.size_bytes]
    empty = tuple(Unreadable(image, "0 bytes") for image in described.images if not image.size_bytes)
    if not described.images:
        raise DataError(f"{path} names no image in a class folder; expected paths such as <class>/<name>.png")
    found = _found(root, "manifest", described, usable)
    others = [(row.path, OTHER_NAME) for row in manifest.entries if not is_image_name(row.path)]
    left_out = _left_out(others, described, empty)
    return dataclasses.replace(found, unreadable=empty, left_out=left_out, tried=place.tried)


def _left_out(
    others: Iterable[tuple[str, str]], described: Described, unreadable: Iterable[Unreadable]
) -> tuple[LeftOut, ...]:
    """What is not a usable image of the layout, by kind and reason; tables that are read are none of that."""
    return by_kind(
        [
            *((path, reason) for path, reason in others if path not in described.tables),
            *described.left_out,
            *((bad.image.path, bad.reason) for bad in unreadable),
        ]
    )


def _found(root: Path, layout: str, described: Described, usable: list[ImageRecord]) -> Scan:
    labelled = [image for image in usable if image.label is not None]
    return Scan(
        root=root,
        layout=layout,
        classes=described.classes,
        images=tuple(usable),
        positive_class=described.positive_class,
        subjects_known=bool(labelled) and all(image.subject is not None for image in labelled),
        problems=described.problems,
        notes=described.notes,
        given=described.given,
    )
