"""Files that edgeleuk did not make: what people bring along."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.bench.record import Record, read_record

QUICK = ("--processes", 1, "--runs", 2, "--seconds", 0)


def _weights(*shape: int) -> Any:
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


class Maker:
    """Networks by the TFLite converter."""

    def __init__(self) -> None:
        from edgeleuk.quantization.toolkit import tf

        self.tf = tf

    def features(self, x: Any) -> Any:
        """[batch, 64] of an image."""
        return self.tf.reduce_mean(self.tf.nn.relu(self.tf.nn.conv2d(x, _weights(3, 3, 3, 64), 2, "SAME")), [1, 2])

    def convert(
        self, function: Callable[..., Any], *inputs: tuple[str, list[int | None], str], **settings: Any
    ) -> bytes:
        """A function of tensors (name, shape, dtype) as a file; settings are the converter's."""
        tf = self.tf
        signature = [tf.TensorSpec(shape, getattr(tf, dtype), name) for name, shape, dtype in inputs]
        concrete = tf.function(function, input_signature=signature).get_concrete_function()
        return self._converted(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), settings)

    def convert_signatures(self, folder: Path, **functions: Any) -> bytes:
        """Several functions of four floats as one file."""
        tf = self.tf
        module = tf.Module()
        made = {
            name: tf.function(function, input_signature=[tf.TensorSpec([1, 4], tf.float32, "x")])
            for name, function in functions.items()
        }
        module.functions = made
        concrete = {name: function.get_concrete_function() for name, function in made.items()}
        tf.saved_model.save(module, str(folder), signatures=concrete)
        return self._converted(tf.lite.TFLiteConverter.from_saved_model(str(folder)), {})

    def _converted(self, converter: Any, settings: dict[str, Any]) -> bytes:
        for name, value in settings.items():
            owner = converter.target_spec if name.startswith("supported") else converter
            setattr(owner, name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter's own
            return bytes(converter.convert())

    def classifier(self, **settings: Any) -> bytes:
        """64 classes of an image of 16 px."""
        return self.convert(
            lambda x: self.tf.nn.softmax(self.features(x)), ("x", [1, 16, 16, 3], "float32"), **settings
        )

    def quantized(self, dtype: str, **settings: Any) -> bytes:
        """The classifier in int8, with inputs and outputs of this type."""
        tf = self.tf
        random = np.random.default_rng(0)
        images = [[random.uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)] for _ in range(4)]
        return self.classifier(
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: iter(images),
            supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
            inference_input_type=getattr(tf, dtype),
            inference_output_type=getattr(tf, dtype),
            **settings,
        )


def all_unsigned(content: bytes) -> bytes:
    """An int8 network with one scale a tensor in uint8 as converters made it before int8: all codes 128 higher."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT8:
            tensor.type = schema.TensorType.UINT8
            tensor.quantization.zeroPoint = [int(tensor.quantization.zeroPoint[0]) + 128]
            buffer = model.buffers[tensor.buffer]
            if buffer.data is not None and len(buffer.data):
                buffer.data = np.asarray(buffer.data, np.uint8) ^ 0x80
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of such files."""
    folder, maker = tmp_path_factory.mktemp("foreign"), Maker()
    tf, image = maker.tf, ("x", [1, 16, 16, 3], "float32")
    small = [tf.lite.Optimize.DEFAULT]
    made = {
        "float": maker.classifier(),
        "dynamic": maker.classifier(optimizations=small),
        "float16": maker.classifier(optimizations=small, supported_types=[tf.float16]),
        "int8": maker.quantized("int8"),
        "uint8": maker.quantized("uint8"),
        "all-uint8": all_unsigned(maker.quantized("int8", _experimental_disable_per_channel=True)),
        "batch": maker.convert(maker.features, ("x", [None, 16, 16, 3], "float32")),
        "nchw": maker.convert(
            lambda x: maker.features(tf.transpose(x, [0, 2, 3, 1])), ("x", [1, 3, 16, 16], "float32")
        ),
        "several": maker.convert(
            lambda x, age: {"classes": maker.features(x) + age, "means": tf.reduce_mean(x, [3])},
            image,
            ("age", [1, 64], "float32"),
        ),
        "scalar": maker.convert(lambda x, gain: maker.features(x) * gain, image, ("gain", [], "float32")),
        "masked": maker.convert(
            lambda i, mask: tf.where(mask, i * 2, i), ("i", [1, 8], "int64"), ("mask", [1, 8], "bool")
        ),
        "table": maker.convert(lambda i: tf.gather(_weights(10, 4), i), ("i", [1, 8], "int32")),
        "text": maker.convert(tf.identity, ("words", [1], "string")),
        "signatures": maker.convert_signatures(
            folder / "saved", double=lambda x: {"y": x * 2}, more=lambda x: {"y": x + 2}
        ),
    }
    for name, content in made.items():
        (folder / f"{name}.tflite").write_bytes(content)
    return folder


