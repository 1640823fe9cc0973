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


def sha256_bytes(content: bytes) -> str:
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

    Raises OutputError where the file cannot be written (permission, disk full).
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            _flush_to_disk(partial)
            partial.chmod(0o666 & ~_umask())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write content to path, whole or not at all. Raises OutputError."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 to path, whole or not at all. Raises OutputError."""
    write_bytes(path, text.encode("utf-8"))


def to_json(value: Any) -> str:
    """Indented JSON with a final newline, keys in the order given; refuses NaN, which is not JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`; renamed into place when the body ends well, removed when it fails.

    Raises OutputError where path already exists with something in it, or cannot be written.
    """
    refuse_taken(path)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
        try:
            yield partial
            publish_folder(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def refuse_taken(path: Path) -> None:
    """Raise OutputError where path is a file or a folder that is not empty."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists():
        raise OutputError(f"{path} already exists; choose another place or remove it first")


def publish_folder(partial: Path, path: Path) -> None:
    """Rename the finished folder `partial` to `path`, which is absent or an empty folder."""
    partial.chmod(0o777 & ~_umask())
    partial.replace(path)
    _flush_to_disk(path.parent)


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
