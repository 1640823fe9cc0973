"""Reading the ZIP behind a model: how much each part takes is known before a byte of it is unpacked.

A model file may come from a stranger, and a few hundred kilobytes can hold gigabytes, or a list of a million files.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from edgeleuk.errors import ModelError
from edgeleuk.runtime.plain_archive import MAX_LIST_BYTES, MAX_RATIO

_USUAL = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_archive(content: bytes) -> zipfile.ZipFile:
    """The ZIP at the end of content. Raises BadZipFile, also if its list of files is longer than MAX_LIST_BYTES."""
    stream = _ListBounded(content)
    archive = zipfile.ZipFile(stream)
    stream.most = len(content)
    return archive


def read_file(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file's bytes, at most `most`. Raises ModelError if it is said to be longer, or is not what is said."""
    entry = archive.getinfo(name)
    if entry.compress_type not in _USUAL:
        raise ModelError(f"{name} is compressed by method {entry.compress_type}; expected ZIP's usual one")
    if entry.file_size > most or entry.file_size > MAX_RATIO * entry.compress_size:
        raise ModelError(
            f"{name} would unpack from {entry.compress_size:,} to {entry.file_size:,} bytes; expected at most {most:,}"
            f" and {MAX_RATIO} times as many"
        )
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size + 1)  # not read(), which unpacks all before it looks at the size
    if len(content) != entry.file_size:
        raise ModelError(f"{name} has {len(content):,} bytes, not the {entry.file_size:,} that the list of files says")
    return content


class Parts:
    """Of a ZIP that zipfile reads what `PlainArchive` gives. Raises ValueError, KeyError or OSError if damaged."""

    def __init__(self, content: bytes) -> None:
        with _as_value_error():
            self._archive = open_archive(content)
        self.names = tuple(self._archive.namelist())
        self.begins_at = min((entry.header_offset for entry in self._archive.infolist()), default=None)

    def stored_bytes(self, name: str) -> int:
        """How many a file takes as it lies there."""
        return self._archive.getinfo(name).compress_size

    def read(self, name: str, most: int) -> bytes:
        """As `read_file`."""
        with _as_value_error():
            return read_file(self._archive, name, most)


@contextmanager
def _as_value_error() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error


class _ListBounded(io.BytesIO):
    """Bytes of which no piece of more than `most` is read at once: zipfile reads the list of files in one piece."""

    most = MAX_LIST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise zipfile.BadZipFile(f"the list of files takes {size:,} bytes; expected at most {self.most:,}")
        return super().read(size)
