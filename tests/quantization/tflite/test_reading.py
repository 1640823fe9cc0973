"""Which .tflite files are taken, and the one sentence for each that is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.quantization.portable import pack_model
from edgeleuk.quantization.tflite.graph import SIGNATURE, flatbuffer_utils, schema
from edgeleuk.quantization.tflite.reading import fixed_graph
from edgeleuk.runtime.graph import read_graph
from tests.quantization.tflite.graphs import blank, convolution, head, operator, packed, weights

PATH, WANTED = Path("net.tflite"), (8, 8, 3)


@pytest.fixture(scope="module")
def sound() -> bytes:
    graph = blank((1, 8, 8, 3))
    head(graph, convolution(graph, 0, weights(0, 4, 3, 3, 3)), end="SOFTMAX")
    return packed(graph)


def _edited(content: bytes, edit: Any) -> bytes:
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    edit(model)
    return pack_model(model)


def _input(content: bytes) -> Any:
    graph = read_graph(content)
    return graph.tensors[graph.inputs[0]]


def test_a_file_without_signature_gets_one(sound):
    made = fixed_graph(_edited(sound, lambda model: setattr(model, "signatureDefs", None)), PATH, WANTED)
    model = schema.Model.GetRootAs(made, 0)
    assert [model.SignatureDefs(n).SignatureKey() for n in range(model.SignatureDefsLength())] == [SIGNATURE.encode()]


def test_tensors_of_one_name_get_names_of_their_own(sound):
    def rename(model):
        for tensor in model.subgraphs[0].tensors:
            tensor.name = b""

    names = [tensor.name for tensor in read_graph(fixed_graph(_edited(sound, rename), PATH, WANTED)).tensors]
    assert len(set(names)) == len(names)
    assert all(names)


def _free(*shape):
    def edit(model):
        tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
        tensor.shapeSignature = np.array(shape, np.int32)
        tensor.shape = np.where(tensor.shapeSignature < 0, 1, tensor.shapeSignature)  # as TensorFlow declares them

    return edit


@pytest.mark.parametrize("stated", [(-1, 8, 8, 3), (-1, -1, -1, 3), (1, -1, 8, 3)])
def test_free_dimensions_are_those_of_the_spec(sound, stated):
    made = fixed_graph(_edited(sound, _free(*stated)), PATH, WANTED)
    assert _input(made).shape == (1, 8, 8, 3)
    if stated[1] == stated[2] == -1:
        made = fixed_graph(_edited(sound, _free(*stated)), PATH, (12, 10, 3))
        assert _input(made).shape == (1, 12, 10, 3)
        assert next(t.shape for t in read_graph(made).tensors if t.name == "conv") == (1, 10, 8, 4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sizes_that_a_network_asks_itself_for_become_constants():
    source = tf_keras.Input((None, None, 3))
    half = tf.shape(source)[1:3] // 2
    small = tf.image.resize(source, half, method="nearest")
    pooled = tf_keras.layers.GlobalAveragePooling2D()(tf_keras.layers.Conv2D(4, 3)(small))
    network = tf_keras.Model(source, tf_keras.layers.Dense(2, activation="softmax")(pooled))
    content = bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    assert "SHAPE" in read_graph(content).operator_counts()
    made = read_graph(fixed_graph(content, PATH, (16, 12, 3)))
    assert {"SHAPE", "STRIDED_SLICE"}.isdisjoint(made.operator_counts())
    assert (1, 8, 6, 3) in [tensor.shape for tensor in made.tensors]


def _typed(kind, quantized=True):
    def edit(model):
        tensor = model.subgraphs[0].tensors[-1]
        tensor.type = getattr(schema.TensorType, kind)
        if quantized:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [0.1], [0]

    return edit


def _second_subgraph(model):
    model.subgraphs = [*model.subgraphs, model.subgraphs[0]]


def _second_signature(model):
    model.signatureDefs = [*model.signatureDefs, schema.SignatureDefT()]
    model.signatureDefs[-1].signatureKey = b"encode"


def _custom(name):
    def edit(model):
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].customCode = name

    return edit


def _second_input(model):
    main = model.subgraphs[0]
    main.inputs = [*main.inputs, *main.inputs]


def _second_output(model):
    main = model.subgraphs[0]
    main.outputs = [*main.outputs, main.operators[0].outputs[0]]


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (_typed("INT8"), ModelError, r"is quantized already \(1 of \d+ tensors are int8 .*edgeleuk attach"),
        (_typed("UINT8"), ModelError, "are uint8 with a scale"),
        (_typed("FLOAT16", False), ModelError, "1 tensors of float16, rounded already; give the float32 file"),
        (_second_subgraph, ModelError, "has 2 subgraphs"),
        (_second_signature, ModelError, r"has 2 signatures \(serving_default, encode\)"),
        (_custom(b"FlexErf"), ModelError, r"\(Flex: Erf\)"),
        (_custom(b"MyOperator"), ModelError, r"operators of its own \(MyOperator\)"),
        (_second_input, ModelError, r"has 2 inputs \(pixels \[1, 8, 8, 3\]"),
        (_second_output, ModelError, "has 2 outputs .*; expected one, the scores"),
        (_free(4, 8, 8, 3), SpecError, "takes batches of 4"),
        (_free(1, 9, 9, 3), SpecError, r"takes \[1, 9, 9, 3\]; the spec says \[1, 8, 8, 3\]"),
    ],
)
def test_what_is_not_taken_is_one_sentence(sound, edit, error, message):
    with pytest.raises(error, match=message) as raised:
        fixed_graph(_edited(sound, edit), PATH, WANTED)
    assert str(raised.value).startswith("net.tflite ")
    assert "\n" not in str(raised.value)


def test_operators_that_the_interpreter_lacks_are_one_sentence():
    graph = blank((1, 8, 8, 3))
    content = packed(graph, operator(graph, "STABLEHLO_ADD", (0, 0), (1, 8, 8, 3)))
    with pytest.raises(ModelError, match="has STABLEHLO_ADD, which no delegate here runs"):
        fixed_graph(content, PATH, WANTED)
