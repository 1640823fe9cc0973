"""The field with boxes."""

import dataclasses

import numpy as np
from PIL import Image

from edgeleuk.fields.colours import colour_of
from edgeleuk.fields.formats.picture import field_picture
from tests.fields.results import SHOWN, answered, plain

GREY = Image.new("RGB", (200, 150), (200, 200, 200))


def test_boxes_have_the_colour_of_their_class_and_the_field_stays_as_it_is():
    picture = np.asarray(field_picture(GREY, answered()))
    for found in answered().cells:
        left, top, right, bottom = found.cell.box
        colour = list(colour_of(found, SHOWN))
        assert picture[bottom - 1, (left + right) // 2].tolist() == colour
        assert picture[(top + bottom) // 2, left].tolist() == colour
        assert picture[(top + bottom) // 2, (left + right) // 2].tolist() == [200, 200, 200]
    assert np.asarray(GREY).min() == 200


def test_words_stand_below_the_field():
    picture = field_picture(GREY, plain())
    below = np.asarray(picture)[150:]
    assert picture.width == 200
    assert below.shape[0] >= 3 * 18  # three lines of a narrow picture
    assert below.min() < 60


def test_a_large_field_is_made_smaller_and_the_boxes_with_it():
    result = dataclasses.replace(plain(), size=(4000, 3000))
    picture = field_picture(Image.new("RGB", (4000, 3000), (200, 200, 200)), result)
    assert picture.width == 2000
    assert np.asarray(picture)[29, 15].tolist() == list(colour_of(result.cells[0], {}))


def test_any_number_of_classes_has_colours():
    many = {f"class {n}": f"class {n}" for n in range(20)}
    found = answered().cells[0]
    labelled = [dataclasses.replace(found, answer=dataclasses.replace(found.answer, label=name)) for name in many]
    assert len({colour_of(each, many) for each in labelled}) >= 6
