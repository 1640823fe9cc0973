from typing import Any

import numpy as np
import pytest

from edgeleuk.keras.framework import tf_keras
from edgeleuk.pruning.normalization import recalibrate

LAYERS = tf_keras.layers


@pytest.fixture
def network() -> Any:
    source = tf_keras.Input((4, 4, 3))
    first = LAYERS.BatchNormalization(name="first", momentum=0.9, fused=False)(source)
    second = LAYERS.BatchNormalization(name="second", momentum=0.8, fused=False)(LAYERS.ReLU()(first))
    return tf_keras.Model(source, second)


def test_statistics_become_the_average_over_batches_at_every_depth(network: Any) -> None:
    random = np.random.default_rng(0)
    batches = [random.normal(number, 1 + number, (8, 4, 4, 3)).astype(np.float32) for number in range(3)]
    recalibrate(network, batches)
    _, _, mean, variance = network.get_layer("first").get_weights()
    assert mean == pytest.approx(np.mean([batch.mean(axis=(0, 1, 2)) for batch in batches], axis=0), abs=1e-4)
    assert variance == pytest.approx(np.mean([batch.var(axis=(0, 1, 2)) for batch in batches], axis=0), rel=1e-3)
    behind = [np.maximum((b - b.mean(axis=(0, 1, 2))) / np.sqrt(b.var(axis=(0, 1, 2)) + 1e-3), 0) for b in batches]
    mean = network.get_layer("second").get_weights()[2]
    assert mean == pytest.approx(np.mean([each.mean(axis=(0, 1, 2)) for each in behind], axis=0), abs=1e-4)


def test_what_is_trained_and_the_momentum_stay(network: Any) -> None:
    before = network.trainable_weights[0].numpy()
    recalibrate(network, [np.ones((2, 4, 4, 3), np.float32)])
    assert np.array_equal(network.trainable_weights[0].numpy(), before)
    assert [layer.momentum for layer in network.layers if hasattr(layer, "momentum")] == [0.9, 0.8]
