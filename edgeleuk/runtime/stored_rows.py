"""A part of a BMP whose pixels lie in the file as they are: only its rows are read, and decoded where they are wanted.

Pillow reads header and pixels; what it is asked for is the part alone. Every other BMP is decoded whole.
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
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

    def read(self, box: Box, read: Callable[[int, int], bytes | memoryview]) -> "Packed":
        """The part (left, top, right, bottom), which lies within the picture.

        `read` returns so many bytes of the file, from so many on. Raises ValueError if they are too few.
        """
        left, top, right, bottom = box
        first = top if self._direction > 0 else self.image.height - bottom
        size = right - left, bottom - top
        start = self._offset + first * self._stride + left * self._pixel_bytes
        count = (size[1] - 1) * self._stride + size[0] * self._pixel_bytes
        content = read(count, start)
        if len(content) < count:
            raise ValueError("not enough image data")
        return Packed(content, size, self.image.mode, self._raw_mode, self._stride, self._direction)


class Packed(Image.Image):
    """An RGB picture in memory as its file stores it: decoded as a whole once Pillow asks for that, as of an opened
    file, and by `part` only where it is wanted.
    """

    def __init__(
        self,
        content: bytes | memoryview,
        size: tuple[int, int],
        mode: str,
        raw_mode: str,
        stride: int,
        direction: int,
    ) -> None:
        super().__init__()
        self._mode, self._size = "RGB", size
        self._content: bytes | memoryview | None = content
        self._stored_mode, self._pixel_bytes = mode, _BYTES_PER_PIXEL[mode, raw_mode]
        self._arguments = raw_mode, stride, direction

    def load(self) -> Any:
        """Decode it, the first time."""
        if self._content is not None:
            self.im = self.part((0, 0, *self.size)).im
            self._content = None
        return super().load()

    def part(self, box: Box) -> Image.Image:
        """The part (left, top, right, bottom), which lies within the picture, RGB."""
        if self._content is None:
            return self.crop(box)
        left, top, right, bottom = box
        _, stride, direction = self._arguments
        first = top if direction > 0 else self.height - bottom
        content = memoryview(self._content)[first * stride + left * self._pixel_bytes :]
        part = Image.frombytes(self._stored_mode, (right - left, bottom - top), content, "raw", *self._arguments)
        return part if part.mode == "RGB" else part.convert("RGB")

    def shown_box(self) -> Box | None:
        """Where it is not black, or more than that; None if all of it is. The same as `getbbox` after decoding."""
        if self._content is None:
            return self.getbbox()
        content, (width, height), (_, stride, direction) = self._content, self.size, self._arguments
        row = width * self._pixel_bytes
        stored = np.ndarray((height, row), np.uint8, content, strides=(stride, 1))
        if stored[0, : self._pixel_bytes].any() or stored[-1, -self._pixel_bytes :].any():
            return 0, 0, width, height  # to look for more would not be worth it
        columns = np.bitwise_or.reduce(stored, axis=0).nonzero()[0]
        if not len(columns):
            return None
        left, right = int(columns[0]), int(columns[-1]) + 1
        rows = stored[:, left:right].max(axis=1).nonzero()[0]
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        top, bottom = (top, bottom) if direction > 0 else (height - bottom, height - top)
        return left // self._pixel_bytes, top, -(-right // self._pixel_bytes), bottom
