"""A part of a PNG or JPEG is what Pillow decodes of the whole, to the bit, and files that are cut off stay refused."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from edgeleuk.errors import ImageError
from edgeleuk.runtime import upper_rows
from edgeleuk.runtime.image_headers import image_format, jpeg_frame
from edgeleuk.runtime.images import decode_image, decode_part
from edgeleuk.runtime.opening import open_as

Box = tuple[int, int, int, int]
_COLOURS = {"L": 0, "RGB": 2}
_SAMPLINGS = (0x11, 0x12, 0x21, 0x22, 0x41, 0x14)  # across and down, of the first of three channels


@pytest.fixture(autouse=True, scope="module")
def _however_few_rows_are_left_out() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upper_rows, "_LEAST_SKIPPED", 1)
        yield


def _pixels(seed: int, size: tuple[int, int], rough: bool = True) -> Image.Image:
    """Noise, or a few spots of it: what compresses badly and well."""
    width, height = size
    source = np.random.default_rng(seed).integers(0, 256, (height, width, 3) if rough else (3, 3, 3), np.uint8)
    return Image.fromarray(source).resize(size, Image.Resampling.BICUBIC)


def _jpeg(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(
    rows: bytes,
    size: tuple[int, int],
    mode: str = "RGB",
    pieces: int = 1 << 16,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Of rows that are filtered already; `before` and `after` the pixels come further chunks."""
    header = struct.pack(">IIBBBBB", *size, 8, _COLOURS[mode], 0, 0, 0)
    data = zlib.compress(rows)
    parts = (data[place : place + pieces] for place in range(0, len(data), pieces))
    pixels = b"".join(_chunk(b"IDAT", part) for part in parts)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + before + pixels + after + _chunk(b"IEND", b"")


def _rows(seed: int, size: tuple[int, int], mode: str = "RGB", filters: tuple[int, ...] = (0, 1, 2, 3, 4)) -> bytes:
    chosen = np.random.default_rng(seed)
    rows = chosen.integers(0, 256, (size[1], 1 + size[0] * len(mode)), np.uint8)
    rows[:, 0] = chosen.choice(filters, size[1])
    return rows.tobytes()


_SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))


@st.composite
def _pngs(draw: st.DrawFn) -> bytes:
    size, mode = draw(_SIZES), draw(st.sampled_from(sorted(_COLOURS)))
    filters = draw(st.sampled_from([(0, 1, 2, 3, 4), (2, 3, 4), (4,), (1, 4), (0,)]))
    rows = _rows(draw(st.integers(0, 1000)), size, mode, filters)
    return _png(rows, size, mode, draw(st.sampled_from([3, 100, 1 << 16])))


@st.composite
def _jpegs(draw: st.DrawFn) -> bytes:
    image = _pixels(draw(st.integers(0, 1000)), draw(_SIZES), draw(st.booleans()))
    subsampling = draw(st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]))
    image = image.convert(draw(st.sampled_from(["RGB", "L"])))
    content = _jpeg(image, quality=draw(st.integers(1, 100)), subsampling=subsampling, optimize=draw(st.booleans()))
    if draw(st.booleans()):  # another one: the codes then stand for other pixels, or for too few
        frame = jpeg_frame(content)
        assert frame is not None
        place = frame.place + 11
        content = content[:place] + bytes([draw(st.sampled_from(_SAMPLINGS))]) + content[place + 1 :]
    return content


def _box(data: st.DataObject, size: tuple[int, int]) -> Box:
    left, top = data.draw(st.integers(0, size[0] - 1)), data.draw(st.integers(0, size[1] - 1))
    return left, top, data.draw(st.integers(left + 1, size[0])), data.draw(st.integers(top + 1, size[1]))


