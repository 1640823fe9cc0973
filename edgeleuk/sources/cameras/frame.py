"""A frame of a camera, what a camera has to do, and how pixels become the bytes of an image file."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import CameraError

_FEWEST_DROPPED, _MOST_DROPPED = 8, 30  # one second of a slow camera; many begin with black frames
_SETTLED_FRAMES, _SETTLED_STEPS = 3, 2.0  # frames in a row that differ by fewer of 255 grey levels


class EndOfFrames(Exception):  # noqa: N818 - as StopIteration, no error
    """A source that ends, as files do, has given its last frame."""


@dataclass(frozen=True)
class Frame:
    """The bytes of an image file, a name for it, and the time (UTC) at which it was taken."""

    content: bytes
    name: str
    captured: datetime


class CameraSource(Protocol):
    """Gives frames one after the other."""

    def capture(self) -> Frame:
        """The next frame, taken after the call.

        Raises CameraError if none comes: the next call looks for the camera again. Raises EndOfFrames if there
        will be no more, and ImageError if a single frame is unavailable.
        """

    def close(self) -> None:
        """Give the camera back. May be called again."""


def encode_frame(pixels: NDArray[np.uint8], order: Literal["RGB", "BGR"], camera: str) -> Frame:
    """A frame of `pixels`, uint8 [height, width, 3] with channels in the order named, as a 24-bit BMP.

    BMP has no compression, so the same pixels are the same bytes with every version of Pillow and zlib: what a store
    takes a hash of must not depend on those. It also takes a tenth of the time of the fastest PNG. Raises CameraError
    for pixels of another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise CameraError(f"{camera}: frames of {pixels.dtype} {list(pixels.shape)}; expected uint8 [height, width, 3]")
    captured = datetime.now(UTC)
    height, width = pixels.shape[:2]
    image = Image.frombuffer("RGB", (width, height), np.ascontiguousarray(pixels), "raw", order, 0, 1)
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    return Frame(buffer.getvalue(), f"{camera}-{captured:%Y%m%dT%H%M%S.%fZ}.bmp", captured)


def drop_until_exposed(read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Read frames until their brightness stays the same, at least 8 and at most 30; returns the last one."""
    levels: list[float] = []
    for _ in range(_MOST_DROPPED):
        pixels = read()
        levels.append(float(pixels[::8, ::8].mean()))
        last = levels[-_SETTLED_FRAMES:]
        if len(levels) >= _FEWEST_DROPPED and max(last) - min(last) <= _SETTLED_STEPS:
            break
    return pixels
