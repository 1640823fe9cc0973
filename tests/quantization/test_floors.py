"""What computes nothing but a constant keeps it as int8, whether quantized after training or trained for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeleuk.quantization.floors import activation_floors, bias_floor, dead_floor, weight_floors, wide_enough
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware
from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.quantization.qat_floors import widen_ranges
from edgeleuk.runtime.backend import Network
from tests.quantization.conftest import INPUT_RANGE
from tests.quantization.dead import NETWORKS, dead_depthwise, dead_transposed
from tests.quantization.networks import images


def after_training(network: Any) -> bytes:
    return PostTraining(convert_float(network), images(8), INPUT_RANGE).quantize()


def quantization_aware(network: Any) -> bytes:
    ranges = share_ranges(network, measure_ranges(network, [np.concatenate(images(8))]))
    quantized = quantize_network(network)
    set_ranges(quantized, ranges, INPUT_RANGE)
    widen_ranges(quantized)
    return convert_quantization_aware(quantized)


def scores(model: bytes) -> NDArray[np.float32]:
    network = Network(model, Path("model"))
    scale, zero_point = network.input["quantization"]
    codes = (np.clip(np.round(image / scale) + zero_point, -128, 127).astype(np.int8) for image in images(8))
    return np.stack([network.scores(values) for values in codes])


# No depthwise convolution but those of average pools is trained quantization-aware, and no transposed one.
@pytest.mark.parametrize(
    ("make", "quantize"),
    [(make, after_training) for make in (*NETWORKS, dead_transposed)]
    + [(make, quantization_aware) for make in NETWORKS if make is not dead_depthwise],
)
def test_a_constant_part_keeps_its_answer(make: Callable[[], Any], quantize: Callable[[Any], bytes]) -> None:
    network = make()
    expected = network.predict_on_batch(np.concatenate(images(8)))
    np.testing.assert_allclose(scores(quantize(network)), expected, atol=0.03)


def test_ranges_that_are_wide_enough_stay_as_they_are() -> None:
    assert wide_enough(-0.25, 3.0) == (-0.25, 3.0)
    assert wide_enough(5.0, 5.0) == (5.0, 5.0)  # every range holds 0
    assert wide_enough(0.0, 0.0) == (0.0, 1.0)
    assert dead_floor(np.array([0.5, 0.0, 2.0])).tolist() == [0.0, 2.0, 0.0]
    assert dead_floor(np.zeros(2)).tolist() == [1.0, 1.0]


def test_a_bias_takes_no_more_than_half_of_an_int32() -> None:
    """In steps of the input's scale times that of the weights, on the floor that they are given."""
    bias = np.array([50.0, -3.0])
    steps = bias / (2 / 255) / (bias_floor(bias, -1.0, 1.0) / 127)
    np.testing.assert_allclose(np.abs(steps), 2.0**30)


def test_weights_without_need_are_quantized_as_before(spoiled: PostTraining) -> None:
    ranges = activation_floors(spoiled._measured)
    assert ranges == spoiled._measured
    assert weight_floors(spoiled.graph, spoiled.float_model, spoiled.graph.operators, ranges) == {}
