"""What SOURCE stands for: units of work, listed without holding more than one folder's names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from edgeleuk.errors import DataError, UsageError
from edgeleuk.scoring.parquet import row_groups
from edgeleuk.scoring.places import Found, is_uri, look, rooted, version_of, walk
from edgeleuk.scoring.units import FILES, FILES_AT_ONCE, PARQUET, TAR, Unit, in_pieces, shares_of
from edgeleuk.sources.names import IMAGE_SUFFIXES, is_image_name

STANDARD_INPUT = "-"
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz")
PARQUET_ENDING, LIST_ENDING = ".parquet", ".txt"
EXPECTED = (
    "a folder, an image, a list of names (.txt, or - for standard input), Parquet (.parquet) or a tar shard (.tar)"
)


def listed(source: str, stdin: Any = None) -> Iterator[Unit]:
    """The units of a source. Raises UsageError for what is none, DataError for what holds no images."""
    if source == STANDARD_INPUT:
        yield from _of_list(stdin, "standard input")
        return
    place, root = rooted(source)
    found = look(place, root)
    if found is None:
        yield from _some(_of_found(walk(place, root), root), place)
    elif _ends(place, LIST_ENDING):
        yield from _of_list_file(place, root)
    elif is_image_name(place) or _ends(place, *TAR_ENDINGS, PARQUET_ENDING):
        yield from _of_found((found,), root, alone=True)
    else:
        raise UsageError(f"{place} is none of what can be scored: {EXPECTED}")


def _ends(place: str, *endings: str) -> bool:
    """In capital letters or small ones, as endings of images."""
    return place.lower().endswith(endings)


def folders_of(source: str) -> list[Path]:
    """The folders of this machine that each worker's machine has to see."""
    if source == STANDARD_INPUT or is_uri(source):
        return []
    path = Path(rooted(source)[0])
    return [path if path.is_dir() else path.parent]


def _of_found(found: Iterable[Found], root: str, alone: bool = False) -> Iterator[Unit]:
    """Units of files as they come, several images in one; a Parquet file that is `alone` has to be one of images."""
    images: list[tuple[str, str]] = []
    for each in found:
        if is_image_name(each.place):
            images.append((each.place, each.version))
            if len(images) == FILES_AT_ONCE:
                yield Unit(FILES, tuple(images), root)
                images = []
        elif _ends(each.place, *TAR_ENDINGS):
            yield from shares_of(Unit(TAR, ((each.place, each.version),), root), each.size)
        elif _ends(each.place, PARQUET_ENDING):
            yield from _of_parquet(each, root, alone)
    if images:
        yield Unit(FILES, tuple(images), root)


def _of_parquet(found: Found, root: str, alone: bool) -> Iterator[Unit]:
    """Shares of each row group; of a file that cannot be read one unit, in which its worker says why."""
    unit = Unit(PARQUET, ((found.place, found.version),), root)
    try:
        sizes = row_groups(found.place, root)
    except DataError:
        if alone:
            raise
        yield unit
        return
    for group, size in enumerate(sizes):
        yield from shares_of(Unit(PARQUET, unit.places, root, group), size)


def _of_list_file(place: str, root: str) -> Iterator[Unit]:
    from edgeleuk.scoring.places import open_shard

    try:
        with open_shard(place, root) as lines:
            yield from _of_list(lines, place)
    except OSError as error:
        raise DataError(f"{place}: {error.strerror or error}") from error


def _of_list(lines: Iterable[bytes], name: str) -> Iterator[Unit]:
    """Names as they are, one a line; those of images, and of shards, by their endings."""
    names = (os.fsdecode(line.rstrip(b"\r\n")) for line in lines)
    yield from _some(_of_names(text for text in names if text.strip()), name)


def _of_names(names: Iterable[str]) -> Iterator[Unit]:
    for piece in in_pieces(names, FILES_AT_ONCE):
        roots: dict[str, list[tuple[str, str]]] = {}
        for text in piece:
            place, root = rooted(text)
            if _ends(place, *TAR_ENDINGS, PARQUET_ENDING):
                found = look(place, root)
                yield from _of_found(() if found is None else (found,), root)
            else:
                roots.setdefault(root, []).append((place, version_of(place, root)))
        for root, places in roots.items():
            yield Unit(FILES, tuple(places), root)


def _some(units: Iterator[Unit], name: str) -> Iterator[Unit]:
    empty = True
    for unit in units:
        empty = False
        yield unit
    if empty:
        raise DataError(
            f"{name} holds no images; expected files ending in {', '.join(sorted(IMAGE_SUFFIXES))}, .tar or .parquet"
        )
