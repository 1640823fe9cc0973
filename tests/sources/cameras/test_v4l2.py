"""V4L2 cameras: what can be tried without one, through OpenCV's own capture of image files; the rest with v4l2loopback.

No test here has met real hardware: exposure, USB bandwidth and unplugging are imitated.
"""

import fcntl
import os
import struct
import threading
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.errors import CameraError, EdgeleukError, UsageError
from edgeleuk.runtime.images import decode_image
from edgeleuk.sources.cameras import v4l2 as v4l2_camera
from edgeleuk.sources.cameras.base import open_camera
from edgeleuk.sources.cameras.v4l2 import Capability, V4L2Camera, check_device, open_v4l2

ORANGE = (250, 120, 10)


@pytest.fixture
def film(tmp_path):
    """Opens OpenCV's capture of forty orange images, which ends as a camera does that is unplugged."""
    cv2 = pytest.importorskip("cv2", reason="the camera extra is not installed")
    for number in range(40):
        Image.new("RGB", (64, 48), ORANGE).save(tmp_path / f"{number:03}.png")
    opened = []

    def open_capture(device, size):
        opened.append(cv2.VideoCapture(str(tmp_path / "%03d.png"), cv2.CAP_IMAGES))
        return opened[-1]

    open_capture.opened = opened
    return open_capture


def test_a_frame_has_the_colours_that_the_camera_saw(film):
    camera = V4L2Camera("/dev/video7", open_capture=film)
    frame = camera.capture()
    camera.close()
    decoded = decode_image(frame.content)
    assert (decoded.size, decoded.getpixel((0, 0))) == ((64, 48), ORANGE)
    assert frame.name.startswith("video7-")


def test_a_camera_that_gives_no_more_frames_is_closed_told_and_opened_again_by_the_next_call(film):
    camera = V4L2Camera("/dev/video7", open_capture=film)
    with pytest.raises(CameraError, match="/dev/video7 gives no frames: unplugged"):
        deque(iter(camera.capture, None), maxlen=0)
    assert not film.opened[0].isOpened()
    assert decode_image(camera.capture().content).getpixel((0, 0)) == ORANGE
    assert len(film.opened) == 2
    camera.close()
    camera.close()


def test_a_camera_that_cannot_be_opened_again_says_so_at_each_call(film):
    camera = V4L2Camera("/dev/video7", open_capture=film)
    camera.close()
    camera._open_capture = open_v4l2
    for _ in range(2):
        with pytest.raises(CameraError, match="/dev/video7: no such camera"):
            camera.capture()


def test_a_size_that_the_camera_does_not_give_is_refused(film):
    with pytest.raises(UsageError, match="gives frames of 64x48, asked for were 640x480; `v4l2-ctl"):
        V4L2Camera("/dev/video7", (640, 480), film)
    assert not film.opened[0].isOpened()
    V4L2Camera("/dev/video7", (64, 48), film).close()


def test_the_camera_extra_is_named_where_it_is_missing(run_python):
    done = run_python(
        "block(('cv2',))\n"
        "from edgeleuk.sources.cameras.base import open_camera\n"
        "from edgeleuk.errors import MissingExtraError\n"
        "try:\n    open_camera('0')\nexcept MissingExtraError as error:\n    print(error)"
    )
    assert (done.stdout, done.stderr) == ("cameras needs the 'camera' extra: pip install 'edgeleuk[camera]'\n", "")


def test_cameras_of_files_need_no_opencv(run_python, write_image, tmp_path):
    write_image("frames/a.png")
    done = run_python(
        "block(('cv2', 'picamera2'))\n"
        "from edgeleuk.sources.cameras.base import open_camera\n"
        f"print(open_camera('file:{tmp_path}/frames').capture().name)"
    )
    assert (done.stdout, done.stderr) == ("a.png\n", "")


def test_a_device_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(
        CameraError, match=r"/dev/video99999: no such camera; there (is none: is it plugged in|are /dev/)"
    ):
        check_device("/dev/video99999")


def test_opening_through_opencv_meets_the_same_message(capfd):
    pytest.importorskip("cv2", reason="the camera extra is not installed")
    with pytest.raises(CameraError, match="no such camera"):
        open_camera("99999")
    assert capfd.readouterr() == ("", "")


def test_a_device_that_is_no_camera_is_told():
    with pytest.raises(CameraError, match="/dev/null is not a V4L2 device"):
        check_device("/dev/null")


