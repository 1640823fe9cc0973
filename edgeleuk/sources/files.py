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
    ended by `separator`, on the descriptor `input_fd`, where an empty batch says that none came for a while. What
    several names or matches stand for comes once. Nothing is listed further than needed. Raises UsageError for a name
    or pattern that stands for nothing, DataError for a folder without images or that cannot be read, where a pattern
    does not have others: both before the first batch.
    """
    if names.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input ('-') can be read only once")
    matches = {name: [name] if name == STANDARD_INPUT else _matches(name) for name in names}
    once = _Once(match for found in matches.values() for match in found)
    batches = [
        names_from(input_fd, separator) if name == STANDARD_INPUT else _singly(_images_of(name, found, once))
        for name, found in matches.items()
    ]
    return chain.from_iterable(batches)


def _matches(name: str) -> list[str]:
    if os.path.lexists(name):
        return [name]
    if not _PATTERN.intersection(name):
        raise UsageError(f"no such file or folder: {name}")
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not matches:
        raise UsageError(f"no file or folder matches {name!r}")
    folders = {Path(match) for match in matches if Path(match).is_dir()}
    return [match for match in matches if folders.isdisjoint(Path(match).parents)]  # what is in a folder, that decides


class _Once:
    """Tells which of some paths stand for images that another one does not stand for already."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._folders = {_absolute(path) for path in paths if Path(path).is_dir()}
        self._taken: set[Path] = set()

    def takes(self, path: str) -> bool:
        """Whether the path is neither below one of the folders, whose images are listed, nor was taken before."""
        place = _absolute(path)
        below = any(self._lists(folder, place) for folder in place.parents if folder in self._folders)
        is_new = not below and place not in self._taken
        self._taken.add(place)
        return is_new

    def _lists(self, folder: Path, place: Path) -> bool:
        *between, name = place.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in between)
        return not hidden and (is_image_name(name) or place in self._folders)


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would take a link for what it leads to


def _singly(paths: Iterable[str]) -> Iterator[Sequence[Path]]:
    return ((Path(path),) for path in paths)


def _images_of(name: str, matches: Sequence[str], once: _Once) -> Iterable[str]:
    """Images of the matches of a name. Raises DataError if folders are all there is, and they hold none."""
    taken = [match for match in matches if once.takes(match)]
    if taken and all(next(iter(_expanded(match)), None) is None for match in taken):
        raise DataError(f"{name} holds no images; expected files ending in {', '.join(sorted(IMAGE_SUFFIXES))}")
    return chain.from_iterable(map(_expanded, taken))


def _expanded(path: str) -> Iterable[str]:
    return _images_below(path) if Path(path).is_dir() else (path,)


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
