"""Memory and time that one picture may take, whatever it says of itself."""

import io
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.runtime.image_headers import image_format
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import BYTES_PER_PIXEL, MAX_PIXELS, SLACK_BYTES, max_file_bytes

_PEAK = """
import sys
from edgeleuk.runtime.images import decode_image
content = sys.stdin.buffer.read()
decode_image(bytes.fromhex(sys.argv[1]))
def highest():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
before = highest()
decode_image(content)
print(highest() - before)
"""
_NO_MEMORY = """
import resource, sys
from edgeleuk.errors import ImageError
from edgeleuk.runtime.images import decode_image
content = sys.stdin.buffer.read()
decode_image(bytes.fromhex(sys.argv[1]))
with open("/proc/self/statm") as statm:
    used = 4096 * int(statm.read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (used + (48 << 20), used + (48 << 20)))
try:
    decode_image(content)
except ImageError as error:
    print(error.passing, error)
"""


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def in_a_fresh_process(code, content, kind):
    warm = encoded(Image.new("RGBA" if kind != "JPEG" else "RGB", (8, 8)), kind).hex()
    command = [sys.executable, "-c", code, warm]
    return subprocess.run(command, input=content, capture_output=True, check=True, timeout=60).stdout.decode()


def test_the_largest_transparent_picture_stays_within_the_memory_it_is_given():
    image = Image.new("LA", (5000, 5000), (200, 100))
    assert image.width * image.height == MAX_PIXELS
    content = encoded(image, "PNG", compress_level=1)
    assert int(in_a_fresh_process(_PEAK, content, "PNG")) <= BYTES_PER_PIXEL * MAX_PIXELS + SLACK_BYTES


def test_a_format_that_takes_thrice_the_memory_may_have_fewer_pixels():
    content, pixels = encoded(Image.new("RGB", (2500, 2500)), "WEBP", method=0), 2500 * 2500
    assert decode_image(content, 2 * pixels).size == (2500, 2500)
    with pytest.raises(ImageError, match=r"as WEBP of mode RGB takes \d+ MiB to decode"):
        decode_image(content, pixels)


def test_lack_of_memory_is_an_error_that_may_pass():
    content = encoded(Image.new("L", (5000, 5000)), "PNG")
    assert in_a_fresh_process(_NO_MEMORY, content, "PNG").startswith("True image: not enough memory to decode it now")


def test_damage_is_no_passing_error():
    with pytest.raises(ImageError) as refused:
        decode_image(encoded(Image.new("RGB", (40, 40)), "PNG")[:60])
    assert not refused.value.passing


def test_a_file_that_is_larger_than_its_pixels_may_be_is_not_even_read(tmp_path):
    path = tmp_path / "x.bmp"
    with path.open("wb") as file:
        file.write(b"BM")
        file.truncate(max_file_bytes() + 1)
    with pytest.raises(ImageError, match="bytes; at most"):
        decode_image(path)


def test_a_jpeg_of_many_scans_is_refused_before_it_takes_its_time():
    content = encoded(Image.fromarray(np.zeros((64, 64, 3), np.uint8)), "JPEG", progressive=True)
    scan = content.rindex(b"\xff\xda")
    slow = content[:scan] + 200 * content[scan:-2] + b"\xff\xd9"
    with pytest.raises(ImageError, match=r"a JPEG of 2\d\d scans"):
        decode_image(slow)
    assert decode_image(content).size == (64, 64)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_endless_metadata_is_refused_soon(kind):
    content = encoded(Image.new("RGB", (8, 8)), kind)
    if kind == "PNG":
        chunk = struct.pack(">I4s", 0, b"tEXt") + struct.pack(">I", zlib.crc32(b"tEXt"))
        content = content[:33] + 500_000 * chunk + content[33:]
    elif kind == "JPEG":
        content = content[:2] + 500_000 * b"\xff\xe5\0\2" + content[2:]
    else:
        place = struct.unpack_from("<I", content, 4)[0]
        content = content[:place] + struct.pack("<H", 60_000) + bytes(12 * 60_000) + content[place:]
    started = time.perf_counter()
    with pytest.raises(ImageError, match=r"more than 65536|a page of 60000 tags"):
        decode_image(content)
    assert time.perf_counter() - started < 2


def test_a_run_length_bmp_that_python_would_decode_for_minutes_is_refused():
    head = struct.pack("<IiiHHIIiiII", 40, 4000, 4000, 1, 8, 1, 0, 0, 0, 0, 0)
    content = struct.pack("<2sIII", b"BM", 0, 0, 54 + 1024) + head + bytes(1024) + b"\1\7" * (3 << 20)
    with pytest.raises(ImageError, match="a run-length BMP of"):
        decode_image(content)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_picture_that_moves_is_refused(kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    with pytest.raises(ImageError, match="of several pictures"):
        decode_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert decode_image(encoded(frames[0], kind, save_all=True)).size == (16, 16)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"GIF89a" + bytes(20), "a GIF"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"\0\0\0\x1cftypheic" + bytes(20), "HEIC"),
        (b"\0\x05\x16\x07\0\2\0\0Mac OS X", "what macOS keeps beside a file"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(content, name):
    assert image_format(content) is None
    with pytest.raises(ImageError, match=f"not an image of type BMP, JPEG, PNG, TIFF or WEBP \\({name}"):
        decode_image(content)


def test_a_jpeg_of_cmyk_that_does_not_say_whether_it_is_inverted_is_refused():
    content = encoded(Image.new("CMYK", (8, 8), (200, 10, 10, 10)), "JPEG")
    decode_image(content)
    place = content.index(b"\xff\xee")
    with pytest.raises(ImageError, match="without Adobe's mark"):
        decode_image(content[:place] + content[place + 16 :])
