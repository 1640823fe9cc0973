"""From pixels to network input: geometry, scaling and int8 codes."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.runtime.preprocessing import (
    bright_levels,
    constant_colours,
    cut_and_resize,
    fit_to_input,
    interpolated,
    pixel_codes,
    quantize_pixels,
    scale_pixels,
)
from edgeleuk.spec import RESAMPLING_FILTERS, Preprocessing

SPEC = Preprocessing(input_size_px=32, crop_px=64)
SIDES = st.integers(1, 90)


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(width=SIDES, height=SIDES, crop=SIDES, size=SIDES, resample=st.sampled_from(RESAMPLING_FILTERS))
def test_any_image_becomes_a_square_of_8_bit_pixels(width, height, crop, size, resample):
    spec = Preprocessing(size, crop, resample)
    fitted = fit_to_input(Image.fromarray(noise(width, height)), spec)
    assert fitted.shape == (size, size, 3)
    assert fitted.dtype == np.uint8


@given(width=SIDES, height=SIDES, crop=SIDES)
def test_without_resizing_the_centre_is_kept_and_all_outside_the_image_is_black(width, height, crop):
    pixels = noise(width, height)
    fitted = fit_to_input(Image.fromarray(pixels), Preprocessing(crop, crop))
    left, top = (width - crop) // 2, (height - crop) // 2
    for y in (0, crop // 2, crop - 1):
        for x in (0, crop // 2, crop - 1):
            inside = 0 <= left + x < width and 0 <= top + y < height
            expected = pixels[top + y, left + x] if inside else [0, 0, 0]
            assert fitted[y, x].tolist() == list(expected)


def test_the_shift_moves_the_square_in_source_pixels():
    pixels = noise(100, 80)
    fitted = fit_to_input(Image.fromarray(pixels), Preprocessing(20, 20), (5, -3))
    assert np.array_equal(fitted, pixels[27:47, 45:65])


def test_every_image_is_resized_by_the_same_factor_whatever_its_size():
    cell = noise(32, 32)
    small, large = np.zeros((32, 32, 3), np.uint8), np.zeros((200, 200, 3), np.uint8)
    small[:], large[84:116, 84:116] = cell, cell
    first, second = (fit_to_input(Image.fromarray(pixels), SPEC) for pixels in (small, large))
    assert np.array_equal(first, second)


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 1000))
def test_reduce_takes_the_mean_of_each_block_where_they_fit(side, factor, seed):
    spec = Preprocessing(side, side * factor, "reduce")
    pixels = np.random.default_rng(seed).integers(0, 256, (side * factor, side * factor, 3), np.uint8)
    means = pixels.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
    assert np.abs(fit_to_input(Image.fromarray(pixels), spec) - means).max() < 0.6  # halves of odd counts go down


@given(width=SIDES, height=SIDES, size=st.integers(1, 40), level=st.integers(0, 255))
def test_reduce_keeps_a_level_and_the_place_of_an_edge(width, height, size, level):
    spec = Preprocessing(size, None, "reduce", fit="stretch")
    assert (fit_to_input(Image.new("RGB", (width, height), (level,) * 3), spec) == level).all()
    halves = Image.new("RGB", (width * 2, height))
    halves.paste((255, 255, 255), (width, 0, 2 * width, height))
    shown = fit_to_input(halves, spec).mean(axis=(0, 2))
    assert np.abs(shown + shown[::-1] - 255).max() <= 256 / min(size, 4)
    assert np.all(np.diff(shown) >= 0)


def test_reduce_is_plain_bilinear_where_nothing_becomes_half_as_long():
    image = Image.fromarray(noise(60, 60))
    for side in (31, 60, 90):
        found, plain = (fit_to_input(image, Preprocessing(side, 60, name)) for name in ("reduce", "bilinear"))
        assert np.array_equal(found, plain)


def test_channels_come_out_in_the_order_of_the_spec():
    image = Image.new("RGB", (64, 64), (10, 20, 30))
    assert fit_to_input(image, SPEC)[0, 0].tolist() == [10, 20, 30]
    assert fit_to_input(image, dataclasses.replace(SPEC, colour_order="BGR"))[0, 0].tolist() == [30, 20, 10]


def test_pixels_are_scaled_to_minus_one_to_one():
    scaled = scale_pixels(np.array([0, 255], np.uint8), SPEC)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("zero_point", [0, -1])
@pytest.mark.parametrize("scale", [1 / 127.5, float(np.float32(1 / 127.5))])
def test_the_usual_input_scale_makes_pixel_p_exactly_p_minus_128(scale, zero_point):
    codes = pixel_codes(scale, zero_point, SPEC)
    assert codes.tolist() == list(range(-128, 128))


@given(scale=st.floats(1e-3, 1e-1), zero_point=st.integers(-128, 127))
def test_a_code_is_within_half_a_step_of_the_scaled_pixel_or_clipped(scale, zero_point):
    exact = (np.arange(256) / 127.5 - 1) / scale + zero_point
    codes = pixel_codes(scale, zero_point, SPEC)
    assert np.all(np.abs(codes - np.clip(exact, -128, 127)) <= 0.5 + 1e-3)


@given(scale=st.floats(1e-3, 1e-1), zero_point=st.integers(-128, 127))
def test_each_pixel_gets_its_code_by_whichever_way_is_fast(scale, zero_point):
    codes = pixel_codes(scale, zero_point, SPEC)
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert np.array_equal(quantize_pixels(pixels, codes), codes[pixels])


def test_codes_clipped_at_both_ends_are_not_taken_for_the_plain_ones():
    codes = pixel_codes(1 / 200, 0, SPEC)
    assert (codes[0], codes[-1]) == (-128, 127)
    assert quantize_pixels(np.array([100], np.uint8), codes)[0] == round((100 / 127.5 - 1) * 200)


CONSTANT = dataclasses.replace(SPEC, colour_constancy="background")
_GAINS = st.tuples(*[st.floats(0.6, 1.0)] * 3)


def smear(seed=0):
    """Dark cells on a bright background, with room for gains on both sides."""
    random = np.random.default_rng(seed)
    pixels = random.normal((200, 210, 220), 2, (64, 64, 3))
    pixels[10:30, 10:30] = random.normal((90, 60, 150), 15, (20, 20, 3))
    return pixels.clip(1, 255)


@given(gains=_GAINS)
def test_light_and_white_balance_cancel_to_within_rounding(gains):
    seen = [
        fit_to_input(Image.fromarray(np.rint(smear() * factors).astype(np.uint8)), CONSTANT).astype(int)
        for factors in ((1, 1, 1), gains)
    ]
    assert np.abs(seen[0] - seen[1]).max() <= 4


def test_the_background_of_every_channel_becomes_the_same_value():
    fitted = fit_to_input(Image.fromarray(smear().astype(np.uint8)), CONSTANT)
    assert bright_levels(fitted) == pytest.approx((240, 240, 240), abs=1)


def test_black_padding_does_not_count():
    whole, padded = smear(), np.zeros((128, 128, 3))
    padded[32:96, 32:96] = whole
    inside = fit_to_input(Image.fromarray(padded.astype(np.uint8)), dataclasses.replace(CONSTANT, crop_px=128))
    assert not inside[0, 0].any()
    assert bright_levels(inside) == pytest.approx((240, 240, 240), abs=4)


def test_a_black_picture_stays_black_and_a_dark_one_dark():
    assert not fit_to_input(Image.new("RGB", (64, 64)), CONSTANT).any()
    assert fit_to_input(Image.new("RGB", (64, 64), (20, 20, 20)), CONSTANT)[0, 0].tolist() == [80, 80, 80]


def test_without_constancy_the_colours_are_those_of_the_picture():
    image = Image.fromarray(smear().astype(np.uint8))
    assert np.array_equal(fit_to_input(image, SPEC), cut_and_resize(image, SPEC))
    assert np.array_equal(fit_to_input(image, CONSTANT), constant_colours(cut_and_resize(image, CONSTANT), CONSTANT))


@given(width=SIDES, height=SIDES, order=st.sampled_from(["RGB", "BGR"]))
def test_constancy_takes_each_channel_for_itself_in_any_order(width, height, order):
    spec = dataclasses.replace(CONSTANT, colour_order=order)
    fitted = fit_to_input(Image.fromarray(noise(width, height)), spec)
    plain = fit_to_input(Image.fromarray(noise(width, height)), CONSTANT)
    assert np.array_equal(fitted, plain if order == "RGB" else plain[..., ::-1])


def test_stretch_shows_the_whole_picture_whatever_its_shape():
    spec = Preprocessing(20, fit="stretch")
    picture = Image.new("RGB", (60, 30), (9, 9, 9))
    picture.paste((200, 0, 0), (0, 0, 30, 30))
    seen = fit_to_input(picture, spec)
    assert seen.shape == (20, 20, 3)
    assert seen[10, 2].tolist() == [200, 0, 0]
    assert seen[10, 17].tolist() == [9, 9, 9]


@pytest.mark.parametrize(
    ("size", "resized", "left", "top"), [((500, 375), (341, 256), 58, 16), ((375, 500), (256, 341), 16, 58)]
)
def test_shorter_side_resizes_and_cuts_as_torchvision_does(size, resized, left, top):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    picture = Image.fromarray(noise)
    spec = Preprocessing(224, fit="shorter_side", shorter_side_px=256)
    expected = picture.resize(resized, Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224))
    np.testing.assert_array_equal(fit_to_input(picture, spec), np.asarray(expected))


def test_a_picture_smaller_than_the_input_is_padded_behind_shorter_side():
    spec = Preprocessing(40, fit="shorter_side", shorter_side_px=20)
    seen = fit_to_input(Image.new("RGB", (50, 50), (255, 255, 255)), spec)
    assert seen.shape == (40, 40, 3)
    assert seen[:10].max() == 0
    assert seen[20, 20].tolist() == [255, 255, 255]


def test_a_strip_is_refused_before_it_is_scaled_to_any_length():
    spec = Preprocessing(224, fit="shorter_side", shorter_side_px=256)
    with pytest.raises(ImageError, match="too narrow"):
        fit_to_input(Image.new("RGB", (1, 4000)), spec)


def test_a_grey_input_has_one_channel():
    seen = fit_to_input(Image.new("RGB", (30, 30), (255, 0, 0)), Preprocessing(8, 30, colour_order="GREY"))
    assert seen.shape == (8, 8, 1)
    assert seen[0, 0, 0] == 76  # 0.299 of red


def test_a_crop_has_the_shape_of_an_input_that_is_no_square():
    picture = Image.new("RGB", (100, 100))
    picture.paste((255, 255, 255), (10, 30, 90, 70))
    seen = fit_to_input(picture, Preprocessing(20, 40, input_width_px=40))
    assert seen.shape == (20, 40, 3)
    assert seen.min() == 255


def test_a_uint8_input_takes_pixels_as_they_are():
    codes = pixel_codes(1 / 127.5, 128, Preprocessing(4, 4), np.uint8)
    np.testing.assert_array_equal(codes, np.arange(256))
    pixels = np.arange(48).reshape(4, 4, 3).astype(np.uint8)
    assert quantize_pixels(pixels, codes) is pixels


def test_channels_that_are_scaled_apart_have_codes_of_their_own():
    spec = Preprocessing(4, 4, pixel_scale=(0.1, 0.2, 0.3), pixel_offset=(-12.8, -25.6, 0.0))
    codes = pixel_codes(0.1, 0, spec)
    assert codes.shape == (256, 3)
    pixels = np.arange(48).reshape(4, 4, 3).astype(np.uint8)
    scaled = pixels * np.array([0.1, 0.2, 0.3]) + np.array([-12.8, -25.6, 0])
    np.testing.assert_array_equal(quantize_pixels(pixels, codes), np.clip(np.rint(scaled / 0.1), -128, 127))


@given(
    height=st.integers(1, 40), width=st.integers(1, 40), size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_interpolation_is_linear_between_the_four_pixels_around_a_point(height, width, size, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    found = interpolated(pixels, size)

    def at(row, column):
        return pixels[min(max(row, 0), height - 1), min(max(column, 0), width - 1)].astype(float)

    y, x = (size[1] - 0.5) * height / size[1] - 0.5, 0.5 * width / size[0] - 0.5
    top, left = math.floor(y), math.floor(x)
    upper = at(top, left) * (1 - (x - left)) + at(top, left + 1) * (x - left)
    lower = at(top + 1, left) * (1 - (x - left)) + at(top + 1, left + 1) * (x - left)
    assert np.abs(found[-1, 0] - (upper * (1 - (y - top)) + lower * (y - top))).max() <= 0.501
