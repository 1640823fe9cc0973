"""Extra outputs: what the network computes anyway, given out behind the scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgeleuk.device.delegate import coverage
from edgeleuk.errors import ModelError, SpecError, UsageError
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.outputs import check_map, expose_outputs, has_output
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.quantization.toolkit import tf_keras
from edgeleuk.runtime.backend import Network
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.portability import portability

LAYERS = tf_keras.layers
PATH = Path("model")
INPUT_RANGE = (-128 / 127.5, 127 / 127.5)
BOTH = ("features", "map")


def _codes(seed: int) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, (1, 32, 32, 3), np.int8)


def _real(values: NDArray[Any], network: Network, name: str) -> NDArray[np.float64]:
    scale, zero_point = network.extra[name]["quantization"]
    real: NDArray[np.float64] = (values.astype(np.float64) - zero_point) * (scale or 1)
    return real


def test_scores_stay_as_they_are_and_features_are_the_mean_of_the_map(int8_flatbuffer: bytes) -> None:
    plain = Network(int8_flatbuffer, PATH)
    network = Network(expose_outputs(int8_flatbuffer, BOTH), PATH, extra=BOTH)
    for seed in range(5):
        scores, found = network.scores_and_extra(_codes(seed), BOTH)
        np.testing.assert_array_equal(scores, plain.scores(_codes(seed)))
        features, map_ = (_real(found[name], network, name) for name in BOTH)
        assert features.ndim == 2
        assert map_.ndim == 4
        scale, zero_point = network.extra["features"]["quantization"]
        mean = np.clip(map_.mean(axis=(1, 2)), (-128 - zero_point) * scale, (127 - zero_point) * scale)
        np.testing.assert_allclose(features, mean, atol=scale)
    assert np.ptp(features) > 0


def test_the_delegate_takes_the_graph_in_one_piece_as_before(int8_flatbuffer: bytes) -> None:
    before, after = (
        coverage(Network(content, PATH, extra=extra).operations())
        for content, extra in ((int8_flatbuffer, ()), (expose_outputs(int8_flatbuffer, BOTH), BOTH))
    )
    assert before == after
    assert after is not None
    assert after.partitions == 1


def test_every_engine_reads_it_as_before(int8_flatbuffer: bytes, tmp_path: Path) -> None:
    exposed = expose_outputs(int8_flatbuffer, BOTH)
    assert portability(read_graph(exposed)).faults == ()
    openvino = pytest.importorskip("openvino", reason="OPENVINO IS NOT TESTED: pip install openvino")
    path = tmp_path / "model.tflite"
    path.write_bytes(exposed)
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_NUM_THREADS": 1})
    found = [compiled(_codes(0))[output] for output in compiled.outputs]
    network = Network(exposed, PATH, extra=BOTH)
    scores, extra = network.scores_and_extra(_codes(0), BOTH)
    assert [value.shape for value in found[1:]] == [extra[name].shape for name in BOTH]
    scale, zero_point = network.output["quantization"]
    assert np.abs(found[0][0].astype(int) - np.round(scores / scale + zero_point)).max() <= 2


def test_the_signature_names_them(float_flatbuffer: bytes) -> None:
    [before] = Interpreter(model_content=float_flatbuffer).get_signature_list().values()
    [after] = Interpreter(model_content=expose_outputs(float_flatbuffer, BOTH)).get_signature_list().values()
    assert set(after["outputs"]) == {*before["outputs"], *BOTH}


def test_nothing_to_give_out_is_the_file_itself(int8_flatbuffer: bytes) -> None:
    assert expose_outputs(int8_flatbuffer, ()) is int8_flatbuffer


def test_another_name_is_refused(int8_flatbuffer: bytes) -> None:
    with pytest.raises(SpecError, match="'logits'; expected one of features, map"):
        expose_outputs(int8_flatbuffer, ("logits",))


def _network(*layers: Any) -> bytes:
    source = x = tf_keras.Input((32, 32, 3))
    for layer in layers:
        x = layer(x)
    return quantize_int8(
        convert_float(tf_keras.Model(source, x)), [np.asarray(_codes(0) / 127.5, np.float32)], INPUT_RANGE
    )


def test_a_head_of_a_1x1_convolution_reads_features_too() -> None:
    tf_keras.utils.set_random_seed(0)
    model = _network(
        LAYERS.Conv2D(8, 3, strides=2, activation="relu"),
        LAYERS.GlobalAveragePooling2D(keepdims=True),
        LAYERS.Conv2D(3, 1),
        LAYERS.Flatten(),
        LAYERS.Softmax(),
    )
    network = Network(expose_outputs(model, BOTH), PATH, extra=BOTH)
    assert {name: tuple(network.extra[name]["shape"]) for name in BOTH} == {
        "features": (1, 1, 1, 8),
        "map": (1, 15, 15, 8),
    }


def test_a_network_without_a_mean_has_features_and_no_map() -> None:
    tf_keras.utils.set_random_seed(0)
    model = _network(
        LAYERS.Conv2D(4, 5, strides=4, activation="relu"), LAYERS.Flatten(), LAYERS.Dense(2), LAYERS.Softmax()
    )
    graph = read_graph(model)
    assert (has_output(graph, "features"), has_output(graph, "map")) == (True, False)
    with pytest.raises(ModelError, match="no map to give out: its features are not the mean of a map"):
        expose_outputs(model, ("map",))


def test_a_network_that_ends_in_pooling_has_neither() -> None:
    tf_keras.utils.set_random_seed(0)
    model = _network(LAYERS.Conv2D(2, 3), LAYERS.GlobalAveragePooling2D(), LAYERS.Softmax())
    with pytest.raises(ModelError, match="does not end in pooling and one dense layer"):
        expose_outputs(model, ("features",))


def test_a_map_of_one_place_is_refused_with_what_to_do() -> None:
    network = tf_keras.Sequential(
        [
            LAYERS.Input((8, 8, 3)),
            LAYERS.Conv2D(4, 8, activation="relu"),
            LAYERS.GlobalAveragePooling2D(),
            LAYERS.Dense(2, activation="softmax", bias_initializer="random_normal"),
        ]
    )
    with pytest.raises(UsageError, match=r"at 8 px the network's last feature map is 1 x 1.*--input-size"):
        check_map(convert_float(network), ("map",))
    check_map(convert_float(network), ("features",))
