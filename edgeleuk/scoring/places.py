"""Where images lie: paths of this machine, and objects of a store by URI, as pyarrow reads them.

A place is an absolute path, or "s3://bucket/key" without what only opens the store: a user's key and the options
behind "?", such as endpoint_override. Those are in the `root`, which is "" of paths; workers get it, archives do not.
"""

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from edgeleuk.errors import DataError, ImageError, UsageError, reading_what_was_named
from edgeleuk.sources.reading import read_regular

SCHEMES = ("s3", "gs")
_LINE = 300


class Found(NamedTuple):
    """A file or object: its place, its version, and its size in bytes."""

    place: str
    version: str
    size: int


def is_uri(text: str) -> bool:
    """Whether it names an object, not a path."""
    return text.partition("://")[0] in SCHEMES


def rooted(text: str) -> tuple[str, str]:
    """Place and root of a path or URI. Raises UsageError for a scheme that is not read, and for no name at all."""
    if not text:
        raise UsageError("SOURCE is an empty name; expected a path or a URI (. is the current folder)")
    scheme, colon, rest = text.partition("://")
    if not colon or "/" in scheme:
        return os.path.abspath(text), ""  # noqa: PTH100 - links stay what they are
    if scheme == "file":
        return os.path.abspath(unquote(urlsplit(text).path)), ""  # noqa: PTH100
    if scheme not in SCHEMES:
        raise UsageError(
            f"{scheme}:// is not read; expected a path, file://, {' or '.join(f'{s}://' for s in SCHEMES)}"
        )
    where, _, options = rest.partition("?")
    bucket, _, key = where.partition("/")
    host = bucket.rpartition("@")[2]
    if not host:
        raise UsageError(f"{scheme}://{key} names no bucket; expected {scheme}://BUCKET/KEY")
    return f"{scheme}://{host}/{key}".removesuffix("/"), f"{scheme}://{bucket}{f'?{options}' if options else ''}"


@lru_cache(maxsize=64)
def _store(root: str) -> Any:
    from pyarrow import fs

    try:
        return fs.FileSystem.from_uri(root)[0]
    except (OSError, ValueError) as error:
        raise DataError(f"{_bare(root)}: {_line(error)}") from error


def _bare(root: str) -> str:
    return rooted(root)[0]


def _key(place: str) -> str:
    return place.partition("://")[2]


def read_place(place: str, root: str, most: int) -> bytes:
    """The bytes of an image of at most `most`. Raises ImageError as `read_regular` does."""
    if not root:
        return read_regular(Path(place), most, follow_link=True)
    try:
        with _store(root).open_input_file(_key(place)) as stream:
            if stream.size() > most:
                raise ImageError(f"{place}: {stream.size():,} bytes; at most {most:,} are read")
            return bytes(stream.read())
    except FileNotFoundError as error:
        raise ImageError(f"{place}: no such file") from error
    except (OSError, ValueError, DataError) as error:
        raise ImageError(f"{place}: cannot be read: {_line(error)}") from error


def open_shard(place: str, root: str) -> IO[bytes]:
    """A shard, to be read anywhere in it. Raises OSError."""
    if not root:
        return Path(place).open("rb")
    import io

    return io.BufferedReader(_store(root).open_input_file(_key(place)), 1 << 20)


@reading_what_was_named()
def look(place: str, root: str) -> Found | None:
    """What is there; None if it is a folder. Raises UsageError if it is nothing, DataError if one may not look."""
    if not root:
        return _look_here(place)
    from pyarrow import fs

    try:
        found = _store(root).get_file_info(_key(place))
    except OSError as error:
        raise DataError(f"{place}: {_line(error)}") from error
    if found.type == fs.FileType.NotFound:
        raise UsageError(f"{place}: no such object or folder")
    return None if found.type == fs.FileType.Directory else _found_there(place, found)


def version_of(place: str, root: str) -> str:
    """The version of what a list names: "" of an object, which to ask for one by one takes long, and of nothing."""
    if root:
        return ""
    try:
        return _version(os.stat(place))  # noqa: PTH116
    except (OSError, ValueError):
        return ""


def walk(place: str, root: str) -> Iterator[Found]:
    """All files below a folder, sorted folder by folder; hidden ones left out. Raises DataError."""
    return _walk_there(place, root) if root else _walk_here(place)


def _walk_here(place: str) -> Iterator[Found]:
    for folder, folders, names in os.walk(place, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                path = os.path.join(folder, name)  # noqa: PTH118 - a Path for each costs more than this
                try:
                    seen = os.stat(path)  # noqa: PTH116
                except OSError:
                    yield Found(path, "", 0)  # whoever reads it says why
                else:
                    if not stat.S_ISDIR(seen.st_mode):
                        yield Found(path, _version(seen), seen.st_size)


def _walk_there(place: str, root: str) -> Iterator[Found]:
    from pyarrow import fs

    scheme = place.partition("://")[0]
    try:
        inside = _store(root).get_file_info(fs.FileSelector(_key(place)))
    except OSError as error:
        raise DataError(f"{place}: {_line(error)}") from error
    for each in sorted(inside, key=lambda each: cast("str", each.path)):
        if each.base_name.startswith("."):
            continue
        there = f"{scheme}://{each.path}"
        if each.type == fs.FileType.Directory:
            yield from _walk_there(there, root)
        elif each.type == fs.FileType.File:
            yield _found_there(there, each)


def _look_here(place: str) -> Found | None:
    try:
        seen = os.stat(place)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{place}: no such file or folder") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{place}: {getattr(error, 'strerror', None) or error}") from error
    return None if stat.S_ISDIR(seen.st_mode) else Found(place, _version(seen), seen.st_size)


def _version(seen: os.stat_result) -> str:
    return f"{seen.st_size}-{seen.st_mtime_ns}"


def _found_there(place: str, found: Any) -> Found:
    return Found(place, f"{found.size}-{found.mtime_ns or 0}", int(found.size or 0))


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: {error.strerror}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LINE] or type(error).__name__
