"""White cells in made-up fields: each found once, wherever it lies and whatever touches it."""

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.synthetic.field import Placed
from edgeleuk.errors import ImageError
from edgeleuk.fields import finder
from edgeleuk.fields.finder import find_cells
from tests.fields.made import APART, all_found, iou, made


@pytest.mark.parametrize("seed", range(4))
def test_every_cell_is_found_once_and_no_red_cell_or_platelet(seed):
    field = made(seed=seed)
    found = find_cells(field.pixels)
    assert all_found(found.cells, field.boxes)
    assert found.size == (640, 480)
    assert 80 <= found.cell_px <= 180


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("apart", [0.9, 1.0])
def test_a_pair_that_touches_is_two_cells(seed, apart):
    turn, diameter = seed * 1.7, 100
    across, down = apart * diameter * np.cos(turn), apart * diameter * np.sin(turn)
    pair = [Placed(320, 240, diameter), Placed(320 + across, 240 + down, diameter)]
    field = made(pair, seed)
    assert all_found(find_cells(field.pixels).cells, field.boxes)


def test_three_in_a_row_are_three():
    field = made([Placed(200 + 95 * n, 240, 100) for n in range(3)])
    assert all_found(find_cells(field.pixels).cells, field.boxes)


def test_a_cell_that_the_border_cuts_is_found_and_said_to_be_there():
    field = made([*APART, Placed(630, 320, 100), Placed(200, 475, 100)])
    cells = find_cells(field.pixels).cells
    assert all_found(cells, field.boxes)
    cut = [cell for cell in cells if cell.at_border]
    assert all_found(cut, field.boxes[3:])
    assert {cell.box[2] for cell in cut} >= {640}
    assert {cell.box[3] for cell in cut} >= {480}


@pytest.mark.parametrize("factor", [0.35, 0.5, 2, 3])
def test_the_scale_of_the_microscope_is_measured(factor):
    field = made()
    size = round(640 * factor), round(480 * factor)
    scaled = np.asarray(Image.fromarray(field.pixels).resize(size, Image.Resampling.BOX))
    found = find_cells(scaled)
    assert all_found(found.cells, [tuple(value * factor for value in box) for box in field.boxes], 0.6)
    assert found.cell_px == pytest.approx(factor * find_cells(field.pixels).cell_px, rel=0.35)


@pytest.mark.parametrize("gains", [(1.0, 0.8, 0.75), (0.6, 0.6, 0.6), (0.8, 1.0, 1.0)])
def test_another_light_changes_nothing(gains):
    field = made()
    lit = np.clip(field.pixels * np.array(gains), 0, 255).astype(np.uint8)
    assert all_found(find_cells(lit).cells, field.boxes)


def test_uneven_light_and_a_lamp_of_another_colour_at_one_side_change_nothing():
    field = made()
    across = np.linspace(0.75, 1, 640)[None, :, None]
    tint = np.stack([np.linspace(1, 0.95, 640), np.linspace(0.92, 1, 640), np.linspace(1, 0.95, 640)], axis=-1)
    lit = np.clip(field.pixels * across * tint[None], 0, 255).astype(np.uint8)
    assert all_found(find_cells(lit).cells, field.boxes)


def test_two_thousand_cells_in_one_field_are_counted():
    cells = [Placed(32 + 64 * x, 32 + 64 * y, 44) for x in range(5) for y in range(4)]
    tile = made(cells, size=(320, 256), red_cells=30, platelets=3)
    assert len(find_cells(np.tile(tile.pixels, (10, 10, 1))).cells) == 2000


def test_more_cells_than_any_field_has_are_an_error_that_says_how_to_mend_it(monkeypatch):
    monkeypatch.setattr(finder, "MOST_CELLS", 2)
    with pytest.raises(ImageError, match=r"more than 2 cells of about \d+ px were found; .*--cell-px"):
        find_cells(made().pixels)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_field_of_one_colour_has_no_cell(level):
    found = find_cells(np.full((480, 640, 3), level, np.uint8))
    assert (found.cells, found.cell_px) == ((), None)


def test_red_cells_and_noise_are_no_white_cells():
    field = made([Placed(-500, -500, 100)], red_cells=80, platelets=0)
    assert find_cells(field.pixels).cells == ()
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert len(find_cells(noise).cells) <= 2


def test_a_width_that_is_given_is_taken():
    field = made()
    found = find_cells(field.pixels, 100)
    assert found.cell_px == 100
    assert all_found(found.cells, field.boxes)
    assert find_cells(field.pixels, 400).cells == ()


def test_a_thumbnail_is_no_field():
    with pytest.raises(ImageError, match="64x40 px is no field of view; expected 64 px a side"):
        find_cells(np.zeros((40, 64, 3), np.uint8))


def test_an_outline_lies_in_its_box_and_holds_its_area():
    for cell in find_cells(made([*APART, Placed(630, 320, 100)]).pixels).cells:
        corners = np.array(cell.outline)
        assert iou((*corners.min(axis=0), *corners.max(axis=0)), cell.box) > 0.9
        x, y = corners.T
        enclosed = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        assert enclosed == pytest.approx(cell.area_px, rel=0.08)
        assert 0 < cell.nucleus_area_px <= cell.area_px
        assert (corners >= 0).all()
        assert (corners <= (640, 480)).all()


def test_cells_come_from_top_to_bottom_and_the_same_every_time():
    field = made()
    cells = find_cells(field.pixels).cells
    assert [cell.box[1] for cell in cells] == sorted(cell.box[1] for cell in cells)
    assert find_cells(field.pixels).cells == cells
