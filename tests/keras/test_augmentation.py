import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.keras.augmentation import Augmentation, augment, draw_shift, stain_tables, turn_and_flip

seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_black_background_stays_black(seed: int) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    assert not augment(pixels, Augmentation(), np.random.default_rng(seed)).any()


@given(seeds)
def test_stain_keeps_the_order_of_pixel_values(seed: int) -> None:
    tables = stain_tables(Augmentation(), np.random.default_rng(seed)).astype(int)
    assert (np.diff(tables[:, 1:], axis=1) >= 0).all()


@given(seeds)
def test_turning_keeps_every_pixel_so_a_cell_keeps_its_size(seed: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    turned = turn_and_flip(pixels, np.random.default_rng(seed))
    assert sorted(map(tuple, turned.reshape(-1, 3))) == sorted(map(tuple, pixels.reshape(-1, 3)))


def test_all_eight_orientations_occur() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    seen = {turn_and_flip(pixels, np.random.default_rng(seed)).tobytes() for seed in range(100)}
    assert len(seen) == 8


@given(seeds, st.integers(1, 1000))
def test_shift_stays_within_its_share_of_the_crop(seed: int, crop_px: int) -> None:
    shift = draw_shift(crop_px, Augmentation(shift=0.04), np.random.default_rng(seed))
    assert max(map(abs, shift)) <= 0.04 * crop_px


def test_same_seed_gives_the_same_image() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    first, second = (augment(pixels, Augmentation(), np.random.default_rng([0, 1, 2])) for _ in range(2))
    assert (first == second).all()
