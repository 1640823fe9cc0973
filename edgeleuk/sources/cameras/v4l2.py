"""USB cameras and others that Linux shows as /dev/video*, through OpenCV."""

import errno
import fcntl
import importlib
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import CameraError, MissingExtraError, UsageError
from edgeleuk.sources.cameras.frame import Frame, drop_until_exposed, encode_frame

_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP, the same number on every architecture
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_CAPTURE, _OWN_TOLD = 0x00000001, 0x80000000  # V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_DEVICE_CAPS
_RAW_SENSORS = ("unicam", "rp1-cfe")  # the Pi's camera connector: Bayer patterns that only libcamera develops
_LONG_AGO_S = 0.2  # after which the driver's buffer holds a frame from before the call
_TRIES = 2  # one damaged frame of a cable is not yet the end


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def read(self) -> tuple[bool, Any]: ...
    def grab(self) -> bool: ...
    def release(self) -> None: ...


OpenCapture = Callable[[str, "tuple[int, int] | None"], Capture]


class V4L2Camera:
    """Frames of a V4L2 device; one that was unplugged is opened again by the next `capture`."""

    def __init__(
        self, device: str, size: tuple[int, int] | None = None, open_capture: OpenCapture | None = None
    ) -> None:
        """Open the device and drop frames until its exposure has settled.

        Raises MissingExtraError without OpenCV, CameraError if the device cannot be used, UsageError if it does
        not give the size.
        """
        self._device, self._size = device, size
        self._open_capture = open_capture or open_v4l2
        self._capture: Capture | None = None
        self._last_s = 0.0
        self._start()

    def capture(self) -> Frame:
        """The next frame. Raises CameraError if none comes."""
        capture = self._capture or self._start()
        if time.monotonic() - self._last_s > _LONG_AGO_S:
            capture.grab()
        pixels = self._read()
        self._last_s = time.monotonic()
        return encode_frame(pixels, "BGR", Path(self._device).name)

    def close(self) -> None:
        """Give the device back."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _start(self) -> Capture:
        self._capture = capture = self._open_capture(self._device, self._size)
        height, width = drop_until_exposed(self._read).shape[:2]
        if self._size not in (None, (width, height)):
            self.close()
            raise UsageError(
                f"{self._device} gives frames of {width}x{height}, asked for were {self._size[0]}x{self._size[1]}; "
                "`v4l2-ctl --list-formats-ext` lists its sizes"
            )
        return capture

    def _read(self) -> NDArray[np.uint8]:
        """Pixels [height, width, 3] in BGR order. Raises CameraError and closes if there are none."""
        for _ in range(_TRIES):
            read, pixels = self._capture.read() if self._capture is not None else (False, None)
            if read and pixels is not None:
                found: NDArray[np.uint8] = pixels
                return found
        self.close()
        raise CameraError(f"{self._device} gives no frames: unplugged, or a format OpenCV cannot read")


def open_v4l2(device: str, size: tuple[int, int] | None) -> Capture:
    """The device through OpenCV: uncompressed if it can, one buffer, so that frames are fresh.

    Raises MissingExtraError, CameraError.
    """
    try:
        cv2 = importlib.import_module("cv2")
    except ModuleNotFoundError as error:
        raise MissingExtraError("cameras", "camera") from error
    check_device(device)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # what it warns of, our errors say
    capture = cv2.VideoCapture(_number(device), cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        raise CameraError(f"{device} cannot be started: another program uses it; `fuser {device}` tells which")
    _choose_format(cv2, capture, size)
    opened: Capture = capture
    return opened


def _choose_format(cv2: Any, capture: Any, size: tuple[int, int] | None) -> None:
    for code in ("YUYV", "MJPG"):  # JPEG's blocks are no part of a cell; it is for cameras without anything else
        wanted = cv2.VideoWriter_fourcc(*code)
        capture.set(cv2.CAP_PROP_FOURCC, wanted)
        if size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if int(capture.get(cv2.CAP_PROP_FOURCC)) == wanted and _has_size(cv2, capture, size):
            break
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)


def _has_size(cv2: Any, capture: Any, size: tuple[int, int] | None) -> bool:
    found = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    return size is None or found == size


def check_device(device: str) -> None:
    """Raise CameraError, with what to do, if a device cannot be opened or is not a camera that OpenCV can use."""
    try:
        handle = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise CameraError(_why_not_opened(device, error)) from error
    try:
        capability = Capability.parse(fcntl.ioctl(handle, _QUERYCAP, bytes(_CAPABILITY.size)))
    except OSError as error:
        raise CameraError(f"{device} is not a V4L2 device ({error.strerror})") from error
    finally:
        os.close(handle)
    if capability.driver in _RAW_SENSORS:
        raise CameraError(f"{device} is the Pi's camera connector, whose frames are raw: take --camera picamera2")
    if not capability.captures:
        raise CameraError(f"{device} ({capability.card}) takes no pictures; the camera's other /dev/video* may")


@dataclass(frozen=True)
class Capability:
    """What a V4L2 device says of itself."""

    driver: str
    card: str
    captures: bool

    @classmethod
    def parse(cls, answer: bytes) -> "Capability":
        """From the 104 bytes of struct v4l2_capability."""
        driver, card, _, _, of_all, of_device = _CAPABILITY.unpack(answer)
        offered = of_device if of_all & _OWN_TOLD else of_all
        return cls(_text(driver), _text(card), bool(offered & _CAPTURE))


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _number(device: str) -> int:
    """OpenCV 5 takes V4L2 devices by number only; links as /dev/v4l/by-id/* lead to one."""
    target = Path(os.path.realpath(device)).name
    digits = target.removeprefix("video")
    if not (target.startswith("video") and digits.isdecimal()):
        raise CameraError(f"{device} leads to no /dev/video*")
    return int(digits)


def _why_not_opened(device: str, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        others = sorted(str(path) for path in Path("/dev").glob("video*"))
        return (
            f"{device}: no such camera; there {'are ' + ', '.join(others) if others else 'is none: is it plugged in?'}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{device}: no permission; add the user to the group video (usermod -aG video USER) and log in again"
    if error.errno == errno.EBUSY:
        return f"{device}: another program uses it; `fuser {device}` tells which"
    return f"{device} cannot be opened: {error.strerror}"
