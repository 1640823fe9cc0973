"""Where touching disks are cut."""

import numpy as np
import pytest

from edgeleuk.fields.splitting import disks_in, parts_of
from tests.fields import made  # noqa: F401 - skips without OpenCV


def disks(*places, size=(120, 160)):
    """A mask of disks, each (row, column, radius)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.any([(rows - y) ** 2 + (columns - x) ** 2 <= r * r for y, x, r in places], axis=0)


def depth(mask):
    from edgeleuk.fields.opencv import depth_of

    return np.where(mask, depth_of(mask.astype(np.uint8) * 255), np.float32(0)).astype(np.float32)


def test_one_disk_is_one_cell_whatever_its_size():
    for radius in (12, 25, 40):
        assert len(disks_in(depth(disks((60, 80, radius))), 50)) == 1


@pytest.mark.parametrize("apart", [42, 46, 50])
def test_two_disks_are_cut_where_their_outlines_cross(apart):
    mask = disks((60, 80 - apart // 2, 25), (60, 80 + apart - apart // 2, 25))
    left, right = sorted(parts_of(mask, disks_in(depth(mask), 50)), key=lambda part: np.nonzero(part)[1].mean())
    assert not (left & right).any()
    assert (left | right).sum() >= mask.sum() - 2
    assert left.sum() == pytest.approx(right.sum(), rel=0.05)
    assert abs(int(np.nonzero(left)[1].max()) - 80) <= 1


def test_a_small_disk_beside_a_large_one_keeps_its_size():
    mask = disks((60, 60, 35), (60, 109, 18))
    large, small = sorted(parts_of(mask, disks_in(depth(mask), 50)), key=np.sum, reverse=True)
    assert large.sum() == pytest.approx(np.pi * 35**2, rel=0.05)
    assert small.sum() == pytest.approx(np.pi * 18**2, rel=0.1)


def test_an_oval_and_lobes_that_are_no_wider_than_a_cell_stay_one():
    rows, columns = np.mgrid[:120, :160]
    oval = ((rows - 60) / 20) ** 2 + ((columns - 80) / 30) ** 2 <= 1
    assert len(disks_in(depth(oval), 50)) == 1
    lobes = disks((60, 70, 13), (60, 88, 13))
    assert len(disks_in(depth(lobes), 50)) == 1
