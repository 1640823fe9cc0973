"""Boxes around cells as Pascal VOC files hold them, one XML file a picture, as BCCD has them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from edgeleuk.errors import DataError
from edgeleuk.text import shown

CUT_THEM = "XML files of boxes are beside the pictures: if each boxed cell has a class, 'edgeleuk data crop-boxes"
_MOST_BYTES = 16 << 20
_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class Box:
    """A cell: its class, and its left, top, right and bottom edge in pixels of the picture."""

    label: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def side(self) -> int:
        """The longer side in pixels."""
        return max(self.right - self.left, self.bottom - self.top)


@dataclass(frozen=True)
class Boxes:
    """What one file says: the boxes in order, and how many have no area and are none."""

    boxes: tuple[Box, ...]
    empty: int = 0


def has_boxes(paths: Iterable[str]) -> bool:
    """Whether any of these files may hold boxes."""
    return any(path.lower().endswith(".xml") for path in paths)


def read_boxes(path: Path) -> Boxes:
    """Read a file. Raises DataError if it is no such file, or a box lacks a number; entities in it are refused."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has more than {_MOST_BYTES:,} bytes; expected the boxes of one picture")
        told = _Told()
        told.parse(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (expat.ExpatError, ValueError) as error:
        raise DataError(f"{path} is not a Pascal VOC file of boxes: {error}") from error
    if told.root != "annotation":
        raise DataError(f"{path} is not a Pascal VOC file: it begins with <{told.root}>, expected <annotation>")
    boxes = tuple(_boxes(path, told.objects))
    real = tuple(box for box in boxes if box.left < box.right and box.top < box.bottom)
    return Boxes(real, len(boxes) - len(real))


def _boxes(path: Path, objects: list[dict[str, str]]) -> Iterator[Box]:
    for number, found in enumerate(objects, start=1):
        label = found.get("name", "").strip()
        try:
            left, top, right, bottom = (round(float(found[f"bndbox/{side}"])) for side in _SIDES)
        except (KeyError, ValueError, OverflowError) as error:
            raise DataError(
                f"{path}, object {number} ({shown(label)}): its box lacks a number; expected {', '.join(_SIDES)}"
            ) from error
        if not label or label in (".", "..") or "/" in label or "\0" in label:
            raise DataError(f"{path}, object {number}: its name is {shown(label)}, which no folder can have")
        yield Box(label, left, top, right, bottom)


@dataclass
class _Told:
    """The first element, and of each object the text of its elements by their path in it."""

    root: str = ""
    objects: list[dict[str, str]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def parse(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = lambda name: self._open.pop() and None
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._entity
        parser.Parse(content, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._open.append(name)
        if self._open == ["annotation", "object"]:
            self.objects.append({})

    def _data(self, text: str) -> None:
        if self._open[:2] == ["annotation", "object"]:
            place = "/".join(self._open[2:])
            self.objects[-1][place] = self.objects[-1].get(place, "") + text

    def _entity(self, *declared: object) -> None:
        raise ValueError("it declares entities, which are not taken")