def _by_pillow(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def _upper(content: bytes, box: Box) -> Image.Image | None:
    return upper_rows.upper_part(open_as(content, image_format(content) or ""), content, box)


def _outcome(decoded: Callable[[], Image.Image]) -> bytes | str:
    """The pixels, or the error."""
    try:
        return decoded().tobytes()
    except ImageError as error:
        return str(error)


@given(st.one_of(_pngs(), _jpegs()), st.data())
def test_any_part_is_what_pillow_decodes_of_the_whole(content: bytes, data: st.DataObject) -> None:
    whole = _by_pillow(content)
    box = _box(data, whole.size)
    image, size = decode_part(content, lambda size: box)
    assert size == whole.size
    assert (image.mode, image.info) == ("RGB", {})
    assert (image if image.size != size else image.crop(box)).tobytes() == whole.crop(box).tobytes()


@given(_pngs(), st.data())
def test_of_a_png_the_rows_below_are_left_out(content: bytes, data: st.DataObject) -> None:
    whole = _by_pillow(content)
    box = _box(data, whole.size)
    assume(box[3] < whole.height)
    part = _upper(content, box)
    assert part is not None
    assert part.tobytes() == whole.crop(box).tobytes()


@pytest.mark.parametrize(("subsampling", "block", "smoothed"), [("4:4:4", 8, 0), ("4:2:2", 8, 0), ("4:2:0", 16, 2)])
def test_of_a_jpeg_the_blocks_below_are_left_out(subsampling: str, block: int, smoothed: int) -> None:
    content = _jpeg(_pixels(0, (90, 90)), subsampling=subsampling)
    whole = _by_pillow(content)
    for bottom in range(1, 91):
        box = (3, bottom - 1, 80, bottom)
        part = _upper(content, box)
        assert (part is not None) == (-(-(bottom + smoothed) // block) * block < 90)
        if part is not None:
            assert part.tobytes() == whole.crop(box).tobytes()


def test_a_row_that_needs_none_above_it_begins_what_is_unfiltered() -> None:
    rows = bytearray(_rows(0, (20, 50), filters=(4,)))
    for row in (7, 30, 33):
        rows[row * 61] = 1
    content = _png(bytes(rows), (20, 50))
    whole = _by_pillow(content)
    for top in (0, 6, 7, 8, 29, 30, 32, 34):
        box = (5, top, 9, 36)
        part = _upper(content, box)
        assert part is not None
        assert part.tobytes() == whole.crop(box).tobytes()


@given(st.one_of(_pngs(), _jpegs()), st.data())
def test_a_file_that_is_cut_off_is_refused_wherever_the_whole_is(content: bytes, data: st.DataObject) -> None:
    cut = content[: data.draw(st.integers(0, len(content)))] + data.draw(st.sampled_from([b"", b"\0", bytes(9)]))
    box = 0, 0, 1, 1
    assert _outcome(lambda: decode_part(cut, lambda size: box).image.crop(box)) == _outcome(
        lambda: decode_image(cut).crop(box)
    )


@given(st.one_of(_pngs(), _jpegs()), st.data())
def test_of_a_damaged_file_a_part_is_what_it_is_of_the_whole(content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for place in data.draw(st.lists(st.integers(2, len(content) - 1), min_size=1, max_size=3)):
        changed[place] = data.draw(st.sampled_from([0, 1, 0x10, 0x7F, 0xD0, 0xD8, 0xD9, 0xFF]))
    try:
        whole = decode_image(bytes(changed))
    except ImageError:
        return
    box = _box(data, whole.size)
    image, size = decode_part(bytes(changed), lambda size: box)
    assert size == whole.size
    assert (image if image.size != size else image.crop(box)).tobytes() == whole.crop(box).tobytes()


_SIZE = (40, 40)
_SOURCE = _pixels(1, _SIZE)
_ROWS = _rows(1, _SIZE)


def _turned(kind: str) -> bytes:
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = 3
    _SOURCE.save(stream, kind, exif=exif)
    return stream.getvalue()


def _in_other_colours(kind: str) -> bytes:
    stream = io.BytesIO()
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    _SOURCE.save(stream, kind, icc_profile=bytes(swapped))
    return stream.getvalue()


def _saved(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def _interlaced() -> bytes:
    content = bytearray(_png(bytes(len(_ROWS) + 200), _SIZE))
    content[28] = 1
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_jpeg(_SOURCE, progressive=True), id="progressive"),
        pytest.param(_jpeg(_SOURCE, restart_marker_rows=1), id="restart markers"),
        pytest.param(_jpeg(_SOURCE.convert("CMYK")), id="CMYK"),
        pytest.param(_jpeg(_SOURCE) + b"\0", id="more behind the JPEG"),
        pytest.param(_jpeg(_SOURCE) * 2, id="two JPEGs"),
        pytest.param(_turned("JPEG"), id="turned JPEG"),
        pytest.param(_turned("PNG"), id="turned PNG"),
        pytest.param(_in_other_colours("JPEG"), id="other colours in a JPEG"),
        pytest.param(_in_other_colours("PNG"), id="other colours in a PNG"),
        pytest.param(_saved(_SOURCE.convert("RGBA")), id="opacity"),
        pytest.param(_saved(_SOURCE.quantize(9)), id="palette"),
        pytest.param(_saved(_SOURCE.convert("1")), id="one bit"),
        pytest.param(_saved(_SOURCE, transparency=(1, 2, 3)), id="a transparent colour"),
        pytest.param(_png(_ROWS, _SIZE, after=_chunk(b"tEXt", b"Comment\0x")), id="something said behind the pixels"),
        pytest.param(_interlaced(), id="interlaced"),
        pytest.param(_png(_ROWS, _SIZE, before=_chunk(b"acTL", struct.pack(">II", 1, 0))), id="APNG of one picture"),
    ],
)
def test_what_is_unusual_is_decoded_whole(content: bytes) -> None:
    assert _upper(content, (0, 0, 10, 1)) is None
    assert decode_part(content, lambda size: (0, 0, 10, 1)).image.tobytes() == decode_image(content).tobytes()


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for content in (_jpeg(_SOURCE, icc_profile=profile), _saved(_SOURCE, icc_profile=profile)):
        part = _upper(content, (5, 6, 30, 9))
        assert part is not None
        assert part.tobytes() == decode_image(content).crop((5, 6, 30, 9)).tobytes()


@pytest.mark.parametrize("damage", [b"", b"\x07"], ids=["rows missing", "unknown filter"])
def test_damaged_pixels_of_a_png_below_the_part_go_unnoticed_and_others_do_not(damage: bytes) -> None:
    row = 1 + 3 * _SIZE[0]
    content = _png(_ROWS[: 20 * row] + damage * 20 * row, _SIZE)
    below = decode_part(content, lambda size: (0, 0, 40, 20))
    assert below.image.size == (40, 20)
    assert _upper(content, (0, 0, 40, 21)) is None


@pytest.mark.parametrize("begin", [b"\x78\x9d", b"\x78\xbb", b"\x88\x1c", b"\x79\x9b", b"\x68\x81"])
def test_deflated_pixels_that_begin_otherwise_are_decoded_as_of_the_whole(begin: bytes) -> None:
    """A wrong check, a dictionary, too large a window, another method; and a smaller window, which is fine."""
    content = _png(_ROWS, _SIZE).replace(b"IDAT\x78\x9c", b"IDAT" + begin)
    assert begin in content
    assert _outcome(lambda: decode_part(content, lambda size: (0, 0, 40, 9)).image.crop((0, 0, 40, 9))) == _outcome(
        lambda: decode_image(content).crop((0, 0, 40, 9))
    )


def test_few_rows_below_are_decoded_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upper_rows, "_LEAST_SKIPPED", 81)
    content = _png(_ROWS, _SIZE)
    assert _upper(content, (0, 0, 40, 38)) is None
    assert _upper(content, (0, 0, 40, 37)) is not None
