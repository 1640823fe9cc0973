"""A picture on black is resized to the same pixels as Pillow resizes it whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.runtime.on_black import resize

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
        assert resize(picture, after, resample).tobytes() == picture.resize(after, resample).tobytes()


@pytest.mark.parametrize("side", [75, 96, 128, 150, 160, 192, 224])
@pytest.mark.parametrize("resample", FILTERS[1:])
def test_a_cell_in_the_middle_of_black(side: int, resample: Image.Resampling) -> None:
    picture = Image.new("RGB", (450, 450))
    picture.paste(Image.effect_noise((203, 181), 120).convert("RGB"), (131, 117))
    picture.putpixel((300, 30), (1, 0, 0))
    assert resize(picture, (side, side), resample).tobytes() == picture.resize((side, side), resample).tobytes()


def test_black_stays_black() -> None:
    assert resize(Image.new("RGB", (80, 80)), (20, 20), Image.Resampling.LANCZOS).getbbox() is None
