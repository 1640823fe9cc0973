from pathlib import Path

import numpy as np
import pytest
from litert_quantizer import quantizer, recipe

from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.layer_errors import measure
from edgeleuk.quantization.surgery import apart, float_twin
from edgeleuk.quantization.toolkit import tf_keras
from edgeleuk.runtime.backend import Network, open_interpreter
from edgeleuk.runtime.graph import read_graph
from tests.quantization.networks import SIZE, images

LAYERS = tf_keras.layers


def test_apart_no_operator_reads_what_another_makes(spoiled_int8: bytes) -> None:
    alone, fed = apart(spoiled_int8)
    graph = read_graph(alone)
    made = {output for operator in graph.operators for output in operator.outputs}
    read = {tensor for operator in graph.operators for tensor in operator.inputs}
    assert not made & read
    assert set(graph.outputs) == made
    assert len(fed) == len(graph.inputs) == len(graph.operators)  # a chain: each reads one tensor
    assert "net/pool/MaxPool" in fed


def test_apart_fed_with_what_the_whole_network_computes_they_compute_the_same(spoiled_int8: bytes) -> None:
    alone, fed = apart(spoiled_int8)
    with pytest.warns(UserWarning, match="preserve_all_tensors"):
        whole = open_interpreter(spoiled_int8, Path("model"), 1, keep_tensors=True)
    scale, zero_point = whole.get_input_details()[0]["quantization"]
    codes = np.clip(np.round(images(1)[0] / scale) + zero_point, -128, 127).astype(np.int8)
    whole.set_tensor(whole.get_input_details()[0]["index"], codes)
    whole.invoke()
    values = {detail["name"]: whole.get_tensor(detail["index"]) for detail in whole.get_tensor_details()}
    cut = open_interpreter(alone, Path("model"), 1)
    for detail, name in zip(cut.get_input_details(), fed, strict=True):
        cut.set_tensor(detail["index"], values[name])
    cut.invoke()
    for detail in cut.get_output_details():
        np.testing.assert_array_equal(cut.get_tensor(detail["index"]), values[detail["name"]])


def test_the_float_twin_has_no_int8_and_answers_nearly_alike(int8_flatbuffer: bytes) -> None:
    twin = float_twin(int8_flatbuffer)
    graph = read_graph(twin)
    assert "int8" not in graph.dtype_counts()
    assert [o.name for o in graph.operators] == [o.name for o in read_graph(int8_flatbuffer).operators]
    values = np.random.default_rng(0).integers(-128, 128, (1, 32, 32, 3), dtype=np.int8)
    int8, real = Network(int8_flatbuffer, Path("int8")), Network(twin, Path("twin"))
    scale, zero_point = int8.input["quantization"]
    found = real.scores(np.float32(scale) * (values.astype(np.float32) - zero_point))
    assert np.abs(found - int8.scores(values)).max() < 0.02


@pytest.mark.filterwarnings("ignore:Warning. Enabling:UserWarning")  # by the quantizer's interpreter
def test_the_float_twin_has_no_rescaling() -> None:
    """The quantizer by itself rescales where a pool enters a concatenation of another range."""
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((SIZE, SIZE, 3))
    pooled = LAYERS.MaxPooling2D(2)(LAYERS.Conv2D(8, 3, activation="relu")(source))
    joined = LAYERS.Concatenate()([pooled, LAYERS.Conv2D(4, 4, strides=2)(source)])
    after = LAYERS.Conv2D(4, 1)(pooled)
    model = tf_keras.Model(source, LAYERS.Dense(2)(LAYERS.Flatten()(LAYERS.Concatenate()([joined, after]))))
    quantizing = quantizer.Quantizer(convert_float(model), recipe.static_wi8_ai8())
    ranges = quantizing.calibrate({"serving_default": [{"image": image} for image in images(1)]}, num_threads=1)
    rescaled = bytes(quantizing.quantize(ranges, enable_progress_report=False).quantized_model)
    assert read_graph(rescaled).operator_counts()["QUANTIZE"] >= 1
    twin = float_twin(rescaled)
    assert set(read_graph(twin).operator_counts()) == {
        "CONV_2D",
        "MAX_POOL_2D",
        "CONCATENATION",
        "RESHAPE",
        "FULLY_CONNECTED",
    }
    int8, real = Network(rescaled, Path("int8")), Network(twin, Path("twin"))
    scale, zero_point = int8.input["quantization"]
    codes = np.clip(np.round(images(1)[0] / scale) + zero_point, -128, 127).astype(np.int8)
    expected = real.scores(np.float32(scale) * (codes.astype(np.float32) - zero_point))
    np.testing.assert_allclose(int8.scores(codes), expected, atol=0.05 * np.abs(expected).max())
    assert min(row.own_db for row in measure(twin, rescaled, images(1), "its own weights in float").layers) > 25
