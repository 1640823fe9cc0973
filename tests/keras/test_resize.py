"""Pictures as Keras's own training code resizes them."""

import numpy as np
import pytest
from PIL import Image

from edgeleuk.keras.framework import tf
from edgeleuk.runtime.preprocessing import fit_to_input
from edgeleuk.spec import Preprocessing

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("height", "width"), [(450, 450), (90, 61), (20, 300)])
@pytest.mark.parametrize("size", [96, 300])
def test_tf_bilinear_is_tf_image_resize_rounded(height, width, size):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    expected = tf.image.resize(pixels.astype(np.float32), (size, size)).numpy()
    found = fit_to_input(Image.fromarray(pixels), Preprocessing(size, fit="stretch", resample="tf-bilinear"))
    assert np.abs(found - expected).max() <= 0.501
