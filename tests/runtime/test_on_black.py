"""A picture on black is resized to the same pixels as Pillow resizes it whole."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.runtime.images import decode_part
from edgeleuk.runtime.on_black import resize
from edgeleuk.runtime.stored_rows import Packed

FILTERS = [Image.Resampling[name] for name in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS")]


@st.composite
def _pictures(draw: st.DrawFn, side: int) -> Image.Image:
    """Noise, or black and white, in a rectangle that may touch the border or be nothing at all, on black."""
    width, height = side, draw(st.sampled_from([side, side, draw(st.integers(1, 2 * side))]))
    left, top = draw(st.integers(0, width)), draw(st.integers(0, height))
    right, bottom = draw(st.integers(left, width)), draw(st.integers(top, height))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    pixels = np.zeros((height, width, 3), np.uint8)
    noise = random.integers(0, 256, (bottom - top, right - left, 3))
    pixels[top:bottom, left:right] = noise if draw(st.booleans()) else np.where(noise < 128, 0, 255)
    return Image.fromarray(pixels)


@settings(max_examples=300)
@given(st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 16]), st.integers(1, 12), st.sampled_from(FILTERS), st.data())
def test_each_pixel_is_that_of_the_whole(
    many: int, divisor: int, whole: int, resample: Image.Resampling, data: st.DataObject
) -> None:
    side, size = many * whole * divisor % 257 + divisor, divisor * data.draw(st.integers(1, 4))
    picture = data.draw(_pictures(side))
    for after in ((size, size), (size, data.draw(st.integers(1, 40)))):
        expected = picture.resize(after, resample).tobytes()
        assert resize(picture, after, resample).tobytes() == expected
        assert resize(_packed(picture), after, resample).tobytes() == expected


def _packed(picture: Image.Image) -> Packed:
    """As it comes from a BMP."""
    stream = io.BytesIO()
    picture.save(stream, "BMP")
    found = decode_part(stream.getvalue(), lambda size: (0, 0, *size), packed=True).image
    assert isinstance(found, Packed)
    return found


@pytest.mark.parametrize("side", [75, 96, 128, 150, 160, 192, 224])
@pytest.mark.parametrize("resample", FILTERS[1:])
def test_a_cell_in_the_middle_of_black(side: int, resample: Image.Resampling) -> None:
    picture = Image.new("RGB", (450, 450))
    picture.paste(Image.effect_noise((203, 181), 120).convert("RGB"), (131, 117))
    picture.putpixel((300, 30), (1, 0, 0))
    whole = picture.resize((side, side), resample).tobytes()
    assert resize(picture, (side, side), resample).tobytes() == whole
    assert resize(_packed(picture), (side, side), resample).tobytes() == whole


def test_black_around_a_cell_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.new("RGB", (450, 450))
    picture.paste((90, 60, 120), (100, 300, 250, 440))
    whole, packed = picture.resize((160, 160), Image.Resampling.BILINEAR), _packed(picture)
    asked: list[tuple[int, int, int, int]] = []
    decode = Packed.part
    monkeypatch.setattr(Packed, "part", lambda self, box: (asked.append(box), decode(self, box))[1])
    assert resize(packed, (160, 160), Image.Resampling.BILINEAR).tobytes() == whole.tobytes()
    [(left, top, right, bottom)] = asked
    assert (right - left) * (bottom - top) < 0.2 * 450 * 450


def test_a_thin_line_is_resized_in_the_order_of_the_whole() -> None:
    picture = Image.new("RGB", (400, 400))
    picture.paste(Image.effect_noise((4, 400), 120).convert("RGB"), (190, 0))
    for resample in FILTERS[1:]:
        whole = picture.resize((100, 100), resample)
        assert resize(_packed(picture), (100, 100), resample).tobytes() == whole.tobytes()


def test_black_stays_black() -> None:
    black = Image.new("RGB", (80, 80))
    for picture in (black, _packed(black)):
        assert resize(picture, (20, 20), Image.Resampling.LANCZOS).getbbox() is None
