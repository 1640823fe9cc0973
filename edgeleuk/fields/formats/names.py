"""What the files of a field are called."""

from pathlib import PurePath
from typing import NamedTuple

from edgeleuk.text import folded

_MOST_CHARACTERS = 80


class FieldFile(NamedTuple):
    """`stem` of the files that are written, which no other field of a run has; `picture`: the field's own file name."""

    stem: str
    picture: str


class FieldFiles:
    """Gives each field of a run a name of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def named(self, path: str) -> FieldFile:
        """By its file name; where another field of the run has it, -2, -3, ... behind."""
        name = PurePath(path).name
        stem = PurePath(name).stem[:_MOST_CHARACTERS] or "field"
        number, chosen = 1, stem
        while folded(chosen) in self._taken:
            number += 1
            chosen = f"{stem}-{number}"
        self._taken.add(folded(chosen))
        return FieldFile(chosen, name)
