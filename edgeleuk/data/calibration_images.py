"""Images to set ranges or compare engines on: labels are taken if there are any, but a flat folder does as well."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.labels import NOTHING_SAID, LabelSource
from edgeleuk.data.layouts.left_out import by_kind, sentences
from edgeleuk.data.pixels import list_images, read_images
from edgeleuk.data.split import open_images
from edgeleuk.errors import DataError, reading_what_was_named
from edgeleuk.text import counted, examples, printable


def open_calibration(
    path: Path, say: Callable[[str], None], data_root: Path | None = None, labels: LabelSource = NOTHING_SAID
) -> Index:
    """The images of an index, manifest or folder, with labels where it says them; `say` gets what is to be known.

    Raises DataError if there is no image that can be used, or if `labels` say where labels are and they are not there,
    and as `open_images`.
    """
    try:
        return open_images(path, say, data_root, labels)
    except DataError as error:
        if not path.is_dir() or not labels.is_empty:
            raise
        index = _unlabelled(path.resolve(), say)
        if index is None:
            raise
        flat = all("/" not in image.path for image in index.images)
        reason = "it has no class folders" if flat else str(error)
        say(f"{counted(len(index.images), 'image')} of {path} taken without labels: {reason}")
        return index


def foreign_labels(index: Index, classes: Sequence[str]) -> str | None:
    """A sentence on labels that are no classes of the model, and so say nothing of its accuracy; None without any."""
    others = sorted({image.label for image in index.images if image.label is not None} - set(classes))
    if not others:
        return None
    return (
        f"labels {examples(list(map(printable, others)))} of the calibration images are none of the model's classes "
        f"{examples(list(map(printable, classes)))}; these images set ranges, and their labels are not used"
    )


@reading_what_was_named()
def _unlabelled(root: Path, say: Callable[[str], None]) -> Index | None:
    """All images below the folder in one part; None if none can be used."""
    try:
        listing = list_images(root)
    except OSError as error:
        raise DataError(f"{root} cannot be read: {error.strerror}") from error
    pictures = read_images(root, [ImageRecord(*entry) for entry in listing.entries])
    if not pictures.usable:
        return None
    unread = [(bad.image.path, bad.reason) for bad in pictures.unreadable]
    for sentence in (*listing.problems, *sentences(by_kind([*listing.others, *unread]))):
        say(sentence)
    return Index(root, (), tuple(pictures.usable))
