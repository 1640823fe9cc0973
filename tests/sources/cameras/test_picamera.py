"""The Pi's camera through picamera2, which is imitated here: no test has met the hardware or the real package."""

import sys
import types

import numpy as np
import pytest

from edgeleuk.errors import CameraError, UsageError
from edgeleuk.runtime.images import decode_image
from edgeleuk.sources.cameras.base import open_camera


class Picamera2:
    """What is used of picamera2.Picamera2; `trouble` is raised where it is named."""

    trouble: dict[str, Exception] = {}  # noqa: RUF012 - set anew for each test
    made: list["Picamera2"] = []  # noqa: RUF012

    def __init__(self) -> None:
        self._raise("open")
        self.closed = False
        type(self).made.append(self)

    def _raise(self, where: str) -> None:
        if where in type(self).trouble:
            raise type(self).trouble[where]

    def create_still_configuration(self, main, queue):
        assert main["format"] == "BGR888"
        assert queue is False
        return main

    def configure(self, configuration):
        self.size = configuration.get("size", (80, 60))

    def start(self):
        self._raise("start")

    def capture_array(self, name, wait):
        assert (name, wait) == ("main", False)
        return "job"

    def wait(self, job, timeout):
        self._raise("wait")
        assert job == "job"
        assert timeout > 0
        width, height = self.size
        return np.full((height, width, 3), (250, 120, 10), np.uint8)

    def close(self):
        self.closed = True


@pytest.fixture
def picamera2(monkeypatch):
    made = type("Picamera2", (Picamera2,), {"trouble": {}, "made": []})
    module = types.ModuleType("picamera2")
    module.Picamera2 = made
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return made


def test_a_frame_has_the_sensors_colours_and_size(picamera2):
    camera = open_camera("picamera2")
    decoded = decode_image(camera.capture().content)
    camera.close()
    assert (decoded.size, decoded.getpixel((0, 0))) == ((80, 60), (250, 120, 10))
    assert picamera2.made[0].closed


def test_a_size_is_passed_on(picamera2):
    camera = open_camera("picamera2", (32, 24))
    assert decode_image(camera.capture().content).size == (32, 24)
    camera.close()


def test_another_size_than_asked_for_is_refused(picamera2, monkeypatch):
    monkeypatch.setattr(picamera2, "configure", lambda self, configuration: setattr(self, "size", (64, 24)))
    with pytest.raises(UsageError, match="frames of 64x24, asked for were 60x24"):
        open_camera("picamera2", (60, 24))
    assert picamera2.made[0].closed


def test_without_picamera2_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match=r"apt install python3-picamera2.*--system-site-packages"):
        open_camera("picamera2")


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ({"open": IndexError("list index out of range")}, "finds no camera: `rpicam-hello --list-cameras`"),
        ({"open": RuntimeError("Failed to acquire camera: Device or resource busy")}, r"busy\); does another program"),
        ({"start": RuntimeError("no memory")}, "cannot start the camera: no memory"),
        ({"wait": TimeoutError()}, r"gives no frames \(TimeoutError\): is the cable seated"),
    ],
)
def test_what_libcamera_raises_is_told_and_the_camera_given_back(picamera2, trouble, message):
    picamera2.trouble = trouble
    with pytest.raises(CameraError, match=message):
        open_camera("picamera2")
    assert all(camera.closed for camera in picamera2.made)


def test_a_camera_that_stops_is_opened_again_by_the_next_call(picamera2):
    camera = open_camera("picamera2")
    picamera2.trouble = {"wait": TimeoutError()}
    for _ in range(2):
        with pytest.raises(CameraError, match="gives no frames"):
            camera.capture()
    picamera2.trouble = {}
    camera.capture()
    camera.close()
    assert len(picamera2.made) == 3
    assert all(made.closed for made in picamera2.made)
