"""What a picture is like: each measure says what its name does, whatever the size of the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFilter

from edgeleuk.runtime.measures import LIGHT, Measures, measure_picture, otsu


def _cell(radius: float = 20, colour: tuple[int, int, int] = (150, 70, 170), side: int = 96) -> Image.Image:
    """A disc with grain on a light background."""
    large = Image.new("RGB", (4 * side, 4 * side), (225, 220, 222))
    middle = 2 * side
    ImageDraw.Draw(large).ellipse(
        [middle - 4 * radius, middle - 4 * radius, middle + 4 * radius, middle + 4 * radius], colour
    )
    grain = np.random.default_rng(0).normal(0, 6, (side, side, 1))
    pixels = np.asarray(large.resize((side, side), Image.Resampling.BOX)) + grain
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def _of(image: Image.Image) -> Measures:
    return measure_picture(np.asarray(image))


def _named(image: Image.Image, name: str) -> float:
    return _of(image).named[name]


def test_light_and_its_ends() -> None:
    picture = Image.new("RGB", (60, 60), (255, 255, 255))
    picture.paste((0, 0, 0), (0, 0, 15, 60))
    found = _of(picture).named
    assert found["clipped_dark"] == pytest.approx(0.25)
    assert found["clipped_bright"] == pytest.approx(0.75)
    assert found["brightness"] == pytest.approx(0.75)
    assert found["contrast"] == pytest.approx(np.sqrt(0.75 * 0.25), abs=1e-3)


def test_blur_lowers_focus_and_noise_does_not_raise_it_back() -> None:
    sharp, blurred = _cell(), _cell().filter(ImageFilter.GaussianBlur(4))
    noise = np.random.default_rng(1).normal(0, 8, (96, 96, 3))
    noisy = Image.fromarray((np.asarray(blurred) + noise).clip(0, 255).astype(np.uint8))
    assert _named(blurred, "focus") < 0.6 * _named(sharp, "focus")
    assert _named(noisy, "noise") > 1.5 * _named(sharp, "noise")


def test_white_noise_and_a_ramp_are_the_ends_of_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None], (96, 96, 3))
    assert measure_picture(noise).named["noise"] == pytest.approx(2, rel=0.05)
    assert measure_picture(ramp.copy()).named["noise"] == pytest.approx(0.5, rel=0.05)


def test_colours_of_cell_and_background() -> None:
    found = _of(_cell()).named
    assert found["cell_red_green"] == pytest.approx(np.log(150 / 70), abs=0.1)
    assert found["cell_blue_green"] == pytest.approx(np.log(170 / 70), abs=0.1)
    assert found["background_red_green"] == pytest.approx(np.log(225 / 220), abs=0.03)


@pytest.mark.parametrize("radius", [12, 20, 32])
def test_a_disc_is_one_piece_of_its_size(radius: int) -> None:
    found = _of(_cell(radius)).named
    assert found["cell_share"] == pytest.approx(np.pi * radius**2 / 96**2, rel=0.1)
    assert found["cell_size"] == pytest.approx(np.pi / 2 * radius / 96, rel=0.12)  # mean chord of a disc: pi r / 2
    assert found["cell_pieces"] == pytest.approx(1, abs=0.2)
    assert found["cell_edge"] == 0


def test_four_discs_are_four_pieces() -> None:
    tile = np.asarray(_cell(10, side=48))
    found = measure_picture(np.tile(tile, (2, 2, 1))).named
    assert found["cell_pieces"] == pytest.approx(4, abs=0.8)


def test_light_is_that_of_what_came_and_all_else_of_what_is_shown() -> None:
    shown = np.asarray(_cell())
    came = (shown * np.array([0.7, 0.6, 0.5])).astype(np.uint8)
    found, alone, of_what_came = measure_picture(shown, came), measure_picture(shown), measure_picture(came)
    np.testing.assert_array_equal(found.vector, alone.vector)
    assert {name: found.named[name] for name in found.named if name not in LIGHT} == {
        name: alone.named[name] for name in alone.named if name not in LIGHT
    }
    for name in ("brightness", "contrast", "clipped_dark", "clipped_bright"):
        assert found.named[name] == pytest.approx(of_what_came.named[name])
    assert found.named["background_red_green"] == pytest.approx(np.log(225 * 0.7 / (220 * 0.6)), abs=0.03)


def test_a_channel_that_is_full_is_over_exposed() -> None:
    assert _named(Image.new("RGB", (60, 60), (255, 200, 180)), "clipped_bright") == 1


def test_otsu_parts_two_levels() -> None:
    values = np.array([10] * 30 + [12] * 30 + [200] * 5, np.uint8)
    dark, light = otsu(values, 255 - values)
    assert 12 <= dark < 200
    assert 55 <= light < 243


@given(arrays(np.uint8, st.tuples(st.integers(8, 40), st.just(0), st.just(3)).map(lambda s: (s[0], s[0], 3))))
def test_any_picture_has_finite_measures_and_a_vector_of_one_length(pixels: np.ndarray) -> None:
    found = measure_picture(pixels)
    assert np.isfinite(found.vector).all()
    assert np.isfinite(list(found.named.values())).all()
    assert found.vector.shape == measure_picture(np.zeros((299, 299, 3), np.uint8)).vector.shape


@pytest.mark.parametrize("side", [1, 2, 3, 7])
def test_the_smallest_pictures_are_measured_too(side: int) -> None:
    assert np.isfinite(measure_picture(np.full((side, side, 3), 9, np.uint8)).vector).all()
