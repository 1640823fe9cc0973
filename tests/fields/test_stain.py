"""The amount of nuclear stain: by colour, not by light."""

import numpy as np
import pytest

from edgeleuk.fields.stain import background_of, stain_amount
from tests.fields import made  # noqa: F401 - skips without OpenCV

GLASS = (205, 203, 198)


def patches(*colours):
    """A field of glass with a patch of each colour, and where the patches' middles are."""
    field = np.full((200, 300, 3), GLASS, np.uint8)
    middles = [(50 + 60 * n, 100) for n in range(len(colours))]
    for (x, y), colour in zip(middles, colours, strict=True):
        field[y - 15 : y + 15, x - 15 : x + 15] = colour
    return field, middles


def test_nuclei_stand_out_of_red_cells_of_any_colour_dust_and_scale_bars():
    nucleus, cytoplasm, salmon, slate, dust = (
        (110, 70, 190),
        (195, 165, 200),
        (180, 130, 125),
        (110, 150, 180),
        (60,) * 3,
    )
    field, middles = patches(nucleus, cytoplasm, salmon, slate)
    amount = stain_amount(field, 1)
    found = [float(amount[y, x]) for x, y in middles]
    assert found[0] > 0.8
    assert 0.1 < found[1] < 0.4
    assert max(found[2:]) < 0.1
    field, [(x, y)] = patches(dust)
    assert abs(float(stain_amount(field, 1)[y, x])) < 0.05


def test_the_background_is_glass_though_cells_cover_half_and_glints_are_brighter():
    field = np.full((200, 300, 3), GLASS, np.uint8)
    field[:, :150] = (170, 120, 115)
    field[::50, ::50] = 255
    assert background_of(field) == pytest.approx(GLASS, abs=1)


def test_a_black_field_has_no_stain_and_no_warning():
    assert np.abs(stain_amount(np.zeros((64, 64, 3), np.uint8), 1)).max() < 1e-3
