"""The images of a unit, one after the other, as a worker reads them; what cannot be read comes with the reason."""

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from edgeleuk.errors import DataError, ImageError
from edgeleuk.runtime.picture_limits import max_file_bytes
from edgeleuk.scoring.parquet import images_in
from edgeleuk.scoring.places import open_shard, read_place
from edgeleuk.scoring.units import FILES, TAR, Unit
from edgeleuk.sources.names import is_image_name

_BLOCK = tarfile.BLOCKSIZE
_MUCH = 1 << 20


class Came(NamedTuple):
    """An image: `name` and `version` as in an archive, its content, or why there is none.

    `passing`: the reason may be gone another time.
    """

    name: str
    version: str
    content: bytes | None = None
    error: str | None = None
    passing: bool = False


def came(unit: Unit, max_pixels: int) -> Iterator[Came]:
    """What a unit holds."""
    if unit.kind == FILES:
        for place, version in unit.places:
            yield _file(place, version, unit.root, max_pixels)
        return
    (place, version), *_ = unit.places
    seen, members = 0, _members(unit, max_pixels) if unit.kind == TAR else _rows(unit)
    try:
        for each in members:
            seen += 1
            yield each
    except DataError as error:
        if unit.share == 0:
            yield Came(place, f"{version}:{unit.group}", error=_reason(error, place))
    except gzip.BadGzipFile as error:
        if unit.share == 0:
            yield Came(place, version, error=f"the shard is damaged ({error}): images in it may be, too")
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        if unit.share == 0:
            told = " ".join(str(error).split()) or type(error).__name__
            yield Came(place, version, error=f"the shard is cut off or damaged ({told:.200}); what is whole was scored")
    except OSError as error:
        told = " ".join(str(error).split())
        yield Came(place, version, error=f"cannot be read: {told:.200}", passing=True)


def names_in(unit: Unit) -> int:
    """How many images are in a unit."""
    return sum(1 for _ in came(unit, 0))


def _file(place: str, version: str, root: str, max_pixels: int) -> Came:
    try:
        return Came(place, version, read_place(place, root, max_file_bytes(max_pixels)))
    except ImageError as error:
        return Came(place, version, error=_reason(error, place), passing=True)


def _members(unit: Unit, max_pixels: int) -> Iterator[Came]:
    """Images of a tar, and a last error if its end is missing, which tarfile passes over."""
    (place, version), *_ = unit.places
    most, number = max_file_bytes(max_pixels), 0
    with open_shard(place, unit.root) as stream, tarfile.open(fileobj=stream, mode="r:*") as shard:
        for member in shard:
            if not (member.isfile() and is_image_name(member.name)):
                continue
            if unit.holds(number):
                yield _member(shard, member, f"{place}!{member.name}", f"{version}:{number}", most)
            number += 1
        content = shard.fileobj
        if content is None:
            return
        content.seek(shard.offset)
        if content.read(_BLOCK) != bytes(_BLOCK):
            raise tarfile.ReadError("its end is missing")
        while content is not stream and content.read(_MUCH):  # the checksum of what was compressed comes last
            pass


def _member(shard: tarfile.TarFile, member: tarfile.TarInfo, name: str, version: str, most: int) -> Came:
    if member.size > most:
        return Came(name, version, error=f"{member.size:,} bytes; at most {most:,} are read")
    stream = shard.extractfile(member)
    content = b"" if stream is None else stream.read()
    if len(content) != member.size:
        raise tarfile.ReadError("unexpected end of data")
    return Came(name, version, content)


def _rows(unit: Unit) -> Iterator[Came]:
    (place, version), *_ = unit.places
    for number, name, content in images_in(place, unit.root, unit.group):
        if unit.holds(number):
            shown = f"{place}!{number if name is None else name}"
            error = "no bytes in this row" if content is None else None
            yield Came(shown, f"{version}:{number}", content, error)


def _reason(error: Exception, place: str) -> str:
    return str(error).removeprefix(f"{place}: ")
