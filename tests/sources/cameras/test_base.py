"""Cameras by name; their frames until they end, through losses."""

import threading
from datetime import UTC, datetime

import pytest

from edgeleuk.errors import DataError, ImageError, UsageError
from edgeleuk.sources.cameras.base import CameraError, EndOfFrames, Frame, frames, open_camera


@pytest.fixture
def images(write_image, tmp_path):
    for name in ("b.png", "a.bmp", "c.jpg"):
        write_image(f"frames/{name}")
    (tmp_path / "frames/notes.txt").write_text("")
    (tmp_path / "frames/.hidden.png").write_bytes(b"")
    return tmp_path / "frames"


def test_files_are_frames_in_order_as_they_are(images):
    camera = open_camera(f"file:{images}")
    before = datetime.now(UTC)
    taken = [camera.capture() for _ in range(3)]
    assert [(frame.name, frame.content) for frame in taken] == [
        (name, (images / name).read_bytes()) for name in ("a.bmp", "b.png", "c.jpg")
    ]
    assert all(before <= frame.captured <= datetime.now(UTC) for frame in taken)
    with pytest.raises(EndOfFrames):
        camera.capture()
    camera.close()
    camera.close()


def test_a_closed_file_camera_gives_no_more(images):
    camera = open_camera(f"file:{images}")
    camera.close()
    with pytest.raises(EndOfFrames):
        camera.capture()


def test_a_frame_that_cannot_be_read_is_reported_and_the_rest_goes_on(images):
    (images / "b.png").unlink()
    (images / "b.png").symlink_to("a.bmp")
    reports: list[str] = []
    got = frames(open_camera(f"file:{images}"), reports.append, threading.Event())
    assert [frame.name for frame in got if frame] == ["a.bmp", "c.jpg"]
    assert reports == [f"{images}/b.png: a symbolic link, which is not followed"]


def test_a_folder_that_is_none_or_holds_no_images_is_told(tmp_path):
    with pytest.raises(UsageError, match="No such file or directory; expected a folder of images"):
        open_camera(f"file:{tmp_path / 'absent'}")
    with pytest.raises(DataError, match="holds no images"):
        open_camera(f"file:{tmp_path}")


def test_files_have_their_own_size(images):
    with pytest.raises(UsageError, match="leave the size out"):
        open_camera(f"file:{images}", (640, 480))


@pytest.mark.parametrize("name", ["", "webcam", "-1", "1.5", "video0", "rtsp://camera", "FILE:x"])
def test_an_unknown_name_is_refused_with_the_known_kinds(name):
    with pytest.raises(UsageError, match="expected a number such as 0, /dev/video0, picamera2 or file:DIR"):
        open_camera(name)


class Script:
    """A camera that does one thing after the other: gives a frame, raises, or sets the event given."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)

    def capture(self) -> Frame:
        if not self.steps:
            raise EndOfFrames
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return Frame(b"", str(step), datetime.now(UTC))

    def close(self) -> None: ...


def run(camera, stop=None):
    reports: list[str] = []
    got = frames(camera, reports.append, stop or threading.Event(), first_retry_s=0.001)
    return [frame and frame.name for frame in got], reports


def test_a_camera_that_is_lost_is_reported_once_and_so_is_its_return():
    lost = [CameraError("video0 is gone")] * 4
    got, reports = run(Script("1", *lost, "2", *lost, "3"))
    assert got == ["1", None, None, None, None, "2", None, None, None, None, "3"]
    assert reports == ["video0 is gone; retrying until it works", "the camera delivers frames again"] * 2


def test_one_bad_frame_is_no_loss():
    assert run(Script("1", ImageError("x is bad"), "2")) == (["1", "2"], ["x is bad"])


def test_it_ends_when_it_is_told_to_even_while_the_camera_is_lost():
    stop = threading.Event()
    got = frames(Script("1", *[CameraError("gone")] * 99), [].append, stop, first_retry_s=60)
    assert next(got).name == "1"
    assert next(got) is None
    stop.set()
    assert list(got) == []


def test_other_errors_are_not_hidden():
    with pytest.raises(UsageError):
        run(Script("1", UsageError("no such size")))
