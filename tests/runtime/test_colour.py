"""Opacity, orientation and ICC profiles mean the same in every format, and for a Pillow image as for a file."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from edgeleuk.errors import ImageError
from edgeleuk.runtime.colour import differs_from_srgb, to_rgb
from edgeleuk.runtime.images import decode_image, image_size, rgb_image

imagecodecs, tifffile = (pytest.importorskip(name) for name in ("imagecodecs", "tifffile"))  # not on a device

NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
RGB = np.ascontiguousarray(NOISE[..., :3])
SMOOTH = Image.linear_gradient("L").resize((30, 20)).convert("RGB")
ORIENTATION = 0x0112


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def opened(image, kind, **options):
    return np.asarray(decode_image(encoded(image, kind, **options)))


def profile_of(gamma, red=(0.64, 0.33), green=(0.3, 0.6), blue=(0.15, 0.06)):
    """A matrix profile of ICC version 2, with 16-bit curves of one gamma: (x, y) of each primary, white D65."""
    to_xyz = _primaries(red, green, blue)
    tags = [
        (name, b"XYZ \0\0\0\0" + _fixed(column))
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), to_xyz.T, strict=True)
    ]
    curve = b"curv\0\0\0\0\0\0\0\1" + round(256 * gamma).to_bytes(2, "big") + b"\0\0"
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    tags.append((b"wtpt", b"XYZ \0\0\0\0" + _fixed((0.9642, 1.0, 0.8249))))
    table, body, place = b"", b"", 132 + 12 * len(tags)
    for name, data in tags:
        table += name + place.to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body, place = body + data, place + len(data)
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\x02\x10\0\0", b"mntrRGB XYZ ", b"acsp"
    head[68:80] = _fixed((0.9642, 1.0, 0.8249))
    head[0:4] = place.to_bytes(4, "big")
    return bytes(head) + len(tags).to_bytes(4, "big") + table + body


def _fixed(values):
    return b"".join(round(65536 * value).to_bytes(4, "big", signed=True) for value in values)


def _primaries(*xy):
    """Columns: XYZ of red, green and blue, adapted to D50 by Bradford."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in xy]).T
    white = np.array((0.95047, 1, 1.08883))
    scaled = columns * np.linalg.solve(columns, white)
    bradford = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
    gain = (bradford @ (0.9642, 1, 0.8249)) / (bradford @ white)
    return np.linalg.inv(bradford) @ np.diag(gain) @ bradford @ scaled


ADOBE_RGB = profile_of(2.199, green=(0.21, 0.71))


@pytest.mark.parametrize("alpha", [0, 1])
@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_an_opacity_that_is_nothing_everywhere_is_none(kind, options, alpha):
    pixels = NOISE.copy()
    pixels[..., 3] = alpha
    assert np.array_equal(opened(Image.fromarray(pixels, "RGBA"), kind, **options), RGB)


def test_so_is_that_of_a_bmp_with_four_channels_and_of_grey_and_palette_pictures():
    pixels = NOISE.copy()
    pixels[..., 3] = 0
    assert np.array_equal(opened(Image.fromarray(pixels, "RGBA"), "BMP"), RGB)
    grey = Image.merge("LA", [Image.fromarray(RGB[..., 0]), Image.new("L", (30, 20))])
    assert np.array_equal(opened(grey, "PNG")[..., 1], RGB[..., 0])
    palette = SMOOTH.quantize(16)
    shown = opened(palette, "PNG", transparency=bytes(16))
    assert np.array_equal(shown, np.asarray(palette.convert("RGB")))


