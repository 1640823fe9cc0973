"""Files that are whole or absent: everything is written beside its place and renamed into it."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeleuk.errors import OutputError
from edgeleuk.places import clear_leftovers, held, partial_prefix, real_place, refuse_no_folder, stream_of


def sha256_bytes(content: bytes | memoryview) -> str:
    """SHA-256 of content, 64 lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hex digits; reads 1 MiB at a time. Raises OSError as open() does."""
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
    """Write content to path, whole or not at all. Raises OutputError."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 to path, whole or not at all; what UTF-8 cannot hold (names of files may) is escaped.

    Raises OutputError.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def to_json(value: Any) -> str:
    """Indented JSON with a final newline, keys in the order given; refuses NaN, which is not JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`; renamed into place when the body ends well, removed when it fails.

    A link is followed and stays. Raises OutputError if path already exists with something in it, or cannot be
    written.
    """
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
