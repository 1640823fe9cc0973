"""A part of a BMP is what Pillow decodes of the whole, whichever way its rows lie, and damaged files stay refused."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.runtime.content import content_warnings
from edgeleuk.runtime.images import decode_image, decode_part
from edgeleuk.runtime.preprocessing import cut_and_resize, seen_box
from edgeleuk.runtime.stored_rows import HEADER_BYTES, Packed, open_stored
from edgeleuk.spec import Preprocessing

Box = tuple[int, int, int, int]
_HEADER = struct.Struct("<2sIIIIiiHHIIiiII")
_V4, _V5 = 108, 124
_RGB_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)


def _always(box: Box) -> Callable[[tuple[int, int]], Box]:
    """Whatever the picture's size, the same part."""
    return lambda size: box


def _bmp(pixels: bytes, size: tuple[int, int], bits: int, header: int = 40, gap: int = 0, masks: bytes = b"") -> bytes:
    """Rows as they come, which are filled up to four bytes here; of negative height with the first on top."""
    width, height = size
    row = width * bits // 8
    rows = [pixels[place : place + row].ljust(-(-row // 4) * 4, b"\0") for place in range(0, len(pixels), row)]
    palette = bytes(byte for level in range(256) for byte in (level, level, level, 0)) if bits == 8 else b""
    known = masks if header == 40 else masks.ljust(header - 40, b"\0")
    offset = 14 + 40 + len(known) + len(palette) + gap
    compression = 3 if masks else 0
    head = _HEADER.pack(b"BM", 0, 0, offset, header, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return head + known + palette + bytes(gap) + b"".join(rows)


@st.composite
def _bitmaps(draw: st.DrawFn) -> bytes:
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    bits, header = draw(st.sampled_from([8, 24, 32])), draw(st.sampled_from([40, 52, 56, _V4, _V5]))
    masks = _RGB_MASKS + (bytes(4) if header > 52 else b"") if bits == 32 and draw(st.booleans()) else b""
    seed = np.random.default_rng(draw(st.integers(0, 1000)))
    pixels = seed.integers(0, 256, width * height * bits // 8, np.uint8).tobytes()
    return _bmp(pixels, (width, height * draw(st.sampled_from([1, -1]))), bits, header, draw(st.integers(0, 5)), masks)


def _by_pillow(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


@given(_bitmaps(), st.data())
def test_any_part_is_what_pillow_decodes_of_the_whole(content: bytes, data: st.DataObject) -> None:
    whole = _by_pillow(content)
    width, height = whole.size
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    part = decode_part(content, lambda size: box)
    assert part.size == whole.size
    assert part.image.size == (box[2] - left, box[3] - top)
    assert part.image.mode == "RGB"
    assert part.image.tobytes() == whole.crop(box).tobytes()
    assert decode_image(content).tobytes() == whole.tobytes()
    _check_packed(decode_part(content, lambda size: box, packed=True).image, whole.crop(box))


def _check_packed(packed: Image.Image, decoded: Image.Image) -> None:
    """Before and after it is decoded it is the picture."""
    assert isinstance(packed, Packed)
    for _ in range(2):
        shown, exactly = packed.shown_box(), decoded.getbbox()
        assert (shown is None) == (exactly is None)
        if shown is not None and exactly is not None:
            assert decoded.crop(shown).getbbox() is not None
            assert all(a <= b for a, b in zip(shown[:2], exactly[:2], strict=True))
            assert all(a >= b for a, b in zip(shown[2:], exactly[2:], strict=True))
        half = (0, 0, (decoded.width + 1) // 2, (decoded.height + 1) // 2)
        assert packed.part(half).tobytes() == decoded.crop(half).tobytes()
        assert (packed.mode, packed.size, packed.tobytes()) == (decoded.mode, decoded.size, decoded.tobytes())


def test_a_file_that_is_shortened_while_it_is_read_is_refused() -> None:
    content = _bmp(bytes(3 * 20 * 20), (20, 20), 24)
    stored = open_stored(content, len(content))
    assert stored is not None
    with pytest.raises(ValueError, match="not enough"):
        stored.read((0, 0, 20, 20), lambda count, start: content[start : start + count - 1])


def test_a_large_picture_is_decoded_at_once() -> None:
    content = _bmp(bytes(3 * 1100 * 1000), (1100, 1000), 24)
    assert not isinstance(decode_part(content, _always((0, 0, 1100, 1000)), packed=True).image, Packed)
    assert isinstance(decode_part(content, _always((0, 0, 1000, 1000)), packed=True).image, Packed)


@given(_bitmaps(), st.integers(1, 50), st.integers(1, 20), st.sampled_from(["RGB", "BGR", "GREY"]))
def test_a_network_is_shown_the_same_as_of_the_whole(content: bytes, crop: int, side: int, order: str) -> None:
    spec, whole = Preprocessing(side, crop, colour_order=order), _by_pillow(content)
    image, size = decode_part(content, lambda size: seen_box(size, spec))
    pixels = cut_and_resize(image, spec)
    assert np.array_equal(pixels, cut_and_resize(whole, spec))
    assert content_warnings(image, pixels, spec, size) == content_warnings(whole, pixels, spec)


@given(_bitmaps(), st.integers(0, 2000))
def test_a_cut_off_file_is_refused_where_pillow_refuses_it(content: bytes, kept: int) -> None:
    cut = content[:kept]
    try:
        whole = _by_pillow(cut)
    except Exception:  # noqa: BLE001 - whatever Pillow raises
        with pytest.raises(ImageError):
            decode_part(cut, lambda size: (0, 0, 1, 1))
    else:
        assert decode_part(cut, lambda size: (0, 0, 1, 1)).image.getpixel((0, 0)) == whole.getpixel((0, 0))


def test_rows_below_the_part_have_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "cell.bmp"
    content = _bmp(bytes(3 * 100 * 100), (100, -100), 24)
    path.write_bytes(content[:-3])
    with pytest.raises(ImageError, match="truncated"):
        decode_part(path, lambda size: (0, 0, 10, 10))


def test_only_the_part_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cell.bmp"
    Image.effect_noise((300, 200), 90).convert("RGB").save(path)
    stored = open_stored(path.read_bytes()[:HEADER_BYTES], path.stat().st_size)
    assert stored is not None
    asked: list[tuple[int, int]] = []

    def read(count: int, start: int) -> bytes:
        asked.append((count, start))
        return path.read_bytes()[start : start + count]

    part = stored.read((100, 50, 110, 60), read)
    assert part.tobytes() == _by_pillow(path.read_bytes()).crop((100, 50, 110, 60)).tobytes()
    assert [count for count, _ in asked] == [9 * 900 + 30]


def _saved(image: Image.Image, kind: str = "BMP") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def _run_lengths() -> bytes:
    content = bytearray(_bmp(b"\x04\x05\0\0" * 20 + b"\0\1\0\0", (4, 20), 8))
    content[30] = 1
    return bytes(content)


_NOISE = Image.effect_noise((30, 20), 90)
_WITH_OPACITY = _RGB_MASKS + struct.pack("<I", 0xFF000000)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_saved(_NOISE.convert("RGB").quantize(7)), id="palette"),
        pytest.param(_saved(_NOISE.convert("1")), id="one bit"),
        pytest.param(_saved(_NOISE, "PNG"), id="another format"),
        pytest.param(_bmp(bytes(range(80)), (5, 4), 32, _V5, masks=_WITH_OPACITY), id="opacity"),
        pytest.param(_bmp(bytes(600), (30, 20), 8)[:-3], id="cut off"),
        pytest.param(_run_lengths(), id="run lengths"),
    ],
)
def test_what_does_not_lie_in_the_file_as_it_is_is_decoded_whole(content: bytes) -> None:
    assert open_stored(content[:HEADER_BYTES], len(content)) is None


def test_a_part_that_reaches_beyond_the_picture_comes_with_all_of_it() -> None:
    content = _bmp(bytes(3 * 20 * 20), (20, 20), 24)
    for box in ((-1, 0, 10, 10), (0, 0, 10, 21), (5, -3, 25, 10)):
        assert decode_part(content, _always(box)).image.size == (20, 20)
