"""The four silent traps of quantization-aware training, each with a test that fails when it opens again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.keras.layers import AverageConvolution, BorderCorrection
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.keras.rewrite import rewrite
from edgeleuk.quantization.network import (
    measure_ranges,
    quantize_network,
    quantized_outputs,
    set_ranges,
    share_ranges,
)
from edgeleuk.quantization.qat import calibrated_network
from edgeleuk.quantization.source import load_network
from edgeleuk.quantization.toolkit import QuantizeLayer, tf, tf_keras
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.training.config import QatConfig
from edgeleuk.training.fitting import validate
from edgeleuk.training.preparation import stream_of
from edgeleuk.training.run import load_run_folder

pytestmark = pytest.mark.slow
LAYERS = tf_keras.layers


@pytest.fixture(scope="module")
def float_network(float_run: Path) -> Any:
    """The float run's network as it is quantized: its average pools rewritten."""
    return rewrite(load_network(load_run_folder(float_run))).network


@pytest.fixture(scope="module")
def stock() -> Any:
    """An untrained network whose average pools stand as they are."""
    return build_network(NetworkConfig(2, 75, 0.125, pools="average"))


@pytest.fixture(scope="module")
def calibrated(float_run: Path) -> Any:
    return calibrated_network(load_run_folder(float_run), QatConfig(samples=32))


def _weights(layer: Any) -> dict[str, Any]:
    return {weight.name.split("/")[-1].split(":")[0]: weight.numpy() for weight in layer.weights}


def _inputs(layer: Any) -> list[str]:
    return [tensor._keras_history.layer.name for tensor in tf.nest.flatten(layer.input)]


def test_trap_1_pools_have_no_range_but_their_inputs(calibrated: Any) -> None:
    pools = [w for w in calibrated.layers if isinstance(getattr(w, "layer", None), LAYERS.MaxPooling2D)]
    assert len(pools) == 4
    assert not any(name.endswith(("_min", "_max")) for pool in pools for name in _weights(pool))


def test_trap_1_average_pools_have_the_range_of_what_they_read(stock: Any) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (1, 75, 75, 3)).astype(np.float32)
    quantized = quantize_network(stock)
    set_ranges(quantized, share_ranges(stock, measure_ranges(stock, [images])), (-1.0, 1.0))
    averages = [w for w in quantized.layers if isinstance(getattr(w, "layer", None), LAYERS.AveragePooling2D)]
    assert len(averages) == 9
    for pool in averages:
        source = pool.input._keras_history.layer
        while "output_max" not in _weights(source):
            source = source.input._keras_history.layer
        ranges = [(_weights(layer)["output_min"], _weights(layer)["output_max"]) for layer in (pool, source)]
        assert ranges[0] == ranges[1], pool.name


def test_a_depthwise_average_reads_an_int8_tensor_and_fuses_with_its_relu(calibrated: Any) -> None:
    averages = [w for w in calibrated.layers if isinstance(getattr(w, "layer", None), AverageConvolution)]
    assert len(averages) == 9
    for average in averages:
        ranges = {name for name in _weights(average) if name.endswith(("_min", "_max"))}
        assert not ranges, average.name
        assert "output_min" in _weights(average.input._keras_history.layer), average.name


def test_kernels_and_factors_of_rewritten_pools_lie_on_their_grid_exactly(calibrated: Any) -> None:
    for wrapper in calibrated.layers:
        layer = getattr(wrapper, "layer", None)
        if isinstance(layer, AverageConvolution | BorderCorrection):
            shape = (1, *layer.input_size) if isinstance(layer, BorderCorrection) else (1, 5, 5)
            plain = layer.__class__.from_config(layer.get_config() | {"quantized": 0})
            ones = np.ones((*shape, 2), np.float32)
            assert np.allclose(layer.call(ones), plain(ones), rtol=1e-4), layer.name


def test_border_factors_have_a_grid_each(calibrated: Any) -> None:
    layers = [getattr(wrapper, "layer", None) for wrapper in calibrated.layers]
    numbers = [layer.quantized for layer in layers if isinstance(layer, BorderCorrection)]
    assert len(set(numbers)) == len(numbers) == 9


def test_trap_2_concatenations_keep_the_float_networks_order(float_network: Any, calibrated: Any) -> None:
    names = [layer.name for layer in float_network.layers if isinstance(layer, LAYERS.Concatenate)]
    assert len(names) == 15
    for name in names:
        expected = [f"quant_{source}" for source in _inputs(float_network.get_layer(name))]
        assert _inputs(calibrated.get_layer(f"quant_{name}")) == expected


