"""What surely is no cell is said beside the answer."""

import numpy as np
import pytest
from PIL import Image

from edgeleuk.runtime import Classifier
from edgeleuk.runtime.content import content_warnings
from edgeleuk.runtime.preprocessing import fit_to_input
from edgeleuk.spec import Preprocessing

SPEC = Preprocessing(96, 300)


def noise(width, height, spread=256, seed=0):
    pixels = np.random.default_rng(seed).integers(0, spread, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def warned(image, spec=SPEC):
    return content_warnings(image, fit_to_input(image, spec), spec)


@pytest.mark.parametrize("size", [(450, 450), (300, 300), (150, 400), (40, 40), (33, 600), (640, 480)])
@pytest.mark.parametrize("input_px", [32, 96, 299, 400])
def test_nothing_is_said_of_a_picture_with_something_in_it(size, input_px):
    assert warned(noise(*size), Preprocessing(input_px, 300)) == ()


@pytest.mark.parametrize("size", [(450, 450), (300, 300), (150, 400), (40, 40), (33, 600)])
@pytest.mark.parametrize("input_px", [32, 96, 299, 400])
@pytest.mark.parametrize("colour", ["black", "white", (200, 60, 120)])
def test_a_picture_of_one_colour_has_no_content_whatever_the_padding(size, input_px, colour):
    assert warned(Image.new("RGB", size, colour), Preprocessing(input_px, 300)) == ("no content",)


def test_noise_of_a_sensor_in_the_dark_is_no_content():
    assert warned(noise(450, 450, spread=6)) == ("no content",)


def test_a_cell_in_the_corner_of_the_crop_is_content():
    image = Image.new("RGB", (450, 450))
    image.paste(noise(30, 30), (100, 320))
    assert warned(image) == ()


def test_a_crop_of_one_colour_out_of_a_picture_that_is_not_has_no_content():
    image = noise(600, 600)
    image.paste((0, 0, 0), (140, 140, 460, 460))
    assert warned(image) == ("no content",)


@pytest.mark.parametrize(
    ("size", "words"), [((8, 8), "8 px"), ((31, 31), "31 px"), ((8, 200), "8x200 px"), ((200, 8), "200x8 px")]
)
def test_few_pixels_a_side_are_told(size, words):
    assert warned(noise(*size)) == (words,)
    assert warned(Image.new("RGB", size)) == ("no content", words)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((6000, 4000), ("centre 0.4 % of the picture",)),
        ((1000, 1000), ("centre 9.0 % of the picture",)),
        ((948, 949), ()),
        ((4000, 300), ("centre 7.5 % of the picture",)),
    ],
)
def test_a_crop_that_shows_little_of_the_picture_is_told(size, words):
    assert warned(Image.linear_gradient("L").resize(size).convert("RGB")) == words


def test_a_prediction_carries_what_is_to_be_said(small_model):
    classifier = Classifier.load(small_model)
    assert classifier.predict(noise(64, 64)).warnings == ()
    assert classifier.predict(Image.new("RGB", (8, 8))).warnings == ("no content", "8 px")
