"""The ZIP behind a model as edgeleuk writes it, read without zipfile, which takes longer to load than to read with.

Only what leaves no doubt is read here: files one behind the other, stored or deflated, none twice, none with a comment
or further fields, and the list of them at the very end. Of every other ZIP, a damaged one among them, nothing is:
`NotPlainError` says to have zipfile read or refuse it.
"""

import struct
import zlib
from typing import NamedTuple

MAX_LIST_BYTES = 1 << 18
MAX_RATIO = 200  # bytes of a file for each that it takes in the ZIP
_END, _LISTED, _LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_VERSION = 20  # of ZIP that a reader needs
_MOST = 0xFFFF_FFFE  # beyond, sizes stand elsewhere


class NotPlainError(Exception):
    """It is not the plain form, or not whole."""


class _Entry(NamedTuple):
    method: int
    crc: int
    compressed: int
    size: int
    data_at: int


class PlainArchive:
    """The files behind a model. `names`: in their order; `begins_at`: where the flatbuffer ends."""

    def __init__(self, content: bytes) -> None:
        """Raises NotPlainError."""
        self._content, self._entries = content, dict[str, _Entry]()
        try:
            self.begins_at = self._read_list()
        except (struct.error, ValueError) as error:
            raise NotPlainError from error

    @property
    def names(self) -> tuple[str, ...]:
        """Of all files."""
        return tuple(self._entries)

    def stored_bytes(self, name: str) -> int:
        """How many a file takes as it lies there. Raises NotPlainError if there is none."""
        _expect(name in self._entries)
        return self._entries[name].compressed

    def read(self, name: str, most: int) -> bytes:
        """A file's bytes. Raises NotPlainError if they are more than `most`, damaged, or none."""
        _expect(name in self._entries)
        method, crc, compressed, size, at = self._entries[name]
        _expect(size <= most and size <= MAX_RATIO * compressed)
        found = self._content[at : at + compressed]
        if method == _DEFLATED:
            found = _inflated(found, size)
        _expect(len(found) == size and zlib.crc32(found) == crc)
        return found

    def _read_list(self) -> int:
        """Fill the entries; returns where the first begins."""
        end_at = len(self._content) - _END.size
        signature, *disks, count, count_in_all, list_bytes, list_at, comment = _END.unpack_from(
            self._content, max(0, end_at)
        )
        _expect(signature == b"PK\5\6" and not any(disks) and 0 < count == count_in_all and not comment)
        _expect(list_bytes <= MAX_LIST_BYTES and list_at + list_bytes == end_at)
        at, first, ends = list_at, None, None
        for _ in range(count):
            name, header_at, entry, at = self._listed(at)
            _expect(name not in self._entries and (ends is None or header_at == ends))
            first = header_at if first is None else first
            self._entries[name] = entry
            ends = entry.data_at + entry.compressed
        _expect(at == end_at and ends == list_at and first is not None)
        return first or 0

    def _listed(self, at: int) -> tuple[str, int, _Entry, int]:
        """Name, place and facts of the file that is listed here, and where the next one is."""
        signature, _, version, *same, extra, comment, disk, _, _, header_at = _LISTED.unpack_from(self._content, at)
        flags, method, _, _, crc, compressed, size, name_bytes = same
        name_at = at + _LISTED.size
        name = self._content[name_at : name_at + name_bytes].decode("ascii")
        _expect(signature == b"PK\1\2" and version == _VERSION and not flags and method in (_STORED, _DEFLATED))
        _expect(not extra and not comment and not disk and name.isprintable() and max(compressed, size) <= _MOST)
        _expect(method == _DEFLATED or compressed == size)
        local = _LOCAL.unpack_from(self._content, header_at)
        data_at = header_at + _LOCAL.size + name_bytes
        _expect(local == (b"PK\3\4", version, *same, 0))
        _expect(self._content[header_at + _LOCAL.size : data_at] == name.encode())
        return name, header_at, _Entry(method, crc, compressed, size, data_at), name_at + name_bytes


def _inflated(packed: bytes, size: int) -> bytes:
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacking.decompress(packed, size + 1)
    except zlib.error as error:
        raise NotPlainError from error
    _expect(unpacking.eof and not unpacking.unused_data)
    return found


def _expect(holds: bool) -> None:
    if not holds:
        raise NotPlainError
