"""Atomic writes: every file and folder is written under a temporary name beside its place, then renamed.

A regular file, or nothing, is replaced in one step; a link is followed, so that it stays and what it names is replaced.
A pipe or a character device, which others hold or depend on, is written into and never replaced. All else is refused.
"""

import fcntl
import importlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.errors import OutputError

if TYPE_CHECKING:
    from hashlib import _Hash

# hashlib, json, shutil and tempfile are imported where they are used: every command starts by importing this module.

_FEW_BYTES = 1 << 20
_OWN_SHA256 = ("_sha2", "_sha256")  # since Python 3.12, and before
_MOST_LINKS = 40  # as the kernel follows
_LONGEST_NAME = 255  # bytes, of Linux file systems
_ENDING = ".partial"
_RANDOM = 8  # characters that tempfile puts into a name
_LEFT_FOR_S = 60.0
_NUMBERED = re.compile(r"/(?:dev|proc/(?:self|thread-self|\d+))/fd/(\d+)")
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFBLK: "a block device", stat.S_IFSOCK: "a socket"}


def sha256_bytes(content: bytes | memoryview) -> str:
    """SHA-256 of content, 64 lower-case hex digits."""
    import hashlib

    return hashlib.sha256(content).hexdigest()


def new_sha256(size: int) -> "_Hash":
    """A SHA-256 to be updated with about `size` bytes.

    hashlib loads OpenSSL, which takes 2 ms and 4 MiB. Where it is not loaded yet and there is less to do than that,
    Python's own is taken, as its `random` does.
    """
    if size <= _FEW_BYTES and "hashlib" not in sys.modules:
        for name in _OWN_SHA256:
            with suppress(ImportError):
                made: _Hash = importlib.import_module(name).sha256()
                return made
    import hashlib

    return hashlib.sha256()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hex digits; reads 1 MiB at a time. Raises OSError as open() does."""
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the body into OutputError that names path."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another place"
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; renamed into place when the body ends well, removed when it fails.

    A link is followed and stays; a pipe or a device is written into, never replaced. Raises OutputError if the file
    cannot be written (permission, disk full), or path is a folder.
    """
    import shutil
    import tempfile

    with output_errors(path):
        stream = stream_of(path)
        if stream is not None:
            with os.fdopen(stream, "wb") as pipe, tempfile.NamedTemporaryFile(prefix="edgeleuk.") as copy:
                yield Path(copy.name)
                with Path(copy.name).open("rb") as content:
                    shutil.copyfileobj(content, pipe)
            return
        with _partial_file(real_place(path)) as partial:
            yield partial


@contextmanager
def _partial_file(place: Path) -> Iterator[Path]:
    import tempfile

    place.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(place)
    handle, name = tempfile.mkstemp(prefix=partial_prefix(place.name), suffix=".partial", dir=place.parent)
    os.close(handle)
    partial = Path(name)
    try:
        with held(partial):
            yield partial
            _flush_to_disk(partial)
            partial.chmod(_mode_of(place))
            partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write content to path atomically. Raises OutputError."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 to path atomically; what UTF-8 cannot hold (names of files may) is escaped.

    Raises OutputError.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def to_json(value: Any) -> str:
    """Indented JSON with a final newline, keys in the order given; refuses NaN, which is not JSON."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`; renamed into place when the body ends well, removed when it fails.

    A link is followed and stays. Raises OutputError if path already exists with something in it, or cannot be
    written.
    """
    import shutil
    import tempfile

    refuse_taken(path)
    with output_errors(path):
        place = real_place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(place)
        partial = Path(tempfile.mkdtemp(prefix=partial_prefix(place.name), suffix=".partial", dir=place.parent))
        try:
            with held(partial):
                yield partial
                publish_folder(partial, place)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def refuse_taken(path: Path) -> None:
    """Raise OutputError if path is a file, a pipe, a device, or a folder that is not empty."""
    if path.name in ("", ".."):
        raise OutputError(f"{path} cannot be the name of a new folder; name one in it")
    refuse_no_folder(path)
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists():
        raise OutputError(f"{path} already exists; choose another place or remove it first")


