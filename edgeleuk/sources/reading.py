"""A file's bytes, read so that no link, pipe, device or endless file can do harm."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeleuk.errors import ImageError

MAX_BYTES = 512 << 20
# Without waiting for a pipe's writer, and without making a terminal ours.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_FOLDER_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW


def read_regular(
    path: Path, max_bytes: int = MAX_BYTES, *, beneath: Path | None = None, follow_link: bool = False
) -> bytes:
    """The bytes of a regular file of at most `max_bytes`, read once, whole and unchanged meanwhile.

    A symbolic link is refused unless `follow_link`; with `beneath`, a folder that path begins with, so is one anywhere
    below that folder. Raises ImageError, which says why: no such file, a link, a pipe or device (which is not even
    opened), too large, no permission, or written to while it was read.
    """
    with _image_errors(path):
        handle = _open(path, beneath, follow_link)
        try:
            return _read_whole(handle, path, max_bytes)
        finally:
            os.close(handle)


def hash_regular(path: Path, *, beneath: Path | None = None) -> str:
    """SHA-256 of such a file of any size, in little memory. Raises ImageError as `read_regular` does."""
    import hashlib  # OpenSSL with it, which what only reads need not load

    with _image_errors(path), open(_open(path, beneath, follow_link=beneath is None), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_beneath(folder: Path, path: Path) -> int:
    """Open a file below folder for reading, its descriptor; no link is followed on the way from folder to it.

    Folder itself may be a link. Raises OSError (ELOOP or ENOTDIR at a link), ImageError if path is not below folder.
    """
    parts = _parts_below(folder, path)
    current = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER_FLAGS, dir_fd=current)
            os.close(current)
            current = inner
        return _open_regular(parts[-1], path, dir_fd=current)
    finally:
        os.close(current)


@contextmanager
def _image_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImageError(f"{path}: {_reason(error)}") from error
    except ValueError as error:
        raise ImageError(f"{str(path)!r}: not a file name: it holds a zero byte") from error


def _open(path: Path, beneath: Path | None, follow_link: bool) -> int:
    return _open_regular(path, path, follow_link=follow_link) if beneath is None else open_beneath(beneath, path)


def _open_regular(name: str | Path, path: Path, dir_fd: int | None = None, follow_link: bool = False) -> int:
    """Looked at before it is opened, as opening some devices does something; and again after, as it may be swapped."""
    _check_regular(os.stat(name, dir_fd=dir_fd, follow_symlinks=follow_link), path)
    handle = os.open(name, _FLAGS if follow_link else _FLAGS | os.O_NOFOLLOW, dir_fd=dir_fd)
    try:
        _check_regular(os.fstat(handle), path)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _check_regular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise ImageError(f"{path}: a symbolic link, which is not followed")
    if stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{path}: a folder, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise ImageError(f"{path}: not a regular file but a pipe, socket or device")


def _read_whole(handle: int, path: Path, max_bytes: int) -> bytes:
    before = os.fstat(handle)
    if before.st_size > max_bytes:
        raise ImageError(f"{path}: {before.st_size:,} bytes; at most {max_bytes:,} are read")
    blocks, wanted = [], before.st_size + 1  # one more: a file that grows is not read to its moving end
    while wanted and (block := os.read(handle, wanted)):
        blocks.append(block)
        wanted -= len(block)
    after = os.fstat(handle)
    if wanted != 1 or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ImageError(f"{path}: was written to while it was read")
    return b"".join(blocks)


def _parts_below(folder: Path, path: Path) -> tuple[str, ...]:
    try:
        parts = path.relative_to(folder).parts
    except ValueError:
        parts = ()
    if not parts or ".." in parts:
        raise ImageError(f"{path}: not below {folder}")
    return parts


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a symbolic link that is not followed, or leads to itself"
    if error.errno == errno.ENOTDIR:
        return "not in a folder, or in one behind a symbolic link, which is not followed"
    if error.errno == errno.ENOENT:
        return "no such file"
    return f"cannot be read: {error.strerror or error}"
