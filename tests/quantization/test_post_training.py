"""Post-training quantization of networks that are not built as InceptionV3 is."""

import numpy as np
import pytest

from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.quantization.proof import check_int8, examine
from edgeleuk.quantization.toolkit import tf_keras
from edgeleuk.spec import ModelSpec, Preprocessing
from tests.quantization.other_networks import SIZE, dense, images

pytestmark = pytest.mark.slow
PREPARATION = Preprocessing(SIZE, SIZE)


def test_gains_of_a_batch_normalization_that_stands_alone_may_all_be_above_one() -> None:
    network = dense()
    random = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.gamma.assign(random.uniform(1.1, 1.4, layer.gamma.shape))
    model = quantize_int8(convert_float(network), list(images()[:, np.newaxis]), (-1.0, 1.0))
    check_int8(examine(model, "int8", PREPARATION))
    int8 = open_flatbuffer(model, ModelSpec(("a", "b", "c"), PREPARATION)).network
    found = np.stack([int8.scores(np.round(image * 127.5).astype(np.int8)[np.newaxis]) for image in images()])
    assert found == pytest.approx(network.predict_on_batch(images()), abs=0.03)