def publish_folder(partial: Path, path: Path) -> None:
    """Rename the finished folder `partial` to `path`, which is absent, an empty folder or a link to one of these."""
    place = real_place(path)
    partial.chmod(0o777 & ~_umask())
    partial.replace(place)
    _flush_to_disk(place.parent)


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode_of(place: Path) -> int:
    """Permissions that the file has, or that a new one gets."""
    try:
        return place.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def real_place(path: Path) -> Path:
    """Where a file or folder written to path has to be renamed to: links followed, the last name need not exist.

    Raises OutputError for links that go in a circle.
    """
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            return path
        path = path.parent / path.readlink()
    raise OutputError(f"cannot write {path}: its links form a loop; remove them or choose another place")


def stream_of(path: Path) -> int | None:
    """A new descriptor to write into if path is a pipe or a device; None if it is a file or absent.

    Raises OutputError if it can be neither replaced nor written into, or if nothing reads from a pipe.
    """
    if (number := _descriptor(path)) is not None:
        return _duplicate(number, path)
    kind = _kind(path)
    if kind in (None, stat.S_IFREG):
        return None
    if kind not in (stat.S_IFCHR, stat.S_IFIFO):
        raise OutputError(f"cannot write {path}: it is {_KINDS.get(kind or 0, 'no file')}; name a file")
    return _opened(path)


def is_stream(path: Path) -> bool:
    """Whether path is written into: a pipe, a character device or an open descriptor, named by itself or by a link."""
    return _descriptor(path) is not None or _kind(path) in (stat.S_IFCHR, stat.S_IFIFO)


def refuse_no_folder(path: Path) -> None:
    """Raise OutputError if path is something else than a folder, so that no folder can be made there."""
    if _descriptor(path) is None and _kind(path) in (None, stat.S_IFDIR, stat.S_IFREG):
        return
    raise OutputError(f"cannot write the folder {path}: it is a pipe or a device; choose another place")


def partial_prefix(name: str) -> str:
    """The begin of the name of a partial file: as much of the name as leaves room for what is added."""
    room = _LONGEST_NAME - len("..") - _RANDOM - len(_ENDING)
    return f".{name.encode('utf-8', 'surrogateescape')[:room].decode('utf-8', 'ignore')}."


def clear_leftovers(path: Path) -> None:
    """Remove temporary files that killed writes of path left: unlocked, untouched for a minute. Failing is no error."""
    name = re.compile(re.escape(partial_prefix(path.name)) + rf"[a-z0-9_]{{{_RANDOM}}}" + re.escape(_ENDING))
    try:
        found = [entry.path for entry in os.scandir(path.parent) if name.fullmatch(entry.name)]
    except OSError:
        return
    for leftover in map(Path, found):
        _remove_if_left(leftover)


@contextmanager
def held(partial: Path) -> Iterator[None]:
    """Lock a partial file or folder while it is written; a kill unlocks it, by which others know a leftover."""
    handle = os.open(partial, os.O_RDONLY)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _remove_if_left(leftover: Path) -> None:
    import shutil

    try:
        handle = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        is_old = time.time() - os.fstat(handle).st_mtime > _LEFT_FOR_S  # one just made may not be locked yet
        if is_old and _lock(handle):
            shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    except OSError:
        return
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or a file system without locks, where nothing is taken for a leftover
        return False
    return True


def _descriptor(path: Path) -> int | None:
    """The number of the open descriptor that path names, such as 1 for /dev/stdout."""
    for _ in range(_MOST_LINKS):
        absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow the link to where it leads
        if absolute in _STANDARD:
            return _STANDARD[absolute]
        if found := _NUMBERED.fullmatch(absolute):
            return int(found[1])
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def _duplicate(number: int, path: Path) -> int:
    try:
        return os.dup(number)
    except OSError as error:
        raise OutputError(f"cannot write {path}: descriptor {number} is not open; choose another place") from error


def _kind(path: Path) -> int | None:
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:  # absent, or out of reach, which writing will say
        return None


def _opened(path: Path) -> int:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        why = "nothing reads from this pipe; start its reader first" if path.is_fifo() else error.strerror
        raise OutputError(f"cannot write {path}: {why}") from error
    os.set_blocking(handle, True)
    return handle