def test_a_large_transparent_picture_is_as_a_small_one():
    pixels = np.tile(NOISE, (40, 50, 1))  # several strips
    content = encoded(Image.fromarray(pixels, "RGBA"), "PNG", compress_level=1)
    black = Image.new("RGBA", (pixels.shape[1], pixels.shape[0]), (0, 0, 0, 255))
    expected = Image.alpha_composite(black, Image.fromarray(pixels, "RGBA")).convert("RGB")
    assert np.array_equal(np.asarray(decode_image(content)), np.asarray(expected))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_a_picture_is_turned_as_exif_tells_in_every_format(kind, turn):
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    stored = SMOOTH.copy()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    content = encoded(stored, kind, exif=exif, **options)
    stored.getexif()[ORIENTATION] = turn
    expected = np.asarray(ImageOps.exif_transpose(stored)).astype(int)
    decoded = decode_image(content)
    assert np.abs(np.asarray(decoded) - expected).max() <= 2
    assert image_size(content) == decoded.size
    assert decoded.info == {}
    assert to_rgb(decoded) is decoded


def test_damaged_exif_is_as_none():
    content = encoded(SMOOTH, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode_image(content).size == SMOOTH.size


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_another_profile_is_converted_to_srgb_in_every_format(kind):
    green = Image.new("RGB", (8, 8), (60, 180, 60))
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    shown = opened(green, kind, icc_profile=ADOBE_RGB, **options)[0, 0].astype(int)
    assert differs_from_srgb(ADOBE_RGB)
    assert shown[0] == 0  # greener than sRGB can say: red is below 0
    assert abs(shown[1] - 181) <= 3


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_pixels_of_an_srgb_profile_and_of_a_damaged_one_stay_what_they_are(name):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"no profile", ADOBE_RGB[:200], profile_of(2.2).replace(b"RGB ", b"LUV ")):
        assert not differs_from_srgb(profile)
        assert np.array_equal(opened(Image.fromarray(RGB), name, icc_profile=profile), RGB)


def test_a_profile_of_other_channels_says_nothing_of_a_picture():
    picture = Image.fromarray(RGB).convert("CMYK")
    plain, tagged = opened(picture, "TIFF"), opened(picture, "TIFF", icc_profile=ADOBE_RGB)
    assert np.array_equal(plain, tagged)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"]
)
def test_a_pillow_image_of_any_8_bit_mode_becomes_rgb(mode):
    start = (
        Image.fromarray(NOISE, "RGBA") if mode not in ("La", "PA", "CMYK", "HSV", "YCbCr") else SMOOTH.convert("RGB")
    )
    image = start.convert("LA").convert(mode) if mode == "La" else start.convert(mode)
    assert (to_rgb(image).mode, to_rgb(image).size) == ("RGB", (30, 20))


@pytest.mark.parametrize("mode", ["I", "F", "I;16", "LAB"])
def test_a_pillow_image_of_another_mode_is_refused(mode):
    image = Image.new(mode, (8, 8)) if mode != "LAB" else SMOOTH.convert("LAB")
    with pytest.raises(ImageError, match=f"mode {mode}, not 8 bits a channel"):
        to_rgb(image)


def test_an_image_that_is_given_stays_as_it_is_and_gives_the_same_each_time():
    content = encoded(Image.new("RGB", (8, 8), (60, 180, 60)), "PNG", icc_profile=ADOBE_RGB)
    with Image.open(io.BytesIO(content)) as given:
        first, second = rgb_image(given), rgb_image(given)
        assert given.getpixel((0, 0)) == (60, 180, 60)
        assert given.info["icc_profile"] == ADOBE_RGB
    assert first.getpixel((0, 0)) == second.getpixel((0, 0)) == decode_image(content).getpixel((0, 0))
    plain = Image.fromarray(RGB)
    assert rgb_image(plain) is plain
    decoded = decode_image(content)
    assert rgb_image(decoded) is decoded


def test_an_opened_file_of_more_than_8_bits_and_an_empty_image_are_refused():
    deep = bytes(imagecodecs.png_encode(np.zeros((8, 8, 3), np.uint16)))
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((3, 8, 8), np.uint16), photometric="rgb")
    for content in (deep, stream.getvalue()):
        with Image.open(io.BytesIO(content)) as image, pytest.raises(ImageError, match="more than 8 bits a channel"):
            rgb_image(image)
    with pytest.raises(ImageError, match="0x5 holds no pixels"):
        rgb_image(Image.new("RGB", (0, 5)))
