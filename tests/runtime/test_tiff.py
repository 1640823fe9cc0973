"""A TIFF is judged by its tags: the right picture of it, or a refusal that says why."""

import contextlib
import io
import re
import struct

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.runtime.images import decode_image

tifffile = pytest.importorskip("tifffile")  # not on a device

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 6), dtype=np.uint8)
RGB = np.ascontiguousarray(NOISE[..., :3])


def tiff(pixels, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def stack(*pages, **options):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for pixels in pages:
            writer.write(pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack", metadata=None, **options)
    return stream.getvalue()


def pyramid(levels, subfile=1):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for level in range(levels):
            small = np.ascontiguousarray(RGB[:: 1 << level, :: 1 << level])
            writer.write(small, photometric="rgb", metadata=None, subfiletype=subfile if level else 0)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.moveaxis(RGB, -1, 0).astype(np.uint16) * 257, {"photometric": "rgb"}, "more than 8 bits a channel (16)"),
        (RGB.astype(np.float32) / 255, {"photometric": "rgb"}, "more than 8 bits a channel (32 floating point)"),
        (RGB[..., 0].astype(np.int16), {}, "more than 8 bits a channel (16 signed)"),
        (RGB[..., 0].view(np.int8), {}, "signed samples"),
        (RGB.view(np.int8), {"photometric": "rgb"}, "signed samples"),
        (NOISE[..., :4], {"photometric": "minisblack", "planarconfig": "contig"}, "4 channels, called grey"),
        (NOISE[..., :2], {"photometric": "minisblack", "planarconfig": "contig"}, "2 channels, called grey"),
        (RGB, {"photometric": "cielab"}, "CIE L*a*b*"),
        (RGB, {"photometric": "rgb", "compression": "jpeg2000"}, "compression JPEG 2000"),
    ],
)
def test_what_a_decoder_would_misread_is_refused_by_name(pixels, options, reason):
    with pytest.raises(ImageError, match=re.escape(reason)):
        decode_image(tiff(pixels, **options))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (stack(RGB, RGB, RGB), "3 pages (60x40 RGB, 60x40 RGB, 60x40 RGB); which of them counts is not said"),
        (stack(*np.moveaxis(RGB, -1, 0)), "3 pages (60x40 grey, 60x40 grey, 60x40 grey)"),
        (stack(RGB, np.ascontiguousarray(RGB[:20])), "2 pages"),
        (tiff(np.moveaxis(RGB, -1, 0), imagej=True, metadata={"axes": "CYX"}), "3 pages"),
        (tiff(np.stack([RGB] * 5), imagej=True, metadata={"axes": "ZYXS"}), "5 pages"),
        (
            tiff(
                np.moveaxis(RGB, -1, 0), ome=True, metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "x"]}}
            ),
            "channels DAPI, FITC, x",
        ),
    ],
)
def test_several_pictures_in_one_file_are_refused_and_named(content, reason):
    with pytest.raises(ImageError, match=re.escape(reason)):
        decode_image(content)


def test_a_stack_of_imagej_with_one_directory_only_is_refused():
    description = "ImageJ=1.53\nimages=7\nslices=7\n"
    with pytest.raises(ImageError, match="one page of 7 planes"):
        decode_image(tiff(RGB, photometric="rgb", description=description, metadata=None))


def test_a_page_is_chosen_by_its_number():
    other = 255 - RGB
    for number, expected in ((1, RGB), (2, other)):
        assert np.array_equal(np.asarray(decode_image(stack(RGB, other), page=number)), expected)
    with pytest.raises(ImageError, match="has 2 pages, no page 3"):
        decode_image(stack(RGB, other), page=3)
    with pytest.raises(ImageError, match="a PNG, which has no pages"):
        decode_image(_encoded(Image.new("RGB", (4, 4)), "PNG"), page=1)


@pytest.mark.parametrize("subfile", [1, 0])
def test_smaller_copies_of_page_one_are_no_obstacle(subfile):
    assert np.array_equal(np.asarray(decode_image(pyramid(3, subfile))), RGB)


def test_a_first_page_that_is_itself_a_smaller_copy_is_refused():
    with pytest.raises(ImageError, match="page 1 is a smaller copy"):
        decode_image(tiff(RGB, photometric="rgb", subfiletype=1))


def test_associated_opacity_is_not_multiplied_again():
    pixels = NOISE[..., :4].copy()
    pixels[:20, :, 3] = 0
    content = tiff(pixels, photometric="rgb", extrasamples=["assocalpha"], planarconfig="contig")
    assert np.array_equal(np.asarray(decode_image(content)), pixels[..., :3])


@pytest.mark.parametrize("extra", ["unspecified", None])
def test_a_fourth_channel_that_is_not_called_opacity_is_none(extra):
    content = bytearray(tiff(NOISE[..., :4], photometric="rgb", extrasamples=["unspecified"], planarconfig="contig"))
    if extra is None:
        place = content.index(struct.pack("<HHI", 338, 3, 1))
        content[place : place + 2] = struct.pack("<H", 65000)
    assert np.array_equal(np.asarray(decode_image(bytes(content))), RGB)


def test_sparse_tiles_are_refused_for_pillow_reads_the_header_as_pixels():
    content = bytearray(tiff(np.zeros((64, 64), np.uint8), tile=(32, 32)))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as file:
        offsets = file.pages[0].tags["TileOffsets"].valueoffset
    content[offsets : offsets + 4] = bytes(4)
    with pytest.raises(ImageError, match="leaves out parts of its picture"):
        decode_image(bytes(content))


def test_too_few_strips_are_damage_and_not_black_rows():
    content = bytearray(tiff(RGB, photometric="rgb", rowsperstrip=10))
    for tag in (273, 279):
        place = content.index(struct.pack("<HH", tag, 4 if tag == 273 else 3), 8)
        content[place + 4 : place + 8] = struct.pack("<I", 3)
    with pytest.raises(ImageError, match="3 strips or tiles, where its size needs 4"):
        decode_image(bytes(content))


def test_pages_in_a_circle_and_endless_tags_are_damage():
    content = bytearray(tiff(RGB, photometric="rgb", metadata=None))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as file:
        first, following = file.pages[0].offset, file.pages[0].offset + 2 + 12 * len(file.pages[0].tags)
    content[following : following + 4] = struct.pack("<I", first)
    with pytest.raises(ImageError, match="form a loop"):
        decode_image(bytes(content))


@pytest.mark.parametrize("packing", ["tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits"])
def test_what_libtiff_thinks_of_a_damaged_file_is_an_error_and_not_printed(packing, capfd):
    whole = bytearray(_encoded(Image.fromarray(RGB), "TIFF", compression=packing))
    generator = np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[int(generator.integers(300, len(whole) // 2))] ^= 0xFF
        with contextlib.suppress(ImageError):
            decode_image(bytes(damaged))
    assert capfd.readouterr() == ("", "")


def _encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
