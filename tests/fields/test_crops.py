"""What a model is shown of a cell in a field."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from edgeleuk.fields.crops import BLACK, KEEP, SURROUNDINGS, crop_box, crop_of
from edgeleuk.fields.finder import Cell
from edgeleuk.runtime.preprocessing import seen_box
from edgeleuk.spec import CROP, STRETCH, Preprocessing

CUTS = Preprocessing(input_size_px=32, crop_px=64)
WHOLE = Preprocessing(input_size_px=32, fit=STRETCH, crop_px=None)


def cell(box=(100, 60, 140, 90)):
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Cell(box, tuple((float(x), float(y)) for x, y in corners), 1200.0, 600.0, 0.8, False)


@pytest.fixture
def field():
    return Image.fromarray(np.random.default_rng(0).integers(1, 256, (200, 300, 3), dtype=np.uint8))


def test_a_crop_has_the_size_that_the_spec_cuts_out_with_the_cell_in_its_middle(field):
    assert CUTS.fit == CROP
    assert crop_box(cell(), CUTS) == (88, 43, 152, 107)
    crop = crop_of(field, cell(), CUTS)
    assert np.array_equal(np.asarray(crop), np.asarray(field)[43:107, 88:152])
    assert seen_box(crop.size, CUTS) == (0, 0, 64, 64)  # nothing of it is cut again


def test_a_spec_that_cuts_nothing_out_is_shown_a_square_around_the_cell(field):
    assert crop_box(cell(), WHOLE) == (96, 51, 144, 99)
    assert crop_of(field, cell(), WHOLE).size == (48, 48)


def test_what_lies_beyond_the_field_is_black(field):
    crop = np.asarray(crop_of(field, cell((280, 180, 300, 200)), CUTS))
    assert crop.shape == (64, 64, 3)
    assert (crop[42:] == 0).all()
    assert (crop[:, 42:] == 0).all()
    assert (crop[:42, :42] > 0).all()


def test_surroundings_can_be_black_as_in_segmented_cells(field):
    crop, kept = (np.asarray(crop_of(field, cell(), CUTS, how)) for how in (BLACK, KEEP))
    inside = (crop > 0).all(axis=-1)
    assert np.array_equal(crop[inside], kept[inside])
    assert inside[20:44, 14:50].all()
    assert 40 * 30 <= inside.sum() <= 46 * 36
    assert SURROUNDINGS == ("keep", "black")


def test_a_wide_input_is_given_a_wide_crop(field):
    assert crop_of(field, cell(), dataclasses.replace(CUTS, input_width_px=64)).size == (128, 64)
