"""The camera at the Pi's own connector, through Debian's picamera2 and libcamera."""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import CameraError, UsageError
from edgeleuk.sources.cameras.frame import Frame, drop_until_exposed, encode_frame

_NO_PICAMERA2 = (
    "picamera2 is not there; it comes with Raspberry Pi OS: apt install python3-picamera2, and make the virtual "
    "environment with `python3 -m venv --system-site-packages`"
)
_LONGEST_S = 10.0  # for one frame; a loose cable gives none, and libcamera waits without a timeout


class PiCamera:
    """Frames of the first camera that libcamera finds; one that stopped is opened again by the next `capture`."""

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        """Open the camera and drop frames until its exposure has settled. Raises CameraError, UsageError."""
        self._size = size
        self._camera: Any = None
        self._start()

    def capture(self) -> Frame:
        """The next frame. Raises CameraError if none comes."""
        if self._camera is None:
            self._start()
        return encode_frame(self._read(), "RGB", "picamera2")

    def close(self) -> None:
        """Give the camera back."""
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.close()
            except Exception as error:
                raise CameraError(f"picamera2 cannot be closed: {error}") from error

    def _start(self) -> None:
        try:
            picamera2 = importlib.import_module("picamera2")
        except ImportError as error:  # of libcamera, too, whose bindings are for the system's Python only
            raise CameraError(f"{_NO_PICAMERA2} ({error})") from error
        self._camera = _started(picamera2.Picamera2, self._size)
        height, width = drop_until_exposed(self._read).shape[:2]
        if self._size not in (None, (width, height)):
            self.close()
            asked = f"{self._size[0]}x{self._size[1]}"
            raise UsageError(f"the camera gives frames of {width}x{height}, asked for were {asked}")

    def _read(self) -> NDArray[np.uint8]:
        """Pixels [height, width, 3] in RGB order. Raises CameraError and closes if there are none."""
        try:
            job = self._camera.capture_array("main", wait=False)
            pixels: NDArray[np.uint8] = self._camera.wait(job, timeout=_LONGEST_S)
        except Exception as error:
            self.close()
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise CameraError(f"picamera2 gives no frames ({reason}): is the cable seated?") from error
        return pixels


def _started(make: Any, size: tuple[int, int] | None) -> Any:
    try:
        camera = make()
    except IndexError as error:  # its way to say so
        raise CameraError("picamera2 finds no camera: `rpicam-hello --list-cameras` must list one") from error
    except Exception as error:
        raise CameraError(f"picamera2 cannot open the camera ({error}); does another program use it?") from error
    try:
        # Named after the order in a 32-bit word: "BGR888" lies in memory as R, G, B. Unqueued frames are fresh.
        main = {"format": "BGR888"} if size is None else {"format": "BGR888", "size": size}
        camera.configure(camera.create_still_configuration(main=main, queue=False))
        camera.start()
    except Exception as error:
        camera.close()
        raise CameraError(f"picamera2 cannot start the camera: {error}") from error
    return camera