def test_trap_2_a_network_whose_concatenation_was_permuted_is_refused() -> None:
    from edgeleuk.errors import ModelError
    from edgeleuk.quantization.network import _check_concatenations

    def network(swap: bool, prefix: str) -> Any:
        source = tf_keras.Input((4,))
        parts = [LAYERS.Dense(2, name=f"{prefix}{name}")(source) for name in "ab"]
        return tf_keras.Model(source, LAYERS.Concatenate(name=f"{prefix}c")(parts[::-1] if swap else parts))

    _check_concatenations(network(False, ""), network(False, "quant_"))
    with pytest.raises(ModelError, match="inputs of c are"):
        _check_concatenations(network(False, ""), network(True, "quant_"))


def test_trap_3_ranges_are_those_of_calibration_before_the_first_step(float_network: Any, calibrated: Any) -> None:
    for name in quantized_outputs(float_network):
        found = _weights(calibrated.get_layer(f"quant_{name}"))
        assert (found["output_min"], found["output_max"]) != (-6.0, 6.0), name
        assert found["output_min"] < found["output_max"] or found["output_max"] == 0, name


def test_trap_3_kernels_are_quantized_over_their_own_range(calibrated: Any) -> None:
    wrappers = [w for w in calibrated.layers if isinstance(getattr(w, "layer", None), LAYERS.Conv2D)]
    for wrapper in wrappers:
        weights = _weights(wrapper)
        assert np.allclose(weights["kernel_max"], np.abs(weights["kernel"]).max(axis=(0, 1, 2)))


def test_trap_3_before_training_qat_is_within_a_point_of_post_training(
    float_run: Path, calibrated: Any, converted: dict[str, Any]
) -> None:
    run = load_run_folder(float_run)
    images = run.index.images
    stream = stream_of(run.index, images, run.spec.preprocessing, 16)
    file = Classifier.load(float_run.parent / "ptq.tflite")
    answers = [int(np.argmax(p)) for p in file.probabilities(stream.paths)]
    post_training = np.mean(np.array(answers) == np.array(stream.labels))
    # One point, or one image where a point is less than one.
    assert abs(validate(calibrated, stream)["val_accuracy"] - post_training) <= max(0.01, 1 / len(images)) + 1e-9


def test_trap_4_the_input_range_stays_exact_through_training(qat_run: Path, converted: dict[str, Any]) -> None:
    trained = load_network(load_run_folder(qat_run))
    inputs = [layer for layer in trained.layers if isinstance(layer, QuantizeLayer)]
    assert len(inputs) == 1
    found = _weights(inputs[0])
    ends = [float(value) for name, value in sorted(found.items()) if name.endswith(("_max", "_min"))]
    assert ends == pytest.approx([127 / 127.5, -128 / 127.5], abs=1e-6)
    assert converted["qat"].proof.pixel_error_steps <= 0.501


def test_calibrated_network_answers_like_the_float_one(float_network: Any, calibrated: Any) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (4, 75, 75, 3)).astype(np.float32)
    assert np.abs(float_network.predict_on_batch(images) - calibrated.predict_on_batch(images)).max() < 0.1


def test_a_pool_and_the_concatenation_it_feeds_share_one_range(stock: Any) -> None:
    ranges = {name: (0.0, float(number)) for number, name in enumerate(quantized_outputs(stock), 1)}
    shared = share_ranges(stock, ranges)
    assert shared["mixed2"] == shared["mixed3"] == (0.0, max(ranges["mixed2"][1], ranges["mixed3"][1]))
    assert shared["mixed7"] == shared["mixed8"]
    assert shared["mixed5"] == ranges["mixed5"]
    assert shared["average_pooling2d_6"] == shared["mixed6"]


def test_ranges_are_the_extremes_over_all_batches() -> None:
    source = tf_keras.Input((4, 4, 3))
    model = tf_keras.Model(source, LAYERS.Activation("relu", name="relu")(source))
    batches = [np.full((2, 4, 4, 3), value, np.float32) for value in (-1.0, 0.5, 0.25)]
    assert measure_ranges(model, batches) == {"relu": (0.0, 0.5)}


def test_a_layer_without_a_place_in_the_scheme_is_named() -> None:
    from edgeleuk.errors import ModelError

    source = tf_keras.Input((4, 4, 3))
    model = tf_keras.Model(source, LAYERS.UpSampling2D(name="up")(source))
    with pytest.raises(ModelError, match="layer up is a UpSampling2D"):
        quantize_network(model)