NAMES = (
    *("float", "dynamic", "float16", "int8", "uint8", "all-uint8", "batch"),
    *("nchw", "several", "scalar", "masked", "table", "signatures"),
)


@pytest.fixture(scope="module")
def record(foreign: Path, run_edgeleuk: Any) -> Record:
    """Of all that can be measured, in one go."""
    models = [foreign / f"{name}.tflite" for name in NAMES]
    done = run_edgeleuk("benchmark", *models, *QUICK, "-o", foreign / "r.json")
    assert done.returncode == 0, done.stderr
    assert all(f"{name}.tflite" in done.stdout for name in NAMES)
    return read_record(foreign / "r.json")


def result(record: Record, name: str) -> Any:
    [found] = [result for result in record.results if result.model.name == f"{name}.tflite"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_is_measured_and_what_cannot_be_filled_is_said(record, name):
    found = result(record, name)
    assert found.latency.runs == 2
    assert found.latency.p50_ms > 0
    assert found.coverage is not None
    assert found.operators
    assert (found.model.spec, found.model.proof) == (None, None)
    assert any(note.startswith("spec: the file holds none") for note in found.notes)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("float", [("float32", (1, 16, 16, 3))], [("float32", (1, 64))]),
        ("dynamic", [("float32", (1, 16, 16, 3))], [("float32", (1, 64))]),
        ("float16", [("float32", (1, 16, 16, 3))], [("float32", (1, 64))]),
        ("int8", [("int8", (1, 16, 16, 3))], [("int8", (1, 64))]),
        ("uint8", [("uint8", (1, 16, 16, 3))], [("uint8", (1, 64))]),
        ("all-uint8", [("uint8", (1, 16, 16, 3))], [("uint8", (1, 64))]),
        ("batch", [("float32", (-1, 16, 16, 3))], [("float32", (-1, 64))]),
        ("nchw", [("float32", (1, 3, 16, 16))], [("float32", (1, 64))]),
        ("scalar", [("float32", (1, 16, 16, 3)), ("float32", ())], [("float32", (1, 64))]),
        ("masked", [("int64", (1, 8)), ("bool", (1, 8))], [("int64", (1, 8))]),
        ("table", [("int32", (1, 8))], [("float32", (1, 8, 4))]),
    ],
)
def test_its_inputs_and_outputs_are_told(record, name, inputs, outputs):
    model = result(record, name).model
    assert [(tensor.dtype, tensor.shape) for tensor in model.inputs] == inputs
    assert [(tensor.dtype, tensor.shape) for tensor in model.outputs] == outputs


def test_several_inputs_and_outputs_are_told(record):
    model = result(record, "several").model
    assert {tensor.shape for tensor in model.inputs} == {(1, 16, 16, 3), (1, 64)}
    assert {tensor.shape for tensor in model.outputs} == {(1, 64), (1, 16, 16)}


def test_what_was_taken_for_granted_is_said(record):
    assert "unknown dimensions of x were taken to be 1" in result(record, "batch").notes
    [note] = [note for note in result(record, "signatures").notes if "signature" in note]
    assert note == "of the signatures double, more only the main graph was measured"
    assert not [note for note in result(record, "float").notes if "dimension" in note or "signature" in note]


def test_text_is_refused(run_edgeleuk, foreign):
    done = run_edgeleuk("benchmark", foreign / "text.tflite", *QUICK)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == (
        f"error: {foreign}/text.tflite: input 'words' takes text; only numeric inputs can be generated"
    )
