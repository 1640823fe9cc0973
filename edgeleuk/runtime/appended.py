"""Reading the ZIP behind a model: how much each part takes is known before a byte of it is unpacked.

A model file may come from a stranger, and a few hundred kilobytes can hold gigabytes, or a list of a million files.
"""

import io
import zipfile

from edgeleuk.errors import ModelError

MAX_LIST_BYTES = 1 << 18
MAX_RATIO = 200
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


class _ListBounded(io.BytesIO):
    """Bytes of which no piece of more than `most` is read at once: zipfile reads the list of files in one piece."""

    most = MAX_LIST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise zipfile.BadZipFile(f"the list of files takes {size:,} bytes; expected at most {self.most:,}")
        return super().read(size)
