"""Images named on a command line: files, folders, glob patterns, and names that come on standard input."""

import glob
import os
import select
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from edgeleuk.errors import DataError, UsageError, reading_what_was_named
from edgeleuk.sources.names import IMAGE_SUFFIXES, is_image_name

STANDARD_INPUT = "-"
_PATTERN = frozenset("*?[")
_IDLE_S = 0.2
_BLOCK = 65536


@reading_what_was_named()
def named_images(names: Sequence[str], input_fd: int = 0, separator: bytes = b"\n") -> Iterator[Sequence[Path]]:
    """Batches of the files that `names` stand for, whatever their suffix, and of the images in folders, subfolders too.

    A name that does not exist and holds *, ? or [ is a pattern ('**' crosses folders); "-" stands for the names, each
    ended by `separator`, on the descriptor `input_fd`, where an empty batch says that none came for a while. Nothing is
    listed further than needed. Raises UsageError for a name or pattern that stands for nothing, DataError for a folder
    without images or that cannot be read: both before the first batch.
    """
    if names.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input ('-') can be read only once")
    batches = [_batches(name, input_fd, separator) for name in names]
    return chain.from_iterable(batches)


def _batches(name: str, input_fd: int, separator: bytes) -> Iterable[Sequence[Path]]:
    if name == STANDARD_INPUT:
        return names_from(input_fd, separator)
    if os.path.lexists(name):
        return _singly(_expanded(name))
    if not _PATTERN.intersection(name):
        raise UsageError(f"no such file or folder: {name}")
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not matches:
        raise UsageError(f"no file or folder matches {name!r}")
    return _singly(chain.from_iterable([_expanded(match) for match in matches]))


def _singly(paths: Iterable[str]) -> Iterator[Sequence[Path]]:
    return ((Path(path),) for path in paths)


def _expanded(path: str) -> Iterable[str]:
    if not Path(path).is_dir():
        return (path,)
    if next(iter(_images_below(path)), None) is None:
        raise DataError(f"{path} holds no images; expected files ending in {', '.join(sorted(IMAGE_SUFFIXES))}")
    return _images_below(path)


def _images_below(folder: str) -> Iterator[str]:
    """One folder's names in memory at a time, sorted; hidden folders are left out, as hidden files are."""
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(filter(is_image_name, names)):
            yield os.path.join(place, name)  # noqa: PTH118 - a Path for each costs more than this


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: {error.strerror}") from error


def names_from(fd: int, separator: bytes = b"\n") -> Iterator[Sequence[Path]]:
    """Batches of the paths written to fd, each ended by `separator`; an empty one when none came for a while.

    Bytes that are no UTF-8 stay what they are. Empty names are left out; a last name needs no separator.
    """
    rest = b""
    while True:
        if not select.select([fd], [], [], _IDLE_S)[0]:
            yield ()
            continue
        block = os.read(fd, _BLOCK)
        *names, rest = (rest + block).split(separator)
        if not block:
            names = [rest]
        if found := [Path(os.fsdecode(name)) for name in names if name]:
            yield found
        if not block:
            return
