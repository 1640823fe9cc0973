"""The numbers that trivial features are: what each of them sees, and what none of them does."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.shortcuts.features import COLOUR, GROUPS, NAMES, TOGETHER, columns_of, features, features_of
from edgeleuk.errors import DataError


def as_file(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    with io.BytesIO() as stream:
        image.save(stream, kind, **options)
        return stream.getvalue()


@pytest.fixture
def noisy() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(60, 200, (50, 70, 3), np.uint8))


def found(image, content=None) -> dict[str, float]:
    return dict(zip(NAMES, features(image, as_file(image) if content is None else content), strict=True))


def test_colour_is_that_of_the_pixels(noisy):
    pixels = np.asarray(noisy, np.float64).reshape(-1, 3)
    values = features(noisy, as_file(noisy))
    assert values[columns_of("mean colour")] == pytest.approx(pixels.mean(axis=0))
    assert values[columns_of(COLOUR)] == pytest.approx([*pixels.mean(axis=0), *pixels.std(axis=0)])


def test_blur_takes_edges_away_and_light_makes_brighter(noisy):
    plain, blurred = found(noisy), found(noisy.filter(ImageFilter.GaussianBlur(2)))
    assert blurred["edges"] < plain["edges"] / 3
    assert blurred["edges against contrast"] < plain["edges against contrast"]
    assert found(noisy.point(lambda value: value + 40))["brightness, median"] > plain["brightness, median"] + 35


def test_the_file_is_told_by_its_size_and_its_jpeg_tables(noisy):
    fine, coarse = (found(noisy, as_file(noisy, "JPEG", quality=quality)) for quality in (95, 20))
    assert 0 < fine["JPEG luminance steps"] < coarse["JPEG luminance steps"]
    assert coarse["bytes"] < fine["bytes"]
    assert found(noisy)["JPEG luminance steps"] == 0
    assert (fine["width"], fine["height"]) == (70, 50)


def test_border_background_and_black_are_those_of_a_cell_on_black():
    image = Image.new("RGB", (100, 100))
    image.paste((120, 60, 150), (25, 25, 75, 75))
    values = found(image)
    assert values["black share"] == 0.75
    assert values["border red"] == values["border deviation"] == 0
    assert (values["background red"], values["background blue"]) == (120, 150)


def test_shape_and_texture_change_nothing_but_sharpness(noisy):
    """Pixels in another order are another cell, and the same colours."""
    pixels = np.asarray(noisy).copy()
    inner = pixels[1:-1, 1:-1].reshape(-1, 3)
    pixels[1:-1, 1:-1] = np.random.default_rng(1).permutation(inner).reshape(48, 68, 3)
    content = as_file(noisy)
    one, other = features(noisy, content), features(Image.fromarray(pixels), content)
    blind = sorted(set(range(len(NAMES))) - set(columns_of("sharpness")))
    assert one[blind] == pytest.approx(other[blind])


def test_a_picture_of_one_pixel_has_finite_numbers():
    image = Image.new("RGB", (1, 1), (5, 6, 7))
    assert np.isfinite(features(image, as_file(image))).all()


def test_together_is_every_number_once():
    assert columns_of(TOGETHER) == list(range(len(NAMES)))
    assert {name for names in GROUPS.values() for name in names} == set(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.png: No such file"):
        features_of(tmp_path, [ImageRecord("absent.png", "", 0)])
