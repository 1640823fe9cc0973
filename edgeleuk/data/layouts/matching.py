"""Which image file a path in a table means: relative to the folder or to the table, or enough of its end."""

import os.path
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from edgeleuk.sources.names import IMAGE_SUFFIXES


class Finder:
    """Finds the image files below `root` that paths in a table in `folder` mean.

    A path, of which backslashes are read as slashes, is one of the files relative to `root`, or relative to the table's
    folder; else the file that alone ends as it does, or as whose end it does ("images/1.png" for "1.png", and the other
    way round), with its suffix or without; at last, the same without regard to case and to how accents are coded.
    """

    def __init__(self, paths: Sequence[str], root: Path, folder: Path) -> None:
        self._paths = frozenset(paths)
        self._root, self._folder = os.path.realpath(root), os.path.realpath(folder)
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            name = path.rpartition("/")[2]
            for key in {name, _stem(name), _folded(name), _folded(_stem(name))}:
                self._by_name.setdefault(key, []).append(path)

    def find(self, told: str) -> list[str]:
        """The file that is meant; none or several if it is not one alone."""
        path = _plain(told)
        for place in (path, self._below_root(path)):
            if place in self._paths:
                return [place]
        name = path.rpartition("/")[2]
        return self._ends(path, name, str) or self._ends(path, _folded(name), _folded)

    def _below_root(self, path: str) -> str:
        place = os.path.normpath(os.path.join(self._folder, path))  # noqa: PTH118 - text, of thousands of rows
        return place.removeprefix(self._root.rstrip(os.sep) + os.sep).replace(os.sep, "/")

    def _ends(self, path: str, key: str, form: Callable[[str], str]) -> list[str]:
        """Files of which path and file end alike, as far as the shorter of both goes."""
        wanted = form(path).split("/")
        found = []
        for candidate in self._by_name.get(key, ()):
            parts = form(candidate).split("/")
            if parts[-1] != wanted[-1]:
                parts[-1] = _stem(parts[-1])
            common = min(len(parts), len(wanted))
            if parts[-common:] == wanted[-common:]:
                found.append(candidate)
        return _whole_names_first(found, path)


def _whole_names_first(found: list[str], path: str) -> list[str]:
    """Of "1.png" and "1.png.tif" the name "1.png" means the first."""
    whole = [each for each in found if each.rpartition("/")[2] == path.rpartition("/")[2]]
    return whole or found


def _plain(told: str) -> str:
    path = told.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    return path


def _stem(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES else name


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
