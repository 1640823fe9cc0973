"""Cameras by name, and their frames without end: a camera that is unplugged is retried until it is back."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from edgeleuk.errors import CameraError, ImageError, UsageError
from edgeleuk.sources.cameras.frame import CameraSource, EndOfFrames, Frame

__all__ = ["CameraError", "CameraSource", "EndOfFrames", "Frame", "frames", "open_camera"]

_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 5.0


def open_camera(name: str, size: tuple[int, int] | None = None) -> CameraSource:
    """The camera of that name, giving frames of `size` (width, height in pixels).

    Without a size: about 640x480 from V4L2, all pixels of the Pi's sensor, the files' own.

    "0", "/dev/video0" or another path of a V4L2 device; "picamera2" for the Pi's camera connector; "file:DIR" for the
    images in a folder, once each, in order. Raises UsageError for another name or an unavailable size,
    MissingExtraError without OpenCV, CameraError if the camera cannot be used now.
    """
    if name.startswith("file:"):
        from edgeleuk.sources.cameras.folder import FileCamera

        return FileCamera(Path(name.removeprefix("file:")), size)
    if name == "picamera2":
        from edgeleuk.sources.cameras.picamera import PiCamera

        return PiCamera(size)
    if name.isdecimal() or name.startswith("/dev/"):
        from edgeleuk.sources.cameras.v4l2 import V4L2Camera

        return V4L2Camera(f"/dev/video{int(name)}" if name.isdecimal() else name, size)
    raise UsageError(f"no camera is called {name!r}; expected a number such as 0, /dev/video0, picamera2 or file:DIR")


def frames(
    camera: CameraSource, report: Callable[[str], None], stop: threading.Event, first_retry_s: float = _FIRST_RETRY_S
) -> Iterator[Frame | None]:
    """Yield frames until `stop` is set or the camera's source ends; None whenever there is none just now.

    A camera that fails is reported once and tried again, at first after half a second, then less and less often, at
    least every five seconds; so is its return. A single frame that is unavailable is reported and skipped.
    """
    retry_s, lost = first_retry_s, False
    while not stop.is_set():
        try:
            frame = camera.capture()
        except EndOfFrames:
            return
        except ImageError as error:
            report(str(error))
            continue
        except CameraError as error:
            if not lost:
                report(f"{error}; retrying until it works")
            lost = True
            yield None
            stop.wait(retry_s)
            retry_s = min(2 * retry_s, _LAST_RETRY_S)
            continue
        if lost:
            report("the camera delivers frames again")
        retry_s, lost = first_retry_s, False
        yield frame
