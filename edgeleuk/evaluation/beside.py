"""What colour and other trivial features reach on the images of an evaluation, to stand beside the model's accuracy."""

import dataclasses
from collections.abc import Sequence

from edgeleuk.data.groups import grouped
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.shortcuts.judging import (
    SHORT_SEARCH,
    Search,
    Shortcuts,
    shortcuts_cross_validated,
    shortcuts_held_out,
)
from edgeleuk.data.shortcuts.text import short_text
from edgeleuk.errors import DataError, MissingExtraError
from edgeleuk.progress import Counter


def shortcuts_beside(
    index: Index, images: Sequence[ImageRecord], seen: frozenset[ImageRecord], seed: int = 0
) -> tuple[Shortcuts | None, str]:
    """Fitted on what the model has seen of the index, asked about `images`; and a sentence of it, or of why not.

    If nothing is known of what it has seen, fitted on the rest of the training split; if there is no rest, by turns.
    """
    try:
        search = dataclasses.replace(SHORT_SEARCH, seed=seed, progress=Counter("images looked at").at)
        found = _found(index, images, seen, search)
    except (DataError, MissingExtraError) as error:
        return None, f"how far colour alone goes on these images is not known: {error}"
    return found, short_text(found)


def _found(index: Index, images: Sequence[ImageRecord], seen: frozenset[ImageRecord], search: Search) -> Shortcuts:
    chosen = set(images)
    known = [image for image in index.images if image in seen and image.label is not None and image not in chosen]
    if not known:
        known = _apart(index, chosen)
    if known:
        return shortcuts_held_out(index.root, known, images, search)
    return shortcuts_cross_validated(index.root, images, search)


def _apart(index: Index, chosen: set[ImageRecord]) -> list[ImageRecord]:
    """Labelled images of the training split that share no group with the chosen ones."""
    used = [image for image in index.images if image in chosen or (image.split == "train" and image.label is not None)]
    return [image for group in grouped(used) if not chosen.intersection(group) for image in group]
