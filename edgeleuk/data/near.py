"""Near copies of a data set, which byte and pixel hashes miss: how many there are, and groups that hold them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeleuk.data.given import part_name
from edgeleuk.data.groups import connected
from edgeleuk.data.index import ImageRecord
from edgeleuk.data.perceptual import BITS, near_pairs
from edgeleuk.data.scan import Scan
from edgeleuk.errors import UsageError
from edgeleuk.text import counted, examples

NEAR_BITS = 12
_MOST_IMAGES = 50_000  # the comparison of all with all takes some minutes then
_SHOWN = 5


@dataclass(frozen=True)
class NearPair:
    """Two files whose hashes differ in `bits` of 256; the pixels are not the same."""

    paths: tuple[str, str]
    bits: int


@dataclass(frozen=True)
class NearCopies:
    """Pairs of near copies, at most `most_bits` apart, and how many of them cross what is known on both sides."""

    most_bits: int
    pairs: tuple[NearPair, ...]
    across_classes: int
    across_subjects: int
    across_splits: int
    images: int


def near_copies(scan: Scan, most_bits: int = NEAR_BITS) -> NearCopies | None:
    """The near copies of a scan; None if it has no pixels, or more images than are compared."""
    images, pairs = _pairs(scan, most_bits)
    if not images or near_problems(scan):
        return None

    def across(value: Callable[[ImageRecord], str | None]) -> int:
        values = [(value(images[one]), value(images[other])) for one, other, _ in pairs]
        return sum(None not in both and both[0] != both[1] for both in values)

    found = tuple(NearPair((images[one].path, images[other].path), bits) for one, other, bits in pairs)
    together = len({number for one, other, _ in pairs for number in (one, other)})
    return NearCopies(
        most_bits,
        found,
        across(lambda image: image.label),
        across(lambda image: image.subject),
        across(lambda image: part_name(image, scan.given)),
        together,
    )


def near_problems(scan: Scan) -> list[str]:
    """A sentence if there are more pictures than are compared with each other."""
    count = len(scan.fingerprints)
    if count <= _MOST_IMAGES:
        return []
    return [f"near copies were not looked for among {count:,} images; at most {_MOST_IMAGES:,} are compared"]


def near_sentences(found: NearCopies) -> list[str]:
    """What an audit says of near copies; nothing if there are none."""
    if not found.pairs:
        return []
    named = [f"{' = '.join(pair.paths)} ({pair.bits} bits)" for pair in found.pairs]
    return [
        f"{counted(len(found.pairs), 'pair')} of near copies, at most {found.most_bits} of {BITS} bits apart, turned "
        f"and mirrored ones among them (across classes {found.across_classes:,}, subjects {found.across_subjects:,}, "
        f"splits {found.across_splits:,}): {examples(named, _SHOWN, '; ')}; 'edgeleuk data split --near' keeps each "
        "together"
    ]


def with_near_groups(scan: Scan, most_bits: int = NEAR_BITS) -> Scan:
    """The scan with near copies marked as alike, so that groups hold them together (`ImageRecord.alike`).

    Raises UsageError for more images than are compared.
    """
    if problems := near_problems(scan):
        raise UsageError(f"{problems[0]}; leave --near out")
    images, pairs = _pairs(scan, most_bits)
    members: dict[int, list[ImageRecord]] = {}
    for number, image in zip(connected(len(images), ((one, other) for one, other, _ in pairs)), images, strict=True):
        members.setdefault(number, []).append(image)
    alike = {
        image.path: min(each.sha256 for each in group)[:16]
        for group in members.values()
        if len(group) > 1
        for image in group
    }
    marked = tuple(dataclasses.replace(image, alike=alike.get(image.path)) for image in scan.images)
    return dataclasses.replace(scan, images=marked)


def _pairs(scan: Scan, most_bits: int) -> tuple[list[ImageRecord], list[tuple[int, int, int]]]:
    """One image of each picture that has a fingerprint, and the pairs that are near; no pairs of too many images."""
    pictures: dict[str, ImageRecord] = {}
    for image in scan.images:
        if scan.fingerprints.get(image.path) is not None:
            pictures.setdefault(image.picture, image)
    images = list(pictures.values())
    if near_problems(scan):
        return images, []
    return images, near_pairs(_prints(scan.fingerprints, images), most_bits)


def _prints(fingerprints: Mapping[str, bytes], images: Sequence[ImageRecord]) -> list[bytes]:
    return [fingerprints[image.path] for image in images]
