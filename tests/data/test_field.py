"""The field of view: the smallest centre square that holds the cell, exactly as the preprocessing crops."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.data.field import Field, content_side, field_notes, field_of
from edgeleuk.data.index import Index
from edgeleuk.errors import DataError
from edgeleuk.runtime.preprocessing import fit_to_input
from edgeleuk.spec import Preprocessing


def cut_by(pixels: np.ndarray, crop_px: int) -> int:
    """How many bright pixels the preprocessing leaves out."""
    kept = fit_to_input(Image.fromarray(pixels), Preprocessing(crop_px, crop_px, "nearest"))
    return int((pixels > 0).sum() - (kept > 0).sum())


@given(st.data())
def test_the_content_side_is_the_smallest_crop_that_loses_nothing(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 24))
    pixels = np.zeros((height, width, 3), np.uint8)
    for _ in range(data.draw(st.integers(1, 4))):
        pixels[data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)), 1] = 200
    side = content_side(pixels)
    assert cut_by(pixels, side) == 0
    assert side == 1 or cut_by(pixels, side - 1) > 0


def test_a_black_image_has_its_own_side() -> None:
    assert content_side(np.zeros((5, 9, 3), np.uint8)) == 9


def test_crops_worth_trying_hold_most_cells_or_all_or_the_whole_image() -> None:
    field = Field((450,) * 100, tuple(range(201, 301)))
    assert field.crops_px() == (291, 300, 450)
    assert field.cut(250) == 50


def test_a_set_of_whole_fields_has_one_crop() -> None:
    assert Field((224, 224), (224, 224)).crops_px() == (224,)


def test_notes_say_what_is_cut_and_what_is_black() -> None:
    field = Field((450,) * 4, (180, 200, 220, 240))
    assert list(field_notes(field, 210)) == [
        "a crop of 210 px cuts off pixels that are not black in 2 of 4 images looked at; 240 px would hold all of them"
    ]
    assert list(field_notes(field, 600)) == [
        "a crop of 600 px is larger than every image looked at (at most 450 px): its rim is black"
    ]
    assert list(field_notes(field, 240)) == list(field_notes(field, 450)) == []


def test_synthetic_cells_lie_within_their_images(cells_index: Path) -> None:
    index = Index.load(cells_index)
    field = field_of(index, index.images, limit=10)
    assert field.image_sides_px == (450,) * 10
    assert 100 < max(field.content_sides_px) < 450
    assert len(field_of(index, index.images[:3]).content_sides_px) == 3


def test_without_images_there_is_no_field(cells_index: Path) -> None:
    with pytest.raises(DataError, match="no image whose field"):
        field_of(Index.load(cells_index), [])
