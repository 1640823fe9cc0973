"""A part of a BMP whose pixels lie in the file as they are: only its rows are read and decoded.

Pillow reads header and pixels; what it is asked for is the part alone. Every other BMP is decoded whole.
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from PIL.BmpImagePlugin import BmpImageFile

HEADER_BYTES = 1200  # the longest header with a palette
Box = tuple[int, int, int, int]
_BYTES_PER_PIXEL = {("RGB", "BGR"): 3, ("RGB", "BGRX"): 4, ("L", "L"): 1}


def open_stored(header: bytes, file_bytes: int) -> "StoredRows | None":
    """A BMP of this many bytes by what it begins with; None if it is to be decoded whole, damaged ones among them."""
    from PIL.BmpImagePlugin import BmpImageFile  # what other formats need not load

    try:
        image = BmpImageFile(io.BytesIO(header))
    except Exception:  # noqa: BLE001 - whoever decodes it whole says what is wrong with it
        return None
    [(codec, _, offset, arguments)] = image.tile
    if codec != "raw" or not isinstance(arguments, tuple) or (image.mode, arguments[0]) not in _BYTES_PER_PIXEL:
        return None
    stored = StoredRows(image, offset, *arguments)
    return stored if stored.is_whole(file_bytes) else None


class StoredRows:
    """Where the rows of a BMP lie, the first or (`direction` -1) the last one first, `stride` bytes apart."""

    def __init__(self, image: "BmpImageFile", offset: int, raw_mode: str, stride: int, direction: int) -> None:
        self.image, self._offset, self._raw_mode = image, offset, raw_mode
        self._stride, self._direction = stride, direction
        self._pixel_bytes = _BYTES_PER_PIXEL[image.mode, raw_mode]

    def is_whole(self, file_bytes: int) -> bool:
        """Whether a file of so many bytes has all rows; the last need not be filled up to its stride."""
        width, height = self.image.size
        row = width * self._pixel_bytes
        return row <= self._stride and self._offset + (height - 1) * self._stride + row <= file_bytes

    def decode(self, box: Box, read: Callable[[int, int], bytes | memoryview]) -> Image.Image:
        """The part (left, top, right, bottom), which lies within the picture, RGB.

        `read` returns so many bytes of the file, from so many on. Raises ValueError if they are too few.
        """
        left, top, right, bottom = box
        first = top if self._direction > 0 else self.image.height - bottom
        size = right - left, bottom - top
        start = self._offset + first * self._stride + left * self._pixel_bytes
        content = read((size[1] - 1) * self._stride + size[0] * self._pixel_bytes, start)
        arguments = self._raw_mode, self._stride, self._direction
        part = Image.frombytes(self.image.mode, size, content, "raw", *arguments)
        return part if part.mode == "RGB" else part.convert("RGB")
