"""The picture of a map: colours where the map says, over the crop that the network saw, in words that fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.classify.overlay import AGAINST, FOR, as_panel, coloured, overlay
from edgeleuk.runtime.activation_map import ActivationMap


def grey(side: int, level: int = 128) -> Image.Image:
    return Image.new("RGB", (side, side), (level, level, level))


def towards(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Whether a pixel of a grey picture of level 128 was moved to a colour, in every channel that differs enough."""
    moved, wanted = pixel.astype(int) - 128, np.asarray(colour) - 128
    return bool((np.sign(moved) == np.sign(wanted)).all())


def test_places_for_are_orange_places_against_blue_and_zero_stays_grey() -> None:
    values = np.zeros((4, 4), np.float32)
    values[0, 3], values[3, 0] = 2.0, -1.0
    drawn = np.asarray(coloured(grey(80), values))
    strong, weak, nothing = drawn[5, 75], drawn[75, 5], drawn[50, 70]
    assert towards(strong, FOR)
    assert towards(weak, AGAINST)
    assert nothing.tolist() == [128, 128, 128]
    assert np.abs(strong.astype(int) - 128).max() > np.abs(weak.astype(int) - 128).max()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_only_the_share_of_the_greatest_value_counts(height: int, width: int, seed: int, factor: float) -> None:
    values = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    one, other = (np.asarray(coloured(grey(32), part.astype(np.float32))) for part in (values, factor * values))
    assert np.abs(one.astype(int) - other).max() <= 1


def test_a_map_of_zeros_colours_nothing() -> None:
    assert np.asarray(coloured(grey(16), np.zeros((3, 3), np.float32))).std() == 0


@pytest.mark.parametrize(("side", "shown"), [(8, 240), (450, 450), (3000, 1000)])
def test_the_crop_is_shown_in_its_own_pixels_within_bounds(side: int, shown: int) -> None:
    assert as_panel(grey(side)).size == (shown, shown)


@pytest.mark.parametrize(
    "answer", ["ALL 0.93", "segmented neutrophil of a very long name that goes on 1.00", "细胞 0.5"]
)
def test_crop_and_map_stand_side_by_side_and_words_stay_within_the_picture(answer: str) -> None:
    crop = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    found = ActivationMap("x", np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32), 0.1)
    picture = overlay(crop, found, answer)
    drawn = np.asarray(picture)
    np.testing.assert_array_equal(drawn[8:308, 8:308], np.asarray(crop))
    np.testing.assert_array_equal(drawn[8:308, 316:616], np.asarray(coloured(crop, found.values)))
    below = drawn[308:].min(axis=2)
    assert (below[:, -3:] == 255).all()
    assert (below[-3:] == 255).all()
    assert (below < 128).any()
