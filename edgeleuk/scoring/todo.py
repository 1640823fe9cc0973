"""What is left to do of a source: its units without what the archive has, kept in a file that ends with the process."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from edgeleuk.archive.ledger import image_key
from edgeleuk.archive.writing import ArchiveWriter
from edgeleuk.files import output_errors
from edgeleuk.scoring.units import FILES, FILES_AT_ONCE, Unit, written

_SPREAD = 4  # units for each worker, if there are so few images that some would have none


class ToDo:
    """A list of units on disk. `images`: how many files are in them, `units` how many units, `known` what was left
    out; of shards it is not known how many images they hold."""

    def __init__(self, archive: ArchiveWriter) -> None:
        """Begin with nothing. Raises OutputError."""
        self._archive = archive
        self.images = self.units = self.known = self.known_shards = 0
        with output_errors(archive.folder):
            self._file = tempfile.TemporaryFile("w+", encoding="ascii", dir=archive.folder)  # noqa: SIM115

    def close(self) -> None:
        """Forget them."""
        self._file.close()

    def take(self, units: Iterable[Unit], workers: int) -> Iterator[int]:
        """Take in what the archive does not have; yields how many images were looked at by then."""
        for unit in units:
            self._put(self._rest(unit))
            yield self.known + self.images
        self._halve(_SPREAD * workers)

    def __iter__(self) -> Iterator[str]:
        """The units as text."""
        self._file.flush()
        self._file.seek(0)
        return iter(self._file)

    def _rest(self, unit: Unit) -> Unit | None:
        """The unit without what is known; None if that is all of it."""
        if unit.kind != FILES:
            done = unit.key in self._archive.units
            self.known_shards += done
            return None if done else unit
        keys = [image_key(written(place), version) for place, version in unit.places]
        known = self._archive.ledger.known(keys)
        left = tuple(each for each, key in zip(unit.places, keys, strict=True) if key not in known)
        self.known += len(keys) - len(left)
        return replace(unit, places=left) if left else None

    def _put(self, unit: Unit | None) -> None:
        if unit is not None:
            self._file.write(unit.to_text() + "\n")
            self.units += 1
            self.images += len(unit.places) if unit.kind == FILES else 0

    def _halve(self, wanted: int) -> None:
        """Of few images let each worker have some."""
        for _ in range(FILES_AT_ONCE.bit_length()):
            if not 0 < self.units < wanted:
                return
            units = list(map(Unit.of_text, self))
            self._file.seek(0)
            self._file.truncate()
            self.units = self.images = 0
            for unit in units:
                for half in (unit.halves() if unit.kind == FILES else ()) or (unit,):
                    self._put(half)


def out_lies_in(folder: Path, folders: Iterable[Path]) -> Path | None:
    """The one of the folders that holds the archive's, whose Parquet would be read as images."""
    place = folder.resolve()
    return next((each for each in folders if each.is_dir() and place.is_relative_to(each.resolve())), None)
