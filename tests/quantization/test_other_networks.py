"""Quantization-aware training of networks other than InceptionV3: what is rounded, and that int8 answers as trained."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.keras.batch_norm import recalibrate
from edgeleuk.keras.layers import ChannelScaling
from edgeleuk.keras.rewrite import rewrite
from edgeleuk.quantization.freeze import convert_quantization_aware
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.network import measure_ranges, quantize_network, quantized_outputs, set_ranges, share_ranges
from edgeleuk.quantization.normal_form import normal_form
from edgeleuk.quantization.proof import check_int8, examine
from edgeleuk.quantization.qat_floors import widen_ranges
from edgeleuk.quantization.toolkit import tf, tf_keras
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import ModelSpec, Preprocessing
from tests.quantization.other_networks import LAYERS, SIZE, dense, images, mobile, residual

pytestmark = pytest.mark.slow
PREPARATION = Preprocessing(SIZE, SIZE)


def _trained(make: Callable[[], Any]) -> Any:
    tf_keras.utils.set_random_seed(0)
    network = make()
    recalibrate(network, [images()])
    return network


def _quantized(network: Any) -> Any:
    ranges = share_ranges(network, measure_ranges(network, [images()]))
    made = quantize_network(network)
    set_ranges(made, ranges, PREPARATION.on_int8_grid().input_range)
    widen_ranges(made)
    return made


def scaled_apart() -> Any:
    """As a network comes that scaled the channels of its pictures apart."""
    source = tf_keras.Input((SIZE, SIZE, 3))
    x = ChannelScaling([2.1, 2.2, 1.9], [0.1, -0.2, 0.3])(source)
    x = LAYERS.ReLU()(LAYERS.BatchNormalization()(LAYERS.Conv2D(8, 3, padding="same")(x)))
    return tf_keras.Model(source, LAYERS.Dense(3, activation="softmax")(LAYERS.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("make", [mobile, residual, dense, scaled_apart])
def test_int8_is_whole_and_answers_as_the_network_that_was_trained(make: Callable[[], Any]) -> None:
    network = _trained(make)
    normal = rewrite(normal_form(network)).network
    assert normal.predict_on_batch(images()) == pytest.approx(network.predict_on_batch(images()), abs=1e-5)
    aware = _quantized(normal)
    model = convert_quantization_aware(aware)
    proof = examine(model, "int8", PREPARATION)
    check_int8(proof)
    assert proof.int8_rescales == 0
    assert "SUB" not in proof.operators  # as of a batch normalization that is not folded
    expected = aware.predict_on_batch(images())
    int8 = open_flatbuffer(model, ModelSpec(("a", "b", "c"), PREPARATION)).network
    codes = np.round(images() * 127.5).astype(np.int8)
    found = np.stack([int8.scores(code[np.newaxis]) for code in codes])
    assert found == pytest.approx(expected, abs=0.02)
    sure = np.sort(expected, axis=1)[:, -1] - np.sort(expected, axis=1)[:, -2] > 0.02
    assert (found.argmax(axis=1) == expected.argmax(axis=1))[sure].all()


def test_a_depthwise_kernel_has_a_scale_for_each_channel() -> None:
    network = normal_form(_trained(mobile))
    layer = next(layer for layer in network.layers if isinstance(layer, LAYERS.DepthwiseConv2D))
    kernel = layer.get_weights()[0] * np.logspace(-3, 0, 32, dtype=np.float32)[:, np.newaxis]
    layer.set_weights([kernel])
    aware = _quantized(network)
    aware(images(), training=True)  # as a training step calls it, which takes the ranges anew
    wrapper = aware.get_layer(f"quant_{layer.name}")
    ranges = {weight.name.split("/")[-1].split(":")[0]: weight.numpy() for weight in wrapper.weights}
    assert ranges["depthwise_kernel_max"] == pytest.approx(np.abs(kernel).max(axis=(0, 1, 3)))
    graph = read_graph(convert_quantization_aware(aware))
    depthwise = [operator for operator in graph.operators if operator.name == "DEPTHWISE_CONV_2D"]
    assert [graph.tensors[operator.inputs[1]].channels for operator in depthwise] == [32, 16]


def test_a_sum_rounds_what_it_adds_and_what_comes_out_and_padding_rounds_nothing() -> None:
    network = normal_form(_trained(mobile))
    rounded = set(quantized_outputs(network))
    (total,) = (layer for layer in network.layers if isinstance(layer, LAYERS.Add))
    assert {total.name, *(tensor._keras_history.layer.name for tensor in total.input)} <= rounded
    assert not any(isinstance(network.get_layer(name), LAYERS.ZeroPadding2D) for name in rounded)


def test_concatenations_of_concatenations_share_one_range() -> None:
    network = normal_form(_trained(dense))
    ranges = share_ranges(network, measure_ranges(network, [images()]))
    joined = [layer.name for layer in network.layers if isinstance(layer, LAYERS.Concatenate)]
    inner = {tensor._keras_history.layer.name for name in joined for tensor in network.get_layer(name).input}
    assert len({ranges[name] for name in {*joined, *(inner & set(ranges))}}) == 1


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (LAYERS.LeakyReLU(name="odd"), "layer odd is a LeakyReLU, for which"),
        (LAYERS.Conv2D(4, 3, activation="swish", name="odd"), "layer odd has the activation swish, for which"),
        (LAYERS.Activation("sigmoid", name="odd"), "layer odd is a sigmoid within the network, for which"),
        (LAYERS.ReLU(1.0, name="odd"), "layer odd is a ReLU of a maximum, slope or threshold of its own, for which"),
        (LAYERS.Conv2DTranspose(4, 3, name="odd"), "layer odd is a Conv2DTranspose, for which"),
    ],
)
def test_a_layer_that_stands_in_the_way_is_named_with_the_other_way(layer: Any, said: str) -> None:
    source = tf_keras.Input((SIZE, SIZE, 3))
    pooled = LAYERS.GlobalAveragePooling2D()(layer(source))
    with pytest.raises(ModelError, match=said) as error:
        normal_form(tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(pooled)))
    assert "'edgeleuk convert RUN --int8' of the float run" in str(error.value)


def test_a_layer_that_is_applied_twice_is_named() -> None:
    source, twice = tf_keras.Input((SIZE, SIZE, 3)), LAYERS.Conv2D(3, 3, padding="same", name="twice")
    pooled = LAYERS.GlobalAveragePooling2D()(twice(twice(source)))
    with pytest.raises(ModelError, match="layer twice is a Conv2D that is applied 2 times"):
        normal_form(tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(pooled)))


def test_relu6_inside_a_layer_is_one_of_its_own() -> None:
    source = tf_keras.Input((SIZE, SIZE, 3))
    x = LAYERS.Conv2D(4, 3, activation=tf.nn.relu6, name="inside")(source)
    model = tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(LAYERS.GlobalAveragePooling2D()(x)))
    normal = normal_form(model)
    assert isinstance(normal.get_layer("inside_activation"), LAYERS.ReLU)
    assert normal.predict_on_batch(9 * images()) == pytest.approx(model.predict_on_batch(9 * images()), abs=1e-6)
