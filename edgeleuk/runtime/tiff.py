"""Which page of a TIFF is the picture, and whether it is one that is decoded rightly: judged by its own tags.

They are read without decoding: what a decoder drops in silence stands there. TIFF 6.0 (Adobe, 1992), its BigTIFF
variant (offsets of 64 bits), and the tags of later supplements that are named here.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from edgeleuk.errors import ImageError

_CLASSIC, _BIG = 42, 43
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_SIZES = {kind: struct.calcsize(f"={code}") for kind, code in _CODES.items()}  # bytes of each type of whole number
_MOST_ENTRIES = 4096
_MOST_TEXT = 1 << 16
_MOST_PARTS = 1 << 20
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION = 254, 256, 257, 258, 259, 262, 270
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR, _PAGE_NAME = 273, 277, 278, 279, 284, 285
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_STK_PLANES, _DEPTH = 33629, 32997
_TAGS = frozenset(
    {_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION, _STRIPS, _SAMPLES, _ROWS}
    | {_STRIP_BYTES, _PLANAR, _PAGE_NAME, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT}
    | {_STK_PLANES, _DEPTH, 320}
)
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


class _TiffDamage(Exception):  # noqa: N818 - becomes ImageError if the file's name is known
    """Tags that cannot be right."""


@dataclass(frozen=True)
class _Entry:
    """Where a tag's values lie: of which type, how many, at which place of the file."""

    kind: int
    count: int
    place: int


