from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.keras.augmentation import PRESETS, Augmentation, augment
from edgeleuk.keras.choices import ROBUST

seeds = st.integers(0, 2**32 - 1)


def pixels(side: int = 24, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 200, (side, side, 3), dtype=np.uint8)


def test_every_choice_has_its_amounts() -> None:
    assert set(PRESETS) == set(ROBUST)


@pytest.mark.parametrize("name", ROBUST)
@given(seed=seeds)
def test_a_changed_picture_keeps_size_and_type_and_depends_on_the_seed_alone(name: str, seed: int) -> None:
    first, second = (augment(pixels(), PRESETS[name], np.random.default_rng(seed), 0.5) for _ in range(2))
    assert first.shape == (24, 24, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_off_changes_neither_light_nor_sharpness_nor_size() -> None:
    off = PRESETS["off"]
    changes = (off.exposure, off.white_balance, off.gamma, off.zoom, off.blur_px, off.noise, off.share)
    assert not any(changes)
    assert off.jpeg is None


@given(seeds)
def test_exposure_multiplies_all_channels_alike_within_its_limit(seed: int) -> None:
    only = Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0, exposure=0.2)
    grey = np.full((4, 4, 3), 150, np.uint8)
    changed = augment(grey, only, np.random.default_rng(seed))
    assert len(np.unique(changed)) == 1
    assert 150 * np.exp(-0.2) - 1 <= changed[0, 0, 0] <= 150 * np.exp(0.2) + 1


def test_all_of_its_changes_occur_and_are_not_always_there() -> None:
    plain = Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0)
    settings = {
        "blur": Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0, blur_px=4, share=0.5),
        "noise": Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0, noise=20, share=0.5),
        "JPEG": Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0, jpeg=10, share=0.5),
    }
    for name, setting in settings.items():
        same = [
            np.array_equal(
                augment(pixels(), setting, np.random.default_rng(seed)),
                augment(pixels(), plain, np.random.default_rng(seed)),
            )
            for seed in range(40)
        ]
        assert 5 < sum(same) < 35, name


def test_blur_is_of_the_source_and_shrinks_with_the_picture() -> None:
    setting = Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0, blur_px=6, share=1.0)
    edge = np.zeros((64, 64, 3), np.uint8)
    edge[:, 32:] = 255

    def softness(scale_px: float) -> int:
        changed = [augment(edge, setting, np.random.default_rng(seed), scale_px) for seed in range(10)]
        return sum(int(((c > 10) & (c < 245)).sum()) for c in changed)

    assert softness(0.25) < softness(1.0)


def test_a_cell_grows_and_shrinks_within_the_stated_tolerance() -> None:
    setting = Augmentation(stain_gain=0, stain_offset=0, brightness_gain=0, zoom=float(np.log(1.25)))
    cell = np.full((100, 100, 3), 200, np.uint8)
    cell[30:70, 30:70] = 60
    sides = [
        float(np.sqrt((augment(cell, setting, np.random.default_rng(seed))[..., 0] < 130).sum())) for seed in range(60)
    ]
    assert 40 / 1.25 - 1 <= min(sides) < 36
    assert 44 < max(sides) <= 40 * 1.25 + 1


def test_pictures_are_changed_before_colours_are_made_constant(tmp_path: Path) -> None:
    from edgeleuk.keras.stream import ImageStream
    from edgeleuk.spec import Preprocessing

    smear = np.full((32, 32, 3), (180, 190, 200), np.uint8)
    smear[8:20, 8:20] = (90, 60, 150)
    Image.fromarray(smear).save(tmp_path / "a.png")
    spec = Preprocessing(32, 32, pixel_scale=1.0, pixel_offset=0.0, colour_constancy="background")
    only = Augmentation(0, 0, 0, 0, exposure=0.2, white_balance=0.05)
    stream = ImageStream([tmp_path / "a.png"], [0], spec, augmentation=only)
    (plain, _), *_ = stream.in_order()
    for epoch in range(5):
        (changed, _), *_ = stream.shuffled(epoch)
        assert np.abs(np.sort(changed.reshape(-1, 3), axis=0) - np.sort(plain.reshape(-1, 3), axis=0)).max() <= 3
