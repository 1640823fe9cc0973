"""What well-known training code does to pictures, as specs."""

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import SpecError, UsageError
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec import ModelSpec
from edgeleuk.spec_presets import PRESETS, preset


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_a_spec_that_is_written_and_read(name):
    made = preset(name, ("benign", "blast"))
    assert ModelSpec.from_json(made.to_json()) == made
    assert made.classes == ("benign", "blast")


def test_torchvision_scales_each_channel_by_imagenets_statistics():
    spec = preset("torchvision", ("a", "b")).preprocessing
    grey = np.full((224, 224, 3), 128, np.uint8)
    expected = (128 / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(scale_pixels(grey, spec)[0, 0], expected, rtol=1e-6)


def test_keras_resnet_takes_blue_first_less_its_mean():
    spec = preset("keras-resnet", ("a", "b")).preprocessing
    picture = fit_to_input(Image.new("RGB", (50, 40), (200, 100, 10)), spec)
    np.testing.assert_allclose(
        scale_pixels(picture, spec)[0, 0], [10 - 103.939, 100 - 116.779, 200 - 123.68], rtol=1e-6
    )


def test_the_notebook_has_its_own_classes_and_two_sigmoids():
    spec = preset("notebook")
    assert (spec.classes, spec.positive_class, spec.scores) == (("hem", "all"), "all", "sigmoids")
    scale, offset = spec.preprocessing.scale_and_offset
    assert (255 * scale, offset) == (pytest.approx(1 / 0.45), 0)


def test_other_classes_have_no_positive_class_of_the_preset():
    assert preset("notebook", ("a", "b")).positive_class is None


def test_a_size_chooses_the_way_to_fit():
    cropped = preset("torchvision", ("a", "b"), crop_px=300).preprocessing
    assert (cropped.fit, cropped.crop_px, cropped.shorter_side_px) == ("crop", 300, None)
    assert preset("torchvision", ("a", "b"), fit="stretch").preprocessing.shorter_side_px is None
    with pytest.raises(SpecError, match="give one of them"):
        preset("torchvision", ("a", "b"), crop_px=300, shorter_side_px=256)
    with pytest.raises(SpecError, match="as fit is crop"):
        preset("torchvision", ("a", "b"), fit="crop")


def test_an_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'torchvision'"):
        preset("torchvison", ("a", "b"))


def test_a_preset_without_classes_asks_for_them():
    with pytest.raises(UsageError, match="output order"):
        preset("zero-to-one")
