import dataclasses
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeleuk.keras.network as network_module
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.keras.choices import EXITS
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.graph import carry_weights
from edgeleuk.keras.layers import AverageConvolution, BorderCorrection
from edgeleuk.keras.network import NetworkConfig, build_network, layers_with_weights, scaled_filters
from edgeleuk.keras.weights import load_weights, save_weights
from edgeleuk.training.config import TrainConfig

pytestmark = pytest.mark.slow  # each network that is built takes seconds


@pytest.fixture(scope="module")
def whole() -> Callable[[str], Any]:
    """The whole network of three classes for 75 px at 1/8 width, by how its pools are written; built once."""
    return cache(lambda pools: build_network(NetworkConfig(3, 75, 0.125, pools=pools)))


@pytest.fixture(scope="module")
def stock() -> Callable[..., Any]:
    return cache(network_module._stock)


@pytest.fixture
def one_stock(stock: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of which others are scaled copies is built once for the tests that say so: they only read it."""
    monkeypatch.setattr(network_module, "_stock", stock)


def test_probabilities_sum_to_one_and_the_graph_is_flat(whole: Callable[[str], Any]) -> None:
    model = whole("average")
    images = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    assert np.allclose(model.predict_on_batch(images).sum(axis=1), 1, atol=1e-6)
    assert not any(isinstance(layer, tf_keras.Model) for layer in model.layers)
    assert sum(isinstance(layer, tf_keras.layers.Conv2D) for layer in model.layers) == 94


@pytest.mark.parametrize(("pools", "averages", "convolutions"), [("average", 9, 0), ("depthwise", 0, 9)])
def test_average_pools_stand_as_they_are_unless_told_otherwise(
    whole: Callable[[str], Any], pools: str, averages: int, convolutions: int
) -> None:
    layers = whole(pools).layers
    assert NetworkConfig(2).pools == TrainConfig().pools == "average"
    assert sum(isinstance(layer, tf_keras.layers.AveragePooling2D) for layer in layers) == averages
    assert sum(isinstance(layer, AverageConvolution) for layer in layers) == convolutions
    assert sum(isinstance(layer, BorderCorrection) for layer in layers) == convolutions


@pytest.mark.parametrize("pools", ["average", "depthwise"])
def test_first_weights_depend_on_the_seed_and_not_on_what_was_built_before(
    pools: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "_KNOWN", {})

    def built() -> list[Any]:
        tf_keras.utils.set_random_seed(3)
        weights: list[Any] = build_network(NetworkConfig(2, 75, 0.125, pools=pools, exit="mixed3")).get_weights()
        return weights

    first, again = built(), built()  # the stock network is built for the first alone
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_with_the_same_weights_both_kinds_of_pools_answer_the_same(whole: Callable[[str], Any]) -> None:
    stock, rewritten = whole("average"), whole("depthwise")
    carry_weights(stock, rewritten)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    features = [
        tf_keras.Model(model.input, model.get_layer("mixed10").output).predict_on_batch(images)
        for model in (stock, rewritten)
    ]
    assert np.allclose(features[0], features[1], rtol=1e-3, atol=1e-5 * np.abs(features[0]).max())


@pytest.mark.parametrize("exit_block", [None, "mixed5"])
def test_weights_lie_in_the_order_that_is_told_and_fit_the_other_kind_of_pools(
    exit_block: str | None, tmp_path: Path
) -> None:
    config = NetworkConfig(2, 75, 0.125, exit=exit_block)
    stock = build_network(config)
    stock.set_weights([np.random.default_rng(n).normal(size=w.shape) for n, w in enumerate(stock.get_weights())])
    assert layers_with_weights(config) == [layer.name for layer in stock.layers if layer.weights]
    save_weights(stock, tmp_path / "weights.npz")
    rewritten = build_network(dataclasses.replace(config, pools="depthwise"))
    load_weights(rewritten, tmp_path / "weights.npz", layers_with_weights(config))
    for name in layers_with_weights(config):
        pair = stock.get_layer(name).get_weights(), rewritten.get_layer(name).get_weights()
        assert all(np.array_equal(one, other) for one, other in zip(*pair, strict=True))
    with pytest.raises(ModelError, match="does not fit the network of its run: it holds"):
        load_weights(rewritten, tmp_path / "weights.npz", layers_with_weights(config)[1:])


def test_layer_names_do_not_depend_on_what_was_built_before(whole: Callable[[str], Any]) -> None:
    first, second = whole("average"), build_network(NetworkConfig(3, 75, 0.125))
    assert first is not second
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]


@pytest.mark.parametrize(("filters", "width", "expected"), [(32, 1, 32), (80, 0.5, 40), (48, 0.125, 8), (192, 0.3, 56)])
def test_width_scales_filters_to_multiples_of_eight(filters: int, width: float, expected: int) -> None:
    assert scaled_filters(filters, width) == expected


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(2, 74),
        NetworkConfig(2, 75, 0),
        NetworkConfig(2, 299, 0.5, weights="imagenet"),
        NetworkConfig(2, pools="max"),
        NetworkConfig(2, 75, exit="mixed2"),
        NetworkConfig(2, 75, exit="mixed10"),
    ],
)
def test_impossible_networks_are_usage_errors(config: NetworkConfig) -> None:
    with pytest.raises(UsageError):
        build_network(config)


@pytest.mark.usefixtures("one_stock")
def test_a_width_that_rounds_a_layer_to_nothing_is_refused_and_told() -> None:
    with pytest.raises(UsageError, match=r"0.015, which rounds a layer of 32 filters to nothing; .* above 0.015625"):
        build_network(NetworkConfig(2, 75, 0.015))
    assert build_network(NetworkConfig(2, 75, 0.016)).get_layer("conv2d").filters == 8


@pytest.mark.usefixtures("one_stock")
def test_filters_that_pruning_left_are_those_of_the_network() -> None:
    model = build_network(NetworkConfig(2, 75, 0.25, filters={"conv2d_3": 5, "conv2d_5": 3}))
    whole = build_network(NetworkConfig(2, 75, 0.25))
    filters = [[layer.filters for layer in each.layers if hasattr(layer, "filters")] for each in (model, whole)]
    assert (model.get_layer("conv2d_3").filters, model.get_layer("conv2d_5").filters) == (5, 3)
    assert sum(a != b for a, b in zip(*filters, strict=True)) == 2
    assert [layer.name for layer in model.layers] == [layer.name for layer in whole.layers]


def _check_exit(model: tf_keras.Model, block: str) -> None:
    names = {layer.name for layer in model.layers}
    assert f"mixed{int(block[5:]) + 1}" not in names
    assert [node.layer.name for node in model.get_layer("average").inbound_nodes[0].parent_nodes] == [block]
    read = {node.layer.name for layer in model.layers for node in layer.inbound_nodes[0].parent_nodes}
    assert names - read == {"probabilities"}
    readers = {node.outbound_layer.name for layer in model.layers for node in layer.outbound_nodes}
    assert readers <= names


@pytest.mark.usefixtures("one_stock")
@pytest.mark.parametrize(("block", "pools"), [(EXITS[0], "average"), ("mixed7", "depthwise"), (EXITS[-1], "depthwise")])
def test_an_exit_is_the_whole_network_up_to_its_block(whole: Callable[[str], Any], block: str, pools: str) -> None:
    model = build_network(NetworkConfig(3, 75, 0.125, pools=pools, exit=block))
    _check_exit(model, block)
    names = [layer.name for layer in model.layers]
    longer = whole(pools)
    assert set(names) < {layer.name for layer in longer.layers}
    assert [model.get_layer(name).count_params() for name in names if name != "logits"] == [
        longer.get_layer(name).count_params() for name in names if name != "logits"
    ]
    images = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    assert np.allclose(model(images).numpy().sum(axis=1), 1, atol=1e-6)


def test_a_wrong_exit_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"exit is 'mixed2'; expected mixed3, mixed4, .*mixed9, or nothing for the"):
        build_network(NetworkConfig(2, 75, exit="mixed2"))


@pytest.mark.usefixtures("one_stock")
@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ({"conv2d_500": 1}, "no convolution 'conv2d_500'"),
        ({"mixed0": 1}, "no convolution 'mixed0'"),
        ({"conv2d": 0}, "conv2d is said to keep 0 filters; expected 1 to 8"),
        ({"conv2d": 9}, "conv2d is said to keep 9 filters; expected 1 to 8"),
        ({"conv2d": True}, "conv2d is said to keep True filters"),
    ],
)
def test_filters_that_cannot_be_are_refused(filters: dict[str, int], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        build_network(NetworkConfig(2, 75, 0.125, filters=filters))


def test_trained_weights_do_not_go_with_a_pruned_shape() -> None:
    with pytest.raises(UsageError, match="they fit no pruned network"):
        build_network(NetworkConfig(2, 75, weights="imagenet", filters={"conv2d": 8}))


def test_weights_come_from_a_file_of_the_published_format(tmp_path: Path) -> None:
    tf_keras.utils.set_random_seed(7)
    published = tf_keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(75, 75, 3))
    file = tmp_path / "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    published.save_weights(str(file))
    kernels = [weights for weights in published.get_weights() if weights.ndim == 4]
    models = [build_network(NetworkConfig(2, 96, weights=str(file), pools=pools)) for pools in ("average", "depthwise")]
    found = [weights for weights in models[0].get_weights() if weights.ndim == 4]
    assert len(found) == 94
    assert all((a == b).all() for a, b in zip(kernels, found, strict=True))
    images = np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    features = [tf_keras.Model(m.input, m.get_layer("average").output).predict_on_batch(images) for m in models]
    assert np.abs(features[0]).max() > 0
    assert np.allclose(features[0], features[1], rtol=1e-3, atol=1e-6 * np.abs(features[0]).max())


def test_an_exit_keeps_the_weights_of_the_published_network_up_to_its_block(tmp_path: Path) -> None:
    tf_keras.utils.set_random_seed(7)
    published = tf_keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(75, 75, 3))
    file = tmp_path / "weights.h5"
    published.save_weights(str(file))
    block = tf_keras.Model(published.input, published.get_layer("mixed4").output)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    expected = block.predict_on_batch(images)
    for pools in ("average", "depthwise"):
        model = build_network(NetworkConfig(2, 75, weights=str(file), pools=pools, exit="mixed4"))
        _check_exit(model, "mixed4")
        found = tf_keras.Model(model.input, model.get_layer("mixed4").output).predict_on_batch(images)
        assert np.allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.h5"
    with pytest.raises(ModelError, match="no such weights file"):
        build_network(NetworkConfig(2, 75, 0.125, weights=str(file)))
    file.write_bytes(b"not HDF5")
    with pytest.raises(ModelError, match="does not hold weights of InceptionV3"):
        build_network(NetworkConfig(2, 75, 0.125, weights=str(file)))


def test_without_a_line_to_the_weights_one_sentence_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # no cached copy
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody answers
    assert os.path.expanduser("~") == str(tmp_path)  # noqa: PTH111 - what the download helper asks
    with pytest.raises(ModelError, match=r"cannot be downloaded .* --weights none, or --weights FILE"):
        build_network(NetworkConfig(2, 75, weights="imagenet"))


def test_under_mixed_precision_the_answer_and_the_weights_stay_float32() -> None:
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        mixed = build_network(NetworkConfig(2, 75, 0.125))
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    assert mixed.get_layer("mixed5").compute_dtype == "float16"
    assert mixed.output.dtype == "float32"
    plain = build_network(NetworkConfig(2, 75, 0.125))
    plain.set_weights(mixed.get_weights())
    images = np.random.default_rng(0).uniform(-1, 1, (1, 75, 75, 3)).astype(np.float32)
    assert np.allclose(plain.predict_on_batch(images), mixed.predict_on_batch(images), atol=0.02)
