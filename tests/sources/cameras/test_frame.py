"""Pixels of a camera become a file's bytes without loss, the same bytes for the same pixels."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeleuk.errors import CameraError
from edgeleuk.runtime.images import decode_image
from edgeleuk.sources.cameras.frame import drop_until_exposed, encode_frame

PIXELS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(PIXELS, st.sampled_from(["RGB", "BGR"]))
def test_a_decoded_frame_has_the_cameras_pixels_in_the_order_rgb(pixels, order):
    decoded = np.asarray(decode_image(encode_frame(pixels, order, "x").content))
    np.testing.assert_array_equal(decoded, pixels if order == "RGB" else pixels[..., ::-1])


@given(PIXELS)
def test_the_same_pixels_are_the_same_bytes_however_they_lie_in_memory(pixels):
    mirrored = np.ascontiguousarray(pixels[:, ::-1])[:, ::-1]
    assert encode_frame(pixels, "BGR", "a").content == encode_frame(mirrored, "BGR", "b").content


def test_a_frame_is_named_by_camera_and_time():
    before = datetime.now(UTC)
    frame = encode_frame(np.zeros((2, 2, 3), np.uint8), "RGB", "video0")
    assert before <= frame.captured <= datetime.now(UTC)
    assert frame.name == f"video0-{frame.captured:%Y%m%dT%H%M%S.%f}Z.bmp"


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3), np.uint16)]
)
def test_other_pixels_are_refused(pixels):
    with pytest.raises(CameraError, match=r"x: frames of uint\d+ \[2, 2.*expected uint8 \[height, width, 3\]"):
        encode_frame(pixels, "RGB", "x")


def frames_of(levels):
    """A reader of flat frames of these grey levels, and the count of those it gave."""
    given_out = []

    def read():
        given_out.append(levels[min(len(given_out), len(levels) - 1)])
        return np.full((16, 16, 3), given_out[-1], np.uint8)

    return read, given_out


def test_frames_are_dropped_until_the_brightness_stays():
    read, given_out = frames_of([0, 0, 0, 0, 0, 0, 10, 40, 70, 90, 100, 101, 100, 100])
    assert drop_until_exposed(read)[0, 0, 0] == 100
    assert len(given_out) == 13


def test_black_frames_at_the_start_are_not_taken_for_settled():
    read, given_out = frames_of([0] * 7 + [80] * 10)
    assert drop_until_exposed(read)[0, 0, 0] == 80
    assert len(given_out) == 10


def test_a_camera_that_never_settles_is_waited_for_thirty_frames():
    read, given_out = frames_of([0, 99] * 50)
    drop_until_exposed(read)
    assert len(given_out) == 30