def test_a_device_without_permission_names_the_group(run_beside):
    done = run_beside("""
        import os, pathlib, sys
        from edgeleuk.errors import EdgeleukError
        from edgeleuk.sources.cameras.v4l2 import check_device
        if os.geteuid() == 0:
            os.setuid(65534)
        device = pathlib.Path(sys.argv[1], "video0")
        device.touch(mode=0)
        try:
            check_device(str(device))
        except EdgeleukError as error:
            print(str(error).removeprefix(sys.argv[1]))
    """)
    expected = "/video0: no permission; add the user to the group video (usermod -aG video USER) and log in again\n"
    assert (done.stdout, done.stderr) == (expected, "")


@given(st.binary(min_size=104, max_size=104))
def test_any_answer_of_a_driver_is_read(answer):
    Capability.parse(answer)


@pytest.mark.parametrize(
    ("of_all", "of_device", "captures"),
    [(0x84A00001, 0x04200001, True), (0x84A00001, 0x04A00000, False), (0x00000001, 0, True), (0x00000002, 0, False)],
    ids=["a camera", "its metadata node", "an old driver", "an output"],
)
def test_what_a_node_can_is_told_apart_from_what_its_card_can(of_all, of_device, captures):
    answer = struct.pack("=16s32s32sIII12x", b"uvcvideo", b"Microscope \xff", b"usb-1", 0x060612, of_all, of_device)
    assert Capability.parse(answer) == Capability("uvcvideo", "Microscope \N{REPLACEMENT CHARACTER}", captures)


@pytest.mark.parametrize(
    ("driver", "of_all", "message"),
    [
        (b"unicam", 0x1, "is the Pi's camera connector, whose frames are raw: take --camera picamera2"),
        (b"rp1-cfe", 0x1, ".* take --camera picamera2"),
        (b"bcm2835-codec", 0x8000, r"\(ISP\) takes no pictures; the camera's other /dev/video\* may"),
    ],
)
def test_devices_that_opencv_cannot_use_are_told(monkeypatch, driver, of_all, message):
    answer = struct.pack("=16s32s32sIII12x", driver, b"ISP", b"", 0, of_all, 0)
    monkeypatch.setattr(v4l2_camera.fcntl, "ioctl", lambda handle, request, empty: answer)
    with pytest.raises(CameraError, match=f"/dev/null {message}"):
        check_device("/dev/null")


def test_a_link_to_a_device_is_opened_by_its_number(tmp_path):
    (tmp_path / "usb-microscope").symlink_to("/dev/video12")
    assert v4l2_camera._number(str(tmp_path / "usb-microscope")) == 12
    with pytest.raises(CameraError, match="leads to no /dev/video"):
        v4l2_camera._number("/dev/null")


def loopback_device() -> str | None:
    for device in sorted(Path("/dev").glob("video*")):
        try:
            handle = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            answer = fcntl.ioctl(handle, v4l2_camera._QUERYCAP, bytes(104))
        except OSError:
            continue
        finally:
            os.close(handle)
        if Capability.parse(answer).driver == "v4l2 loopback":
            return str(device)
    return None


@pytest.mark.skipif(struct.calcsize("P") != 8, reason="VIDIOC_S_FMT below is that of 64-bit systems")
def test_frames_of_a_v4l2_device_arrive():
    """Writes grey YUYV frames into a device of v4l2loopback and takes them out through OpenCV."""
    pytest.importorskip("cv2", reason="the camera extra is not installed")
    device = loopback_device()
    if device is None:
        pytest.skip("no device of v4l2loopback: `modprobe v4l2loopback` where the kernel has modules")
    width, height = 640, 480
    pix = struct.pack("=IIIIIII", width, height, int.from_bytes(b"YUYV", "little"), 1, 2 * width, 2 * width * height, 8)
    handle, stop = os.open(device, os.O_RDWR), threading.Event()
    fcntl.ioctl(handle, 0xC0D05605, struct.pack("=I4x", 2) + pix.ljust(200, b"\0"))  # VIDIOC_S_FMT, video output

    def feed() -> None:
        while not stop.wait(1 / 30):
            os.write(handle, bytes((180, 128)) * (width * height))

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        camera = open_camera(device, (width, height))
        pixels = np.asarray(decode_image(camera.capture().content)).astype(int)
        camera.close()
    finally:
        stop.set()
        feeder.join()
        os.close(handle)
    assert pixels.shape == (height, width, 3)
    assert abs(pixels - pixels.mean()).max() <= 3


def test_every_error_of_a_camera_is_edgeleuks():
    assert issubclass(CameraError, EdgeleukError)
