"""The pages of a TIFF file by their own tags, read without decoding: what a decoder drops in silence stands there.

TIFF 6.0 (Adobe, 1992), its BigTIFF variant (offsets of 64 bits), and the tags of later supplements that are named here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_CLASSIC, _BIG = 42, 43
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}  # bytes of each type of whole number
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
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


class TiffDamage(Exception):  # noqa: N818 - becomes ImageError if the file's name is known
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
        """Raises TiffDamage if a number that must be there is not, or is none."""
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
        """Offsets and sizes of the strips or tiles. Raises TiffDamage if there are not as many as the page needs."""
        offsets, sizes = (_STRIPS, _STRIP_BYTES) if self.tile is None else (_TILES, _TILE_BYTES)
        expected = self._parts_expected()
        found = self._entries.get(offsets)
        if found is None or found.count != expected or expected > _MOST_PARTS:
            raise TiffDamage(f"{found.count if found else 0} strips or tiles, where its size needs {expected}")
        return self._some(offsets, (), most=expected), self._some(sizes, (), most=expected)

    def _parts_expected(self) -> int:
        layers = self.samples if self.planar == 2 else 1
        if self.tile is None:
            return layers * -(-self.height // max(1, min(self.rows_per_strip, self.height)))
        wide, high = self.tile
        if min(wide, high) < 1:
            raise TiffDamage(f"tiles of {wide}x{high}")
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
            raise TiffDamage(f"tag {tag} holds {entry.count} values of type {entry.kind}")
        try:
            return struct.unpack_from(f"{self._order}{entry.count}{code}", self._content, entry.place)
        except struct.error as error:
            raise TiffDamage(f"tag {tag} points outside of the file") from error

    def _text(self, tag: int) -> str:
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in (1, 2, 7):
            return ""
        raw = self._content[entry.place : entry.place + min(entry.count, _MOST_TEXT)]
        return raw.partition(b"\0")[0].decode("utf-8", "replace")


def pages(content: bytes, most: int) -> Iterator[Page]:
    """Yield the pages of a TIFF in the order of the file, at most `most`. Raises TiffDamage."""
    return islice(_pages(content), most)


def _pages(content: bytes) -> Iterator[Page]:
    order = "<" if content[:2] == b"II" else ">"
    try:
        (version,) = struct.unpack_from(f"{order}H", content, 2)
        if version not in (_CLASSIC, _BIG):
            raise TiffDamage(f"version {version}")
        offset_code, place = ("I", 4) if version == _CLASSIC else ("Q", 8)
        (offset,) = struct.unpack_from(order + offset_code, content, place)
        seen: set[int] = set()
        while offset:
            if offset in seen:
                raise TiffDamage("its pages form a loop")
            seen.add(offset)
            entries, offset = _entries(content, order, version, offset)
            yield Page(content, order, entries)
    except struct.error as error:
        raise TiffDamage("a page lies outside of the file") from error


def _entries(content: bytes, order: str, version: int, offset: int) -> tuple[dict[int, _Entry], int]:
    """The entries of one directory that matter here, and where the next one lies; 0 after the last."""
    count_code, entry_code, next_code, inline = ("H", "HHII", "I", 4) if version == _CLASSIC else ("Q", "HHQQ", "Q", 8)
    (count,) = struct.unpack_from(order + count_code, content, offset)
    if count > _MOST_ENTRIES:
        raise TiffDamage(f"a page of {count} tags")
    start, step = offset + struct.calcsize(order + count_code), struct.calcsize(order + entry_code)
    found: dict[int, _Entry] = {}
    for place in range(start, start + count * step, step):
        tag, kind, length, value = struct.unpack_from(order + entry_code, content, place)
        if tag in _TAGS:
            fits = length * _SIZES.get(kind, 1) <= inline
            found[tag] = _Entry(kind, length, place + step - inline if fits else value)
    (following,) = struct.unpack_from(order + next_code, content, start + count * step)
    return found, following
