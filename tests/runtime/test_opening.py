"""Pictures are opened by the one plugin of their format, as Image.open opens them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError

from edgeleuk.runtime.opening import PLUGINS, open_as

_MAGIC = {
    "BMP": b"BM",
    "JPEG": b"\xff\xd8\xff",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "TIFF": b"II*\0",
    "WEBP": b"RIFF\0\0\0\0WEBPVP8 ",
}


def _written(kind: str, mode: str = "RGB") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind)
    return stream.getvalue()


def _outcome(opened):
    """What comes of it: kind, mode, size and pixels; or the kind of the error."""
    try:
        image = opened()
        return image.format, image.mode, image.size, image.info.keys(), image.tobytes()
    except Exception as error:  # noqa: BLE001 - which one, that is compared
        return type(error)


@pytest.mark.parametrize("kind", PLUGINS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_opens_as_image_open_opens_it(kind, mode):
    content = _written(kind, mode)
    assert _outcome(lambda: open_as(content, kind)) == _outcome(
        lambda: Image.open(io.BytesIO(content), formats=(kind,))
    )


@given(kind=st.sampled_from(list(PLUGINS)), kept=st.integers(0, 200), noise=st.binary(max_size=64))
def test_damaged_pictures_fail_as_with_image_open(kind, kept, noise):
    for content in (_written(kind)[:kept] + noise, _MAGIC[kind] + noise):
        theirs = _outcome(lambda content=content: Image.open(io.BytesIO(content), formats=(kind,)))
        assert _outcome(lambda content=content: open_as(content, kind)) == theirs


def test_a_picture_of_another_format_is_not_identified():
    with pytest.raises(UnidentifiedImageError):
        open_as(_written("PNG"), "BMP")


def test_too_many_pixels_are_refused_as_image_open_refuses_them(monkeypatch):
    content = _written("PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31)  # of 63: more than twice as many
    with pytest.raises(Image.DecompressionBombError):
        open_as(content, "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert open_as(content, "PNG").size == (7, 9)
