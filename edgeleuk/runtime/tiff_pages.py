"""Which page of a TIFF is the picture, and whether it is one that is decoded rightly: judged by its tags."""

import re
from collections.abc import Sequence

from edgeleuk.errors import ImageError
from edgeleuk.runtime.tiff_tags import Page, TiffDamage, pages

_MOST_COPIES = 64  # levels of a pyramid that are looked at; of pages that are none, the first is enough
_MOST_PAGES = 1 << 16
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}  # samples a pixel without extra ones, by PhotometricInterpretation
_NAMES = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "CIE L*a*b*"} | {
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "a camera's raw colour filter array",
    32844: "logarithmic luminance",
    32845: "logarithmic luminance",
    34892: "a camera's linear raw",
}
_FORMATS = {2: "signed", 3: "floating point", 5: "complex", 6: "complex"}
_COMPRESSIONS = frozenset({1, 5, 7, 8, 32773, 32946, 34925, 50000, 50001})
_REFUSED = {2: "fax (CCITT)", 3: "fax (CCITT)", 4: "fax (CCITT)", 6: "old-style JPEG", 33003: "JPEG 2000"} | {
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34887: "LERC",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_JPEG = 7
_REDUCED = 1  # bit of NewSubfileType
_MOST_SCANS = 64
_SAVE = "save it as 8-bit RGB first"
_IMAGEJ_COUNT = re.compile(r"^(images|channels|slices|frames)=(\d{1,6})\s*$", re.MULTILINE)
_OME_CHANNEL = re.compile(r"<(?:\w+:)?Channel\b[^>]*?\bName=\"([^\"]{1,64})\"")


def choose_page(content: bytes, number: int | None) -> Page:
    """Page `number`, from 1, of a TIFF; without a number its only one, smaller copies of page one left aside.

    Raises ImageError if the file has several pictures and none was chosen, has no such page, or if the page is
    not one of unsigned samples of at most 8 bits in a known colour space.
    """
    try:
        page = _only_page(content) if number is None else _numbered(content, number)
        _check_samples(page)
        _check_parts(page, content)
    except TiffDamage as damage:
        raise ImageError(f"a damaged TIFF: {damage}") from damage
    return page


def has_ignored_opacity(page: Page) -> bool:
    """Whether the colours of a page are what a black ground shows: a fourth sample is not to be multiplied again.

    So if the extra sample is associated (premultiplied) alpha, or is not said to be opacity at all.
    """
    return page.samples > _COLOURS[page.photometric] and (not page.extra or page.extra[0] in (0, 1))


def _only_page(content: bytes) -> Page:
    found = list(pages(content, _MOST_COPIES))
    if not found:
        raise TiffDamage("it has no page")
    first, *others = found
    pictures = [first, *(page for page in others if not _is_smaller_copy(page, first))]
    if len(pictures) > 1:
        raise ImageError(_several(pictures, first))
    if first.subfile & _REDUCED:
        raise ImageError(
            "page 1 is a smaller copy of a picture that is not among the pages; save that one, or choose it by "
            "--page 1 of infer"
        )
    if (planes := _planes_said(first)) > 1:
        raise ImageError(f"one page of {planes} planes{_channel_names(first.description)}; {_one_file}")
    return first


_one_file = "which of them counts is not said: save one picture a file, or choose by --page N of infer"


def _several(pictures: Sequence[Page], first: Page) -> str:
    shown = ", ".join(f"{_called(page)}" for page in pictures[:4])
    more = ", ..." if len(pictures) > 4 else ""
    count = f"{len(pictures)}" if len(pictures) < _MOST_COPIES else f"{_MOST_COPIES} or more"
    return f"{count} pages ({shown}{more}){_channel_names(first.description)}; {_one_file}"


def _called(page: Page) -> str:
    kind = _NAMES.get(page.photometric, "unknown")
    name = " ".join(page.name.split())[:40]
    return f"{page.width}x{page.height} {kind}" + (f" {name!r}" if name else "")


def _channel_names(description: str) -> str:
    if names := _OME_CHANNEL.findall(description):
        return f", channels {', '.join(names[:8])}"
    return ", channels of ImageJ" if description.startswith("ImageJ=") and "channels=" in description else ""


def _planes_said(page: Page) -> int:
    """How many planes one page stands for, by the word of ImageJ (which leaves out further pages) or MetaMorph."""
    said = 1
    if page.description.startswith("ImageJ="):
        counts = {name: int(count) for name, count in _IMAGEJ_COUNT.findall(page.description)}
        said = counts.get("images", 1)
    return max(said, page.stack_planes, page.depth)


def _is_smaller_copy(page: Page, first: Page) -> bool:
    """A level of a pyramid: said to be one, or of the same shape and kind and at most three quarters as wide."""
    if page.subfile & _REDUCED:
        return True
    smaller = 4 * page.width <= 3 * first.width and 4 * page.height <= 3 * first.height
    scale = first.width / max(1, page.width)
    same_shape = abs(page.height * scale - first.height) <= 2 * scale
    return smaller and same_shape and (page.photometric, page.samples) == (first.photometric, first.samples)


def _numbered(content: bytes, number: int) -> Page:
    found = list(pages(content, min(number, _MOST_PAGES)))
    if len(found) < number:
        raise ImageError(f"has {len(found)} pages, no page {number}")
    return found[-1]


def _check_samples(page: Page) -> None:
    if min(page.width, page.height) < 1:
        raise ImageError(f"{page.width}x{page.height} holds no pixels")
    if max(page.bits, default=1) > 8:
        kind = next((f" {_FORMATS[code]}" for code in page.formats if code in _FORMATS), "")
        raise ImageError(f"more than 8 bits a channel ({max(page.bits)}{kind}); convert it to 8-bit RGB first")
    if odd := set(page.formats) - {1, 4}:
        raise ImageError(f"a TIFF of {_FORMATS.get(min(odd), 'unknown')} samples, not unsigned ones; {_SAVE}")
    colours = _COLOURS.get(page.photometric)
    if colours is None:
        name = _NAMES.get(page.photometric, f"colours of kind {page.photometric}")
        raise ImageError(f"a TIFF of {name}, which is not decoded; {_SAVE}")
    if page.samples < colours or (colours > 1 and set(page.bits) != {8}) or not set(page.bits) <= {1, 2, 4, 8}:
        bits = "/".join(map(str, page.bits[:8]))
        raise ImageError(f"a TIFF of {page.samples} samples of {bits} bits as {_NAMES[page.photometric]}; {_SAVE}")
    if page.planar == 2 and (page.photometric == 6 or page.extra[:1] == (1,)):  # Pillow converts these twice
        raise ImageError(f"a TIFF of {_NAMES[page.photometric]} in separate planes, which is not decoded; {_SAVE}")
    _check_extra(page, page.samples - colours)
    if page.compression not in _COMPRESSIONS:
        name = _REFUSED.get(page.compression, f"number {page.compression}")
        raise ImageError(f"a TIFF of compression {name}, which is not decoded; {_SAVE}")


def _check_extra(page: Page, extra: int) -> None:
    """Channels beside the colours: one opacity, or some that are not colours beside full RGB; never unnamed ones."""
    if extra and page.photometric in (0, 1, 3) and not (extra == 1 and page.extra[:1] in ((1,), (2,))):
        raise ImageError(
            f"a TIFF of {page.samples} channels, called {_NAMES[page.photometric]}; which of them are red, green and "
            f"blue is not said: {_SAVE}"
        )
    if max(page.colour_map, default=256) < 256 and page.photometric == 3:
        raise ImageError(f"a TIFF whose palette holds 8-bit values, where TIFF has 16-bit ones; {_SAVE}")


def _check_parts(page: Page, content: bytes) -> None:
    """Refuse what Pillow fills up with other bytes, black or endless work: sparse, missing, huge parts."""
    offsets, sizes = page.parts()
    if 0 in offsets or 0 in sizes:
        raise ImageError(f"a TIFF that leaves out parts of its picture; {_SAVE}")
    if page.tile is not None and page.tile[0] * page.tile[1] > max(1 << 22, 2 * page.width * page.height):
        raise ImageError(f"a TIFF of {page.width}x{page.height} in tiles of {page.tile[0]}x{page.tile[1]}; {_SAVE}")
    if page.compression == _JPEG and content.count(b"\xff\xda") > _MOST_SCANS * len(offsets):
        raise ImageError(f"a TIFF of JPEG with more than {_MOST_SCANS} scans a part; {_SAVE}")
