"""Class activation maps: exact, of the network that answered, from the base install alone."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.quantization.toolkit import tf_keras
from edgeleuk.runtime.activation_map import DenseLayer, activation_map, class_maps, dense_layer, real_numbers
from edgeleuk.runtime.backend import Network, open_interpreter
from edgeleuk.runtime.bundle import pack
from edgeleuk.runtime.classifier import Classifier, Prediction
from edgeleuk.runtime.graph import read_constant, read_graph
from edgeleuk.runtime.models import open_model
from edgeleuk.spec import ModelSpec

LAYERS = tf_keras.layers
PATH = Path("model.tflite")


def noise(seed: int, side: int = 64) -> Any:
    from PIL import Image

    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def logits_of(flatbuffer: bytes, values: NDArray[Any]) -> tuple[NDArray[np.float64], float, float]:
    """Real logits [classes] that the dense layer computes for an input, their scale, and that of its input."""
    graph = read_graph(flatbuffer)
    dense = [operator for operator in graph.operators if operator.name == "FULLY_CONNECTED"][-1]
    interpreter = open_interpreter(flatbuffer, PATH, 1, keep_tensors=True)
    interpreter.set_tensor(graph.inputs[0], values)
    interpreter.invoke()
    raw = interpreter.get_tensor(dense.outputs[0])[0].astype(np.float64)
    made, read = graph.tensors[dense.outputs[0]], graph.tensors[dense.inputs[0]]
    real = raw if made.scale is None else made.scale * (raw - made.zero_point)
    return real, made.scale or 0.0, read.scale or 0.0


def with_map(flatbuffer: bytes, spec: ModelSpec, path: Path) -> Classifier:
    spec = dataclasses.replace(spec, extra_outputs=("map",))
    path.write_bytes(pack(expose_outputs(flatbuffer, ("map",)), spec, {}, frozenset()))
    return open_model(path)


@pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`:UserWarning")
@pytest.mark.parametrize("kind", ["int8", "float"])
def test_mean_of_the_map_and_bias_are_the_logit_to_within_quantization(
    kind: str, int8_flatbuffer: bytes, float_flatbuffer: bytes, small_spec: ModelSpec, tmp_path: Path
) -> None:
    flatbuffer = int8_flatbuffer if kind == "int8" else float_flatbuffer
    model = with_map(flatbuffer, small_spec, tmp_path / "model.tflite")
    layer = dense_layer(model.network)
    for seed in range(8):
        prediction = model.predict(noise(seed), keep_map=True)
        assert prediction.map is not None
        features = real_numbers(prediction.map, *model.network.extra["map"]["quantization"])
        found = class_maps(features, layer).mean(axis=(0, 1)) + layer.bias
        logits, logit_step, feature_step = logits_of(flatbuffer, model.prepare(noise(seed)))
        # Rounding of the pooled features, half a step each, and of the logit.
        bound = np.abs(layer.weights).sum(axis=1) * 0.5 * feature_step + 0.5 * logit_step + 1e-5
        assert (np.abs(found - logits) <= 1.02 * bound).all()
        assert np.ptp(class_maps(features, layer), axis=(0, 1)).min() > 10 * (bound.max() if kind == "float" else 0)
        own = activation_map(model, prediction)
        number = small_spec.classes.index(prediction.label)
        assert abs(own.values.mean() + own.bias - (logits[number] - logits.mean())) <= 2.04 * bound.max()


def test_the_layer_is_read_from_the_interpreter_as_it_stands_in_the_file(
    int8_flatbuffer: bytes, small_map_model: Path
) -> None:
    layer = dense_layer(open_model(small_map_model).network)
    graph = read_graph(int8_flatbuffer)
    dense = [operator for operator in graph.operators if operator.name == "FULLY_CONNECTED"][-1]
    codes = read_constant(int8_flatbuffer, dense.inputs[1])
    assert codes is not None
    ratio = layer.weights[codes != 0] / codes[codes != 0]
    assert layer.weights.shape == codes.shape == (2, 16)
    assert (ratio > 0).all()
    for row in range(2):  # one scale a class, whatever the file has
        own = (layer.weights[row] / np.where(codes[row] == 0, 1, codes[row]))[codes[row] != 0]
        np.testing.assert_allclose(own, own[0], rtol=1e-5)


@pytest.mark.parametrize("kind", ["float16", "dynamic"])
def test_weights_kept_smaller_are_read_as_the_numbers_they_stand_for(
    kind: str, small_spec: ModelSpec, tmp_path: Path
) -> None:
    from edgeleuk.quantization.freeze import convert_float

    tf_keras.utils.set_random_seed(3)
    network = tf_keras.Sequential(
        [
            LAYERS.Input((32, 32, 3)),
            LAYERS.Conv2D(64, 3, strides=4, activation="relu"),
            LAYERS.GlobalAveragePooling2D(),
            LAYERS.Dense(2, activation="softmax", bias_initializer="random_normal"),
        ]
    )
    model = with_map(convert_float(network, kind), small_spec, tmp_path / "model.tflite")
    layer = dense_layer(model.network)
    weights, bias = network.layers[-1].get_weights()
    np.testing.assert_allclose(layer.weights, weights.T, atol=np.abs(weights).max() / 127)
    np.testing.assert_allclose(layer.bias, bias, atol=1e-3)


@given(
    st.integers(2, 5).flatmap(
        lambda classes: st.lists(
            st.lists(st.floats(-5, 5, width=32), min_size=4, max_size=4), min_size=classes, max_size=classes
        )
    ),
    st.integers(0, 2**32 - 1),
)
def test_centring_changes_no_probability_and_makes_maps_sum_to_zero(rows: list[list[float]], seed: int) -> None:
    weights = np.asarray(rows, np.float32)
    layer = DenseLayer(weights[:, :3], weights[:, 3])
    features = np.random.default_rng(seed).uniform(0, 3, (4, 5, 3)).astype(np.float32)
    plain, centred = (class_maps(features, one).mean(axis=(0, 1)) + one.bias for one in (layer, layer.centred()))
    shares = [np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum() for logits in (plain, centred)]
    np.testing.assert_allclose(shares[0], shares[1], atol=1e-4)
    np.testing.assert_allclose(class_maps(features, layer.centred()).sum(axis=-1), 0, atol=1e-3)


def test_other_weights_of_the_last_layer_or_of_all_give_another_map(
    small_map_model: Path, small_spec: ModelSpec, tmp_path: Path
) -> None:
    """Adebayo et al. 2018, "Sanity Checks for Saliency Maps": a map that weights do not change explains nothing."""
    from edgeleuk.quantization.freeze import convert_float

    model, maps = open_model(small_map_model), {}
    image = noise(0)
    maps["own"] = activation_map(model, model.predict(image, keep_map=True))
    tf_keras.utils.set_random_seed(99)
    other = tf_keras.Sequential(
        [
            LAYERS.Input((32, 32, 3)),
            LAYERS.Conv2D(8, 3, strides=2, activation="relu"),
            LAYERS.Conv2D(16, 3, strides=2, activation="relu"),
            LAYERS.GlobalAveragePooling2D(),
            LAYERS.Dense(2, activation="softmax"),
        ]
    )
    randomised = with_map(convert_float(other), small_spec, tmp_path / "other.tflite")
    predicted = dataclasses.replace(randomised.predict(image, keep_map=True), label=maps["own"].label)
    maps["other"] = activation_map(randomised, predicted)
    own, changed = (maps[name].values.ravel() for name in ("own", "other"))
    assert own.std() > 0
    assert abs(np.corrcoef(own, changed)[0, 1]) < 0.9


def test_a_map_is_kept_on_request_only_and_its_lack_is_said(small_map_model: Path, small_model: Path) -> None:
    with_one, without = open_model(small_map_model), open_model(small_model)
    assert with_one.predict(noise(1)).map is None
    kept = with_one.predict(noise(1), keep_map=True)
    assert kept.map is not None
    assert kept.map.shape == (7, 7, 16)
    assert kept.probabilities == with_one.predict(noise(1)).probabilities == without.predict(noise(1)).probabilities
    with pytest.raises(ModelError, match=r"convert SOURCE -o MODEL\.tflite --explain"):
        activation_map(without, without.predict(noise(1), keep_map=True))


def cascade_of(path: Path, first: Path, large: bytes, spec: ModelSpec, write_cascade: Any, threshold: float) -> Any:
    from edgeleuk.files import sha256_bytes
    from edgeleuk.runtime.bundle import CascadePart, read_bundle

    made = read_bundle(write_cascade(path, threshold)).cascade
    rule = dataclasses.replace(made.rule, first_sha256=sha256_bytes(first.read_bytes()))
    path.write_bytes(pack(large, spec, {}, frozenset(), CascadePart(rule, first.read_bytes())))
    return open_model(path)


@pytest.mark.parametrize(("threshold", "stage"), [(0.5, 1), (1.0, 2)])
def test_a_cascade_has_the_map_of_the_model_that_answered(
    threshold: float,
    stage: int,
    tmp_path: Path,
    small_map_model: Path,
    float_flatbuffer: bytes,
    small_spec: ModelSpec,
    write_cascade: Any,
) -> None:
    spec = dataclasses.replace(small_spec, extra_outputs=("map",))
    large = expose_outputs(float_flatbuffer, ("map",))
    model = cascade_of(tmp_path / "cascade.tflite", small_map_model, large, spec, write_cascade, threshold)
    prediction = model.predict(noise(2), keep_map=True)
    assert prediction.stage == stage
    assert prediction.map is not None
    assert prediction.map.dtype == (np.int8 if stage == 1 else np.float32)
    alone = open_model(small_map_model) if stage == 1 else with_map(float_flatbuffer, small_spec, tmp_path / "l.tflite")
    expected = activation_map(
        alone, dataclasses.replace(alone.predict(noise(2), keep_map=True), label=prediction.label)
    )
    np.testing.assert_array_equal(activation_map(model, prediction).values, expected.values)


@pytest.mark.parametrize(("threshold", "which"), [(0.5, "first"), (1.0, "large")])
def test_of_a_cascade_it_is_said_which_model_lacks_the_map(
    threshold: float, which: str, tmp_path: Path, write_cascade: Any
) -> None:
    model = open_model(write_cascade(tmp_path / "cascade.tflite", threshold))
    prediction: Prediction = model.predict(noise(2), keep_map=True)
    with pytest.raises(ModelError, match=f"the cascade's {which} model is one of .*--explain"):
        activation_map(model, prediction)


def test_a_network_without_a_dense_layer_or_with_another_one_is_refused(small_map_model: Path) -> None:
    network = open_model(small_map_model).network
    network.extra["map"]["shape"] = np.asarray([1, 7, 7, 15])
    with pytest.raises(ModelError, match=r"shape \[2, 16\]; expected \[2, 15\]"):
        dense_layer(network)


def test_what_is_no_constant_is_refused_in_a_sentence(small_model: Path) -> None:
    network: Network = open_model(small_model).network
    with pytest.raises(ModelError, match="tensor 9999 of the network cannot be read"):
        network.constant(9999)
