"""Degraded pictures: each change does what its name says, by the amounts of the table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.data import degradation
from edgeleuk.data.degradation import KINDS, NAMED_CHANGES, SEVERITIES, degrade

_SIZE = (60, 48)


@pytest.fixture(scope="module")
def field() -> Image.Image:
    """Dark discs on light, uneven glass."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: _SIZE[1], : _SIZE[0]]
    pixels = np.empty((*y.shape, 3), np.float64)
    pixels[:] = (215, 222, 238)
    pixels += rng.normal(0, 12, (12, 15, 1)).repeat(4, 0).repeat(4, 1)
    for cx, cy in ((15, 14), (40, 30)):
        pixels[(x - cx) ** 2 + (y - cy) ** 2 < 60] = (110, 70, 150)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _mean(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float64).mean(axis=(0, 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [_SIZE, (1, 1), (3, 90)])
def test_every_kind_and_severity_keeps_size_and_mode_and_leaves_its_input_alone(kind, size):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8))
    before = image.tobytes()
    for severity in range(1, 6):
        changed = degrade(image, kind, severity)
        assert (changed.size, changed.mode) == (size, "RGB")
    assert image.tobytes() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_greater_severity_changes_a_picture_more(kind, field):
    pixels = np.asarray(field, np.float64)
    distances = [
        np.abs(np.asarray(degrade(field, kind, severity), np.float64) - pixels).mean() for severity in (1, 3, 5)
    ]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_the_ten_named_changes_have_these_amounts():
    assert [KINDS[kind].told(severity) for kind, severity in NAMED_CHANGES] == [
        "exposure x 0.8",
        "exposure x 1.2",
        "R +10%, B -10%",
        "R -10%, B +10%",
        "sigma 1 px",
        "sigma 2 px",
        "sd 10",
        "quality 30",
        "scale x 1.25",
        "scale x 0.8",
    ]
    assert set(SEVERITIES) == set(KINDS)


@given(st.floats(0.3, 3), st.integers(0, 255))
def test_exposure_multiplies_and_clips(factor, value):
    image = Image.new("RGB", (2, 2), (value, value, value))
    assert degradation.exposure(image, factor).getpixel((0, 0)) == (min(255, int(np.rint(factor * value))),) * 3


def test_white_balance_moves_red_against_blue(field):
    ratio = _mean(degrade(field, "warmer", 2)) / _mean(field)
    assert ratio[1] == 1
    assert ratio[0] > 1.05
    assert ratio[2] == pytest.approx(0.9, abs=0.01)


@given(st.floats(0.4, 2.5), st.integers(100, 255))
def test_stain_multiplies_the_optical_density_and_keeps_the_glass(gain, glass):
    table = degradation.stain_table(gain, (glass,) * 3)[0].astype(float)
    values = np.arange(20, glass)
    found, wanted = np.log(glass / np.maximum(table[values], 0.5)), gain * np.log(glass / values)
    sure = table[values] > 10  # below, rounding to a level is more than a hundredth of the density
    assert np.allclose(found[sure], wanted[sure], atol=0.06)
    assert (table[glass:] == np.arange(glass, 256)).all()


def test_stain_takes_the_glass_from_the_picture_but_not_from_a_mask(field):
    assert degradation.clear_light(field) == pytest.approx([232, 239, 255], abs=8)
    masked = Image.new("RGB", (40, 40))
    masked.paste((150, 90, 160), (10, 10, 30, 30))
    assert degradation.clear_light(masked).tolist() == [255, 255, 255]
    assert degradation.stain(masked, 1.5).getpixel((0, 0)) == (0, 0, 0)


def test_tables_compose_as_their_images_do(field):
    first, second = degradation.gamma_table(1.3), degradation.gains_table((1.1, 0.9, 1.0))
    both = degradation.look_up(degradation.look_up(field, first), second)
    assert degradation.look_up(field, degradation.table_after(first, second)) == both
    assert (degradation.look_up_pixels(degradation.look_up_pixels(np.asarray(field), first), second) == both).all()


def test_blur_lowers_what_neighbours_differ_by_and_keeps_the_mean(field):
    blurred = degradation.blur(field, 2)
    assert (
        np.abs(np.diff(np.asarray(blurred, float), axis=1)).mean()
        < np.abs(np.diff(np.asarray(field, float), axis=1)).mean()
    )
    assert _mean(blurred) == pytest.approx(_mean(field), abs=2)


def test_noise_has_its_deviation_and_follows_its_seed():
    grey = Image.new("RGB", (200, 200), (128, 128, 128))
    drawn = np.asarray(degradation.noise(grey, 10, seed=3), float) - 128
    assert drawn.std() == pytest.approx(10, rel=0.02)
    assert degradation.noise(grey, 10, 3) == degradation.noise(grey, 10, 3) != degradation.noise(grey, 10, 4)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_scale_zooms_about_the_centre(factor):
    image = Image.new("RGB", (100, 80), (240, 240, 240))
    image.paste((20, 20, 20), (40, 30, 60, 50))
    dark = np.asarray(degradation.scale(image, factor), float)[..., 0] < 130
    rows, columns = np.nonzero(dark)
    assert dark.sum() == pytest.approx(400 * factor**2, rel=0.1)
    assert (columns.mean(), rows.mean()) == pytest.approx((49.5, 39.5), abs=0.6)


def test_a_smaller_picture_is_continued_by_its_background_or_by_reflection(field):
    masked = Image.new("RGB", (90, 90))
    masked.paste((150, 90, 160), (20, 20, 70, 70))
    small = np.asarray(degradation.scale(masked, 0.5))
    assert not small[:20].any()
    reflected = np.asarray(degradation.scale(field, 0.5), float)
    assert reflected[:12].mean() == pytest.approx(reflected[12:24].mean(), rel=0.15)


def test_unknown_kinds_and_severities_are_refused(field):
    with pytest.raises(KeyError):
        degrade(field, "fog", 1)
    with pytest.raises(IndexError, match="severity 6; expected 1 to 5"):
        degrade(field, "blur", 6)
