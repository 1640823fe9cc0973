"""Image files that a microscope folder may hold, good and bad."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width, height, depth, colour, data=b""):
    """A PNG that says what it likes about itself."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", ["x.bmp", "x.png", "x.tif", "x.webp", "x.jpg"])
def test_an_rgb_file_is_decoded(write_image, name):
    image = decode_image(write_image(name, size=(20, 10)))
    assert (image.mode, image.size) == ("RGB", (20, 10))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("x.bmp", "L"),
        ("x.bmp", "1"),
        ("x.png", "P"),
        ("x.bmp", "P"),
        ("x.jpg", "CMYK"),
        ("x.tif", "CMYK"),
        ("x.jpg", "L"),
    ],
)
def test_grey_palette_and_cmyk_become_rgb(write_image, name, mode):
    path = write_image(name, mode)
    with Image.open(path) as stored:
        assert stored.mode == mode
        expected = np.asarray(stored.convert("RGB"))
    assert np.array_equal(np.asarray(decode_image(path)), expected)


def test_a_grey_pixel_keeps_its_value_in_each_channel():
    image = decode_image(encoded(Image.new("L", (4, 4), 77), "PNG"))
    assert image.getpixel((0, 0)) == (77, 77, 77)


@pytest.mark.parametrize(
    ("mode", "clear", "half"), [("RGBA", (9, 9, 9, 0), (200, 100, 50, 128)), ("LA", (9, 0), (200, 128))]
)
def test_transparent_pixels_become_black(mode, clear, half):
    image = Image.new(mode, (2, 1), clear)
    image.putpixel((1, 0), half)
    decoded = decode_image(encoded(image, "PNG"))
    assert decoded.getpixel((0, 0)) == (0, 0, 0)
    assert decoded.getpixel((1, 0))[0] == pytest.approx(100, abs=1)


def test_a_transparent_colour_becomes_black():
    image = encoded(Image.new("RGB", (2, 2), (255, 255, 255)), "PNG", transparency=(255, 255, 255))
    assert decode_image(image).getpixel((0, 0)) == (0, 0, 0)


def test_16_bit_grey_is_refused(write_image):
    with pytest.raises(ImageError, match=r"more than 8 bits a channel \(16\); convert it"):
        decode_image(write_image("x.png", "I;16"))


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bit_colour_is_refused_though_pillow_would_drop_the_lower_bits(colour, channels):
    rows = (b"\0" + b"\x12\x34" * channels * 4) * 4
    with pytest.raises(ImageError, match="more than 8 bits a channel"):
        decode_image(png(4, 4, 16, colour, rows))


def test_floating_point_pixels_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(ImageError, match="32 floating point"):
        decode_image(tmp_path / "x.tif")


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(ImageError, match=r"6000x5000 is 30,000,000 pixels; at most 25,000,000"):
        decode_image(png(6000, 5000, 8, 2))


@pytest.mark.parametrize("side", [11_000, 16_000, 60_000])
def test_bombs_that_pillow_itself_warns_of_or_refuses_are_image_errors(side):
    with pytest.raises(ImageError, match="at most"):
        decode_image(png(side, side, 8, 2))


def test_the_limit_is_far_under_pillows_own():
    assert MAX_PIXELS * 3 < Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("name", ["x.bmp", "x.png", "x.jpg", "x.tif", "x.webp"])
def test_a_truncated_file_is_refused(write_image, name):
    path = write_image(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match=str(path)):
        decode_image(path)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"BM", b"\x89PNG\r\n\x1a\n"])
def test_an_empty_file_and_one_that_is_no_image_are_refused(tmp_path, content):
    (tmp_path / "x.bmp").write_bytes(content)
    with pytest.raises(ImageError, match=r"x\.bmp"):
        decode_image(tmp_path / "x.bmp")


def test_formats_outside_the_list_are_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "x.ppm")
    with pytest.raises(ImageError, match="not an image of type BMP, JPEG, PNG, TIFF or WEBP"):
        decode_image(tmp_path / "x.ppm")


def test_a_folder_a_dangling_link_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "folder.bmp").mkdir()
    (tmp_path / "link.bmp").symlink_to(tmp_path / "absent")
    for name, reason in (("folder.bmp", "directory"), ("link.bmp", "no such file"), ("x.bmp", "no such file")):
        with pytest.raises(ImageError, match=reason):
            decode_image(tmp_path / name)


def test_a_file_without_permission_is_refused(unprivileged):
    path = unprivileged / "x.bmp"
    Image.new("RGB", (8, 8)).save(path)
    path.chmod(0)
    with pytest.raises(ImageError, match="Permission denied"):
        decode_image(path)


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_an_image_error(content):
    _decode(content)


@given(
    kind=st.sampled_from(["BMP", "PNG", "JPEG", "TIFF", "WEBP"]),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    share=st.floats(0.1, 1),
)
def test_damaged_files_raise_nothing_but_an_image_error(kind, changes, share):
    content = bytearray(encoded(Image.new("RGB", (8, 8), (1, 2, 3)), kind))
    for place, value in changes:
        content[place % len(content)] = value
    _decode(bytes(content[: int(share * len(content))]))


def _decode(content):
    try:
        image = decode_image(content, max_pixels=10_000)
    except ImageError:
        return
    assert image.mode == "RGB"
