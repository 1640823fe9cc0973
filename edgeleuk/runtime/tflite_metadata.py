"""TFLite Metadata: what other tools write into a .tflite about its image input and its labels.

The buffer that `Model.metadata` names "TFLITE_METADATA" is a flatbuffer of its own; its tables and the numbers of
their fields are those of metadata_schema.fbs, version 1.5 (tflite-support). Label files lie in a ZIP behind the model.
"""

import io
import struct
import zipfile
from dataclasses import dataclass
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.runtime.appended import open_archive, read_file
from edgeleuk.runtime.graph import metadata_buffer

NAME = "TFLITE_METADATA"
_MOST_LABEL_BYTES = 1 << 20
# Numbers of fields, in the order of the schema.
_SUBGRAPHS, _INPUTS, _OUTPUTS = 3, 2, 3
_CONTENT, _PROCESS_UNITS, _FILES = 3, 4, 6
_KIND, _VALUE = 0, 1  # of a union: which table, and the table
_FILE_NAME, _FILE_TYPE = 0, 2
_MEAN, _DEVIATION = 0, 1
_NORMALIZATION, _IMAGE = 1, 2  # members of the unions ProcessUnitOptions and ContentProperties
_AXIS_LABELS, _VALUE_LABELS = 2, 3  # of AssociatedFileType
_GREY = 2  # of ColorSpaceType


@dataclass(frozen=True)
class ImageMetadata:
    """What a file says of its input and output: a pixel p becomes (p - mean) / deviation; empty where it says nothing.

    `mean` and `deviation` hold one number, or one for each channel. `labels` are in output order.
    """

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    grey: bool = False
    labels: tuple[str, ...] = ()


def read_metadata(content: bytes) -> ImageMetadata | None:
    """The metadata of a whole model file; None if it has none. Raises ModelError if they are damaged."""
    raw = metadata_buffer(content, NAME)
    if raw is None:
        return None
    try:
        return _read(raw, content)
    except (struct.error, IndexError, ValueError, TypeError, KeyError, zipfile.BadZipFile, OverflowError) as error:
        raise ModelError(f"its TFLite Metadata are damaged ({str(error)!r:.100})") from error


def _read(raw: bytes, content: bytes) -> ImageMetadata:
    if raw[4:8] != b"M001":
        raise ValueError(f"identifier {raw[4:8]!r}")
    subgraphs = _Table.root(raw).tables(_SUBGRAPHS)
    inputs, outputs = (subgraphs[0].tables(field) if subgraphs else [] for field in (_INPUTS, _OUTPUTS))
    mean, deviation = _normalization(inputs[0]) if inputs else ((), ())
    return ImageMetadata(mean, deviation, bool(inputs) and _is_grey(inputs[0]), _labels(outputs, content))


def _normalization(tensor: "_Table") -> tuple[tuple[float, ...], tuple[float, ...]]:
    for unit in tensor.tables(_PROCESS_UNITS):
        options = unit.table(_VALUE)
        if unit.byte(_KIND) == _NORMALIZATION and options is not None:
            return options.floats(_MEAN), options.floats(_DEVIATION)
    return (), ()


def _is_grey(tensor: "_Table") -> bool:
    content = tensor.table(_CONTENT)
    image = content.table(_VALUE) if content is not None and content.byte(_KIND) == _IMAGE else None
    return image is not None and image.byte(0) == _GREY


def _labels(outputs: "list[_Table]", content: bytes) -> tuple[str, ...]:
    files = [file for output in outputs[:1] for file in output.tables(_FILES)]
    names = [file.text(_FILE_NAME) for file in files if file.byte(_FILE_TYPE) in (_AXIS_LABELS, _VALUE_LABELS)]
    if not names:
        return ()
    with open_archive(content) as archive:
        text = read_file(archive, names[0], _MOST_LABEL_BYTES).decode()
    return tuple(line.strip() for line in io.StringIO(text) if line.strip())


class _Table:
    """A table of a flatbuffer, read by numbers of fields; every offset is checked by Python's own bounds."""

    def __init__(self, raw: bytes, position: int) -> None:
        if not 0 <= position < len(raw):
            raise IndexError(f"offset {position}")
        self._raw, self._position = raw, position

    @classmethod
    def root(cls, raw: bytes) -> "_Table":
        return cls(raw, _unsigned(raw, 0))

    def _field(self, number: int) -> int | None:
        """Where a field's value lies; None if the table does not have it."""
        vtable = self._position - struct.unpack_from("<i", self._raw, self._position)[0]
        length = struct.unpack_from("<H", self._raw, vtable)[0]
        place = 4 + 2 * number
        offset = struct.unpack_from("<H", self._raw, vtable + place)[0] if place + 2 <= length else 0
        return self._position + offset if offset else None

    def _target(self, number: int) -> int | None:
        place = self._field(number)
        return None if place is None else place + _unsigned(self._raw, place)

    def byte(self, number: int) -> int:
        place = self._field(number)
        return 0 if place is None else self._raw[place]

    def table(self, number: int) -> "_Table | None":
        target = self._target(number)
        return None if target is None else _Table(self._raw, target)

    def tables(self, number: int) -> "list[_Table]":
        start, count = self._vector(number, 4)
        places = [start + 4 * each for each in range(count)]
        return [_Table(self._raw, place + _unsigned(self._raw, place)) for place in places]

    def floats(self, number: int) -> tuple[float, ...]:
        start, count = self._vector(number, 4)
        values: tuple[Any, ...] = struct.unpack_from(f"<{count}f", self._raw, start)
        return tuple(float(value) for value in values)

    def text(self, number: int) -> str:
        start, count = self._vector(number, 1)
        return self._raw[start : start + count].decode()

    def _vector(self, number: int, item_bytes: int) -> tuple[int, int]:
        """Where a vector's first item lies, and how many there are; 0 if the table does not have it."""
        target = self._target(number)
        if target is None:
            return 0, 0
        count = _unsigned(self._raw, target)
        if target + 4 + count * item_bytes > len(self._raw):
            raise IndexError(f"{count} items")
        return target + 4, count


def _unsigned(raw: bytes, place: int) -> int:
    if place < 0:
        raise IndexError(f"offset {place}")
    return int(struct.unpack_from("<I", raw, place)[0])
