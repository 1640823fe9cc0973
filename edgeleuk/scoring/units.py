"""The work that is handed to a worker at once: some files, or a share of a tar shard or of a Parquet row group."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

FILES, TAR, PARQUET = "files", "tar", "parquet"
FILES_AT_ONCE = 32
SHARE_BYTES = 32 << 20  # of a shard: some hundred images, which are classified again if their worker dies
_MOST_SHARES = 1 << 24
Item = TypeVar("Item")


@dataclass(frozen=True)
class Unit:
    """What one worker does at a time.

    `places`: files, or the one shard, each with its version; see `edgeleuk.scoring.places` for `root`. Of a shard's
    images, in `group` of a Parquet file, those whose number leaves `share` when divided by `shares`.
    """

    kind: str
    places: tuple[tuple[str, str], ...]
    root: str = ""
    group: int = 0
    share: int = 0
    shares: int = 1

    @property
    def key(self) -> str:
        """What says in a part of the archive that a share of a shard is done."""
        (place, version), *_ = self.places
        return f"{written(place)} {version} {self.group} {self.share}/{self.shares}"

    def halves(self) -> "tuple[Unit, ...]":
        """Two that are the same work together; none if it cannot be less."""
        if self.kind == FILES:
            middle = len(self.places) // 2
            parts = (self.places[:middle], self.places[middle:]) if middle else ()
            return tuple(replace(self, places=part) for part in parts)
        if self.shares > _MOST_SHARES:
            return ()
        twice = 2 * self.shares
        return (replace(self, shares=twice), replace(self, share=self.share + self.shares, shares=twice))

    def holds(self, number: int) -> bool:
        """Whether a shard's image of this number is in it."""
        return number % self.shares == self.share

    def to_text(self) -> str:
        """One line of ASCII."""
        return json.dumps([self.kind, self.places, self.root, self.group, self.share, self.shares])

    @classmethod
    def of_text(cls, text: str) -> "Unit":
        """What `to_text` made."""
        kind, places, *rest = json.loads(text)
        return cls(kind, tuple((place, version) for place, version in places), *rest)


def written(name: str) -> str:
    """A name as archives have it: text, with an escape for each byte of a file name that is none."""
    return name.encode("utf-8", "backslashreplace").decode()


def shares_of(unit: Unit, size: int) -> list[Unit]:
    """The shares of a shard of so many bytes, the same ones each time."""
    shares = max(1, -(-size // SHARE_BYTES))
    return [replace(unit, share=share, shares=shares) for share in range(shares)]


def in_pieces(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of up to `size` items."""
    taken = iter(items)
    while piece := list(islice(taken, size)):
        yield piece