class Page:
    """One page (IFD): its tags as attributes, with the defaults of TIFF 6.0."""

    def __init__(self, content: bytes, order: str, entries: dict[int, _Entry]) -> None:
        """Raises _TiffDamage if a number that must be there is not, or is none."""
        self._content, self._order, self._entries = content, order, entries
        self.width, self.height = self._one(_WIDTH, 0), self._one(_HEIGHT, 0)
        self.samples = self._one(_SAMPLES, 1)
        self.photometric = self._one(_PHOTOMETRIC, 0)
        self.compression = self._one(_COMPRESSION, 1)
        self.planar = self._one(_PLANAR, 1)
        self.subfile = self._one(_SUBFILE, 0)
        self.depth = self._one(_DEPTH, 1)
        self.bits = self._some(_BITS, (1,))
        self.formats = self._some(_FORMAT, (1,))
        self.extra = self._some(_EXTRA, ())
        self.tile = (self._one(_TILE_WIDTH, 0), self._one(_TILE_HEIGHT, 0)) if _TILES in entries else None
        self.rows_per_strip = self._one(_ROWS, self.height)
        planes = entries.get(_STK_PLANES)
        self.stack_planes = planes.count if planes is not None else 1

    @property
    def description(self) -> str:
        """What the writing program says, at most 64 KiB of it."""
        return self._text(_DESCRIPTION)

    @property
    def name(self) -> str:
        """What the page is called, or nothing."""
        return self._text(_PAGE_NAME)

    @property
    def colour_map(self) -> tuple[int, ...]:
        """The palette, 16 bits a value; empty without one."""
        return self._some(320, (), most=3 << 8)

    def parts(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Offsets and sizes of the strips or tiles. Raises _TiffDamage if there are not as many as the page needs."""
        offsets, sizes = (_STRIPS, _STRIP_BYTES) if self.tile is None else (_TILES, _TILE_BYTES)
        expected = self._parts_expected()
        found = self._entries.get(offsets)
        if found is None or found.count != expected or expected > _MOST_PARTS:
            raise _TiffDamage(f"{found.count if found else 0} strips or tiles, where its size needs {expected}")
        return self._some(offsets, (), most=expected), self._some(sizes, (), most=expected)

    def _parts_expected(self) -> int:
        layers = self.samples if self.planar == 2 else 1
        if self.tile is None:
            return layers * -(-self.height // max(1, min(self.rows_per_strip, self.height)))
        wide, high = self.tile
        if min(wide, high) < 1:
            raise _TiffDamage(f"tiles of {wide}x{high}")
        return layers * -(-self.width // wide) * -(-self.height // high)

    def _one(self, tag: int, default: int) -> int:
        values = self._some(tag, (default,))
        return values[0] if values else default

    def _some(self, tag: int, default: tuple[int, ...], most: int = 64) -> tuple[int, ...]:
        entry = self._entries.get(tag)
        if entry is None:
            return default
        code = _CODES.get(entry.kind)
        if code is None or entry.count > most:
            raise _TiffDamage(f"tag {tag} holds {entry.count} values of type {entry.kind}")
        try:
            return struct.unpack_from(f"{self._order}{entry.count}{code}", self._content, entry.place)
        except struct.error as error:
            raise _TiffDamage(f"tag {tag} points outside of the file") from error

    def _text(self, tag: int) -> str:
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in (1, 2, 7):
            return ""
        raw = self._content[entry.place : entry.place + min(entry.count, _MOST_TEXT)]
        return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _pages(content: bytes) -> Iterator[Page]:
    """In the order of the file. Raises _TiffDamage."""
    order = "<" if content[:2] == b"II" else ">"
    try:
        (version,) = struct.unpack_from(f"{order}H", content, 2)
        if version not in (_CLASSIC, _BIG):
            raise _TiffDamage(f"version {version}")
        offset_code, place = ("I", 4) if version == _CLASSIC else ("Q", 8)
        (offset,) = struct.unpack_from(order + offset_code, content, place)
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise _TiffDamage("its pages form a loop")
            seen.add(offset)
            entries, offset = _entries(content, order, version, offset)
            yield Page(content, order, entries)
    except struct.error as error:
        raise _TiffDamage("a page lies outside of the file") from error


def _entries(content: bytes, order: str, version: int, offset: int) -> tuple[dict[int, _Entry], int]:
    """The entries of one directory that matter here, and where the next one lies; 0 after the last."""
    count_code, entry_code, next_code, inline = ("H", "HHII", "I", 4) if version == _CLASSIC else ("Q", "HHQQ", "Q", 8)
    (count,) = struct.unpack_from(order + count_code, content, offset)
    if count > _MOST_ENTRIES:
        raise _TiffDamage(f"a page of {count} tags")
    start, step = offset + struct.calcsize(order + count_code), struct.calcsize(order + entry_code)
    found: dict[int, _Entry] = {}
    for place in range(start, start + count * step, step):
        tag, kind, length, value = struct.unpack_from(order + entry_code, content, place)
        if tag in _TAGS:
            fits = length * _SIZES.get(kind, 1) <= inline
            found[tag] = _Entry(kind, length, place + step - inline if fits else value)
    (following,) = struct.unpack_from(order + next_code, content, start + count * step)
    return found, following


def choose_page(content: bytes, number: int | None) -> Page:
    """Page `number`, from 1, of a TIFF; without a number its only one, smaller copies of page one left aside.

    Raises ImageError if the file has several pictures and none was chosen, has no such page, or if the page is
    not one of unsigned samples of at most 8 bits in a known colour space.
    """
    try:
        page = _only_page(content) if number is None else _numbered(content, number)
        _check_samples(page)
        _check_parts(page, content)
    except _TiffDamage as damage:
        raise ImageError(f"a damaged TIFF: {damage}") from damage
    return page


def has_ignored_opacity(page: Page) -> bool:
    """Whether the colours of a page are what a black ground shows: a fourth sample is not to be multiplied again.

    So if the extra sample is associated (premultiplied) alpha, or is not said to be opacity at all.
    """
    return page.samples > _COLOURS[page.photometric] and (not page.extra or page.extra[0] in (0, 1))


def _only_page(content: bytes) -> Page:
    found = list(islice(_pages(content), _MOST_COPIES))
    if not found:
        raise _TiffDamage("it has no page")
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
    found = list(islice(_pages(content), min(number, _MOST_PAGES)))
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
