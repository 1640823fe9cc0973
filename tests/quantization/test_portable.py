"""Files whose weights are large enough for litert-quantizer to write them behind the flatbuffer, in other engines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert.tools import flatbuffer_utils
from litert_quantizer import quantizer, recipe
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware
from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges
from edgeleuk.quantization.portable import make_portable
from edgeleuk.quantization.post_training import PostTraining, quantize_int8
from edgeleuk.quantization.toolkit import tf, tf_keras
from edgeleuk.runtime.bundle import write_bundle
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.portability import portability
from edgeleuk.spec import ModelSpec, Preprocessing

LAYERS = tf_keras.layers
INPUT_RANGE = (-128 / 127.5, 127 / 127.5)
THRESHOLD = 256 * 1024  # bytes of weights from which litert-quantizer writes them behind the flatbuffer
_SPREAD = tf_keras.initializers.RandomNormal(stddev=0.3)
Codes = NDArray[np.int8]


def _images(count: int, seed: int = 0) -> list[NDArray[np.float32]]:
    codes = np.random.default_rng(seed).integers(-128, 128, (count, 1, 32, 32, 3))
    return list((codes / 127.5).astype(np.float32))


@pytest.fixture(scope="module")
def large_network() -> Any:
    """Branches, a crop (whose range differs, so int8 has to rescale) and 330 KiB of weights."""
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((32, 32, 3))
    x = LAYERS.Conv2D(32, 3, strides=2, activation="relu")(source)
    branch = LAYERS.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    x = LAYERS.Concatenate()([LAYERS.MaxPooling2D(2)(x), LAYERS.Cropping2D(((1, 0), (1, 0)))(branch)])
    x = LAYERS.Conv2D(128, 3, activation="relu")(x)
    x = LAYERS.Conv2D(192, 3, padding="same", activation="relu")(x)
    x = LAYERS.GlobalAveragePooling2D()(x)
    return tf_keras.Model(source, LAYERS.Dense(4, "softmax", bias_initializer="random_normal")(x))


@pytest.fixture(scope="module")
def plain_network() -> Any:
    """Of the blocks that InceptionV3 is made of, for quantization-aware training."""
    tf_keras.utils.set_random_seed(1)
    x = source = tf_keras.Input((32, 32, 3))
    for filters, strides in ((32, 2), (128, 2), (224, 1)):
        x = LAYERS.Conv2D(filters, 3, strides=strides, use_bias=False)(x)
        x = LAYERS.Activation("relu")(LAYERS.BatchNormalization(scale=False)(x))
    x = LAYERS.GlobalAveragePooling2D()(x)
    return tf_keras.Model(source, LAYERS.Softmax()(LAYERS.Dense(4, bias_initializer=_SPREAD)(x)))


@pytest.fixture(scope="module")
def post_training(large_network: Any) -> bytes:
    return quantize_int8(convert_float(large_network), _images(8), INPUT_RANGE)


@pytest.fixture(scope="module")
def quantization_aware(plain_network: Any) -> bytes:
    network = quantize_network(plain_network)
    set_ranges(network, share_ranges(plain_network, measure_ranges(plain_network, _images(8))), INPUT_RANGE)
    return convert_quantization_aware(network)


@pytest.fixture(scope="module", params=["post_training", "quantization_aware"])
def large_int8(request: pytest.FixtureRequest) -> bytes:
    content: bytes = request.getfixturevalue(request.param)
    assert len(content) > THRESHOLD
    return content


@pytest.fixture(scope="module")
def codes() -> Codes:
    """int8 [30, 32, 32, 3]: noise of differing brightness and contrast."""
    random = np.random.default_rng(2)
    drawn = [random.normal(random.uniform(-90, 90), random.uniform(5, 60), (32, 32, 3)) for _ in range(30)]
    return np.clip(np.round(drawn), -128, 127).astype(np.int8)


def _litert(model: bytes, codes: Codes, **options: Any) -> Codes:
    interpreter = Interpreter(model_content=model, **options)
    interpreter.allocate_tensors()

    def answer(code: Codes) -> Codes:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], code[np.newaxis])
        interpreter.invoke()
        found: Codes = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        return found[0]

    return np.stack([answer(code) for code in codes])


def test_openvino_gives_the_labels_of_litert(large_int8: bytes, codes: Codes, tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino", reason="OPENVINO IS NOT TESTED: pip install openvino")
    path = tmp_path / "model.tflite"
    write_bundle(path, large_int8, ModelSpec(("a", "b", "c", "d"), Preprocessing(32, 32)), {}, frozenset())
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_NUM_THREADS": 1})
    found = np.stack([next(iter(compiled(code[np.newaxis]).values()))[0] for code in codes])
    expected = _litert(large_int8, codes)
    assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert np.abs(found.astype(int) - expected).max() <= 2
    assert len(np.unique(expected, axis=0)) > 10  # an answer that depends on the picture


def test_tflite_micro_computes_what_the_builtin_kernels_compute(large_int8: bytes, codes: Codes) -> None:
    micro = pytest.importorskip("tflite_micro", reason="TFLITE-MICRO IS NOT TESTED: it has no wheel here")
    interpreter = micro.runtime.Interpreter.from_bytes(large_int8)

    def answer(code: Codes) -> Codes:
        interpreter.set_input(code[np.newaxis], 0)
        interpreter.invoke()
        found: Codes = interpreter.get_output(0)
        return found[0].copy()

    builtin = OpResolverType.BUILTIN_REF
    expected = _litert(large_int8, codes, experimental_op_resolver_type=builtin)
    assert np.array_equal(np.stack([answer(code) for code in codes]), expected)


def test_litert_computes_the_same_of_the_file_as_the_quantizer_wrote_it(
    large_network: Any, codes: Codes, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = PostTraining(convert_float(large_network), _images(8), INPUT_RANGE)
    portable = network.quantize()
    monkeypatch.setattr("edgeleuk.quantization.post_training.make_portable", lambda model: model)
    written = network.quantize()
    assert read_graph(written).bytes_behind > THRESHOLD
    assert read_graph(portable).bytes_behind == 0
    assert np.array_equal(_litert(written, codes), _litert(portable, codes))
    assert make_portable(written) == portable == make_portable(portable)


def test_a_file_as_the_quantizer_wrote_it_is_not_portable_and_why_is_said(
    large_network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeleuk.quantization.post_training.make_portable", lambda model: model)
    written = quantize_int8(convert_float(large_network), _images(2), INPUT_RANGE)
    faults = "\n".join(portability(read_graph(written)).faults)
    assert "bytes of weights lie behind the flatbuffer" in faults
    assert "CONV_2D is stated as version 1; its types need version 3" in faults
    assert "QUANTIZE is ADD to engines that read the older field of its name" in faults
    assert "it says that TensorFlow Lite 1.6.0 runs it; its operators need 1.14.0" in faults


def test_a_file_of_either_way_is_portable(large_int8: bytes) -> None:
    found = portability(read_graph(large_int8))
    assert found.faults == ()
    assert found.operator_versions["CONV_2D"] == 3
    assert found.operator_versions["FULLY_CONNECTED"] == 4
    assert found.operator_versions["MEAN"] == 2


def test_weights_begin_where_the_schema_asks(post_training: bytes) -> None:
    model = schema.Model.GetRootAs(post_training, 0)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    begins = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if not buffer.DataIsNone()]
    assert len(begins) > 10
    assert all(begin % 16 == 0 for begin in begins)


def test_weights_alone_in_int8_are_stated_as_the_kernels_that_read_them(large_network: Any) -> None:
    quantizing = quantizer.Quantizer(convert_float(large_network), recipe.dynamic_wi8_afp32())
    content = make_portable(bytes(quantizing.quantize().quantized_model))
    found = portability(read_graph(content))
    assert found.faults == ()
    assert found.operator_versions["CONV_2D"] == 5
    assert found.operator_versions["FULLY_CONNECTED"] == 12


def _converter_int8(network: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image] for image in _images(2))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _many_operators() -> Any:
    tf_keras.utils.set_random_seed(2)
    source = tf_keras.Input((32, 32, 3))
    x = LAYERS.Conv2D(8, 3, strides=2, padding="same", activation="relu6")(source)
    x = LAYERS.DepthwiseConv2D(3, padding="same")(LAYERS.ZeroPadding2D(1)(x))
    x = LAYERS.Activation("tanh")(x) * LAYERS.Activation("sigmoid")(x) + LAYERS.ReLU()(x)
    x = LAYERS.AveragePooling2D(2)(LAYERS.UpSampling2D(2, interpolation="bilinear")(x))
    x = LAYERS.Maximum()([x, LAYERS.MaxPooling2D(3, strides=1, padding="same")(x)]) - LAYERS.LeakyReLU()(x)
    x = LAYERS.Permute((2, 1, 3))(LAYERS.UpSampling2D(2)(x))
    x = LAYERS.Concatenate()([x, LAYERS.Conv2DTranspose(8, 1)(x)])
    x = LAYERS.Dense(4)(LAYERS.Flatten()(x))
    return tf_keras.Model(source, LAYERS.Softmax()(x))


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs:UserWarning")
def test_versions_are_those_that_the_tflite_converter_states() -> None:
    found = portability(read_graph(_converter_int8(_many_operators())))
    assert found.faults == ()
    ours = portability(read_graph(quantize_int8(convert_float(_many_operators()), _images(2), INPUT_RANGE)))
    assert ours.faults == ()
    shared = found.operator_versions.keys() & ours.operator_versions.keys()
    assert len(shared) >= 15, sorted(shared)
    assert {name: ours.operator_versions[name] for name in shared} == {
        name: found.operator_versions[name] for name in shared
    }


def _changed(model: bytes, change: Callable[[Any], None]) -> bytes:
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    change(parsed)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(parsed))


def test_a_constant_that_is_shorter_than_its_shape_is_a_fault(post_training: bytes) -> None:
    def shorten(model: Any) -> None:
        largest = max(model.buffers, key=lambda buffer: 0 if buffer.data is None else len(buffer.data))
        largest.data = largest.data[:-1]

    [fault] = portability(read_graph(_changed(post_training, shorten))).faults
    assert "its shape and type need" in fault


@pytest.mark.parametrize("tensor", [10_000, -2])
def test_a_graph_whose_operators_read_what_is_not_there_is_damaged(tensor: int, post_training: bytes) -> None:
    def disconnect(model: Any) -> None:
        model.subgraphs[0].operators[0].inputs[0] = tensor

    with pytest.raises(ModelError, match=f"CONV_2D has tensor {tensor}"):
        read_graph(_changed(post_training, disconnect))
