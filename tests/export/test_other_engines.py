"""ONNX Runtime, OpenVINO and tflite-micro: files of both ways to int8 are exported and asked there."""

import dataclasses
import json
import re
import shutil
import subprocess
from importlib.util import find_spec

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError
from edgeleuk.export.dense import flatten_apart
from edgeleuk.export.exporting import Request, export
from edgeleuk.export.target import Source
from edgeleuk.export.targets import target_of
from edgeleuk.export.targets.tflite_micro import c_string, resolver
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.quantization.toolkit import tf_keras
from edgeleuk.runtime.bundle import read_bundle, write_bundle
from edgeleuk.runtime.graph import read_graph
from edgeleuk.runtime.portability import portability
from edgeleuk.spec import ModelSpec, Preprocessing

LAYERS = tf_keras.layers
PACKAGES = {"onnx": "tf2onnx", "openvino": "openvino", "tflite-micro": "tflite_micro"}
LARGE = 256 * 1024  # from which litert-quantizer writes weights behind the flatbuffer


def target(name):
    """The target; its tests are missed where the package has no wheel."""
    if find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{name.upper()} IS NOT TESTED: {PACKAGES[name]} is not installed")
    return target_of(name)


def place(name, tmp_path):
    return tmp_path / ("model.onnx" if name == "onnx" else "exported")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ptq", "qat"])
@pytest.mark.parametrize("name", PACKAGES)
def test_labels_are_those_of_litert_for_large_files_of_both_ways(
    name, way, converted, float_run, cells_index, tmp_path
):
    model = float_run.parent / f"{way}.tflite"
    assert len(read_bundle(model).flatbuffer) > LARGE
    request = Request(Index.load(cells_index), count=72)
    found = export(model, target(name), place(name, tmp_path), request).comparison
    assert found.images == 72
    assert found.label_agreement >= 0.99
    assert found.largest_difference < 0.1
    if name == "tflite-micro":
        assert found.facts["bits_equal"] == found.facts["bits_compared"] == 20
    if name == "onnx":
        assert found.facts["in_float"] == 0
        assert found.facts["in_int8"] > 90


def write_model(path, flatbuffer, classes=("a", "b", "c"), size=32):
    write_bundle(path, flatbuffer, ModelSpec(classes, Preprocessing(size, 300)), {}, frozenset())
    return path


def flattening():
    """A pool over the whole map, flattened: the converter leaves that to the dense layer."""
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((32, 32, 3))
    x = LAYERS.AveragePooling2D(15)(LAYERS.Conv2D(8, 3, strides=2, activation="relu")(source))
    bias = tf_keras.initializers.Constant([1.0, -2.0, 3.0])
    return tf_keras.Model(source, LAYERS.Dense(3, "softmax", bias_initializer=bias)(LAYERS.Flatten()(x)))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_bias_of_a_dense_layer_behind_a_flatten_is_kept_in_onnx(precision, tmp_path):
    content = convert_float(flattening())
    if precision == "int8":
        images = np.random.default_rng(0).uniform(-1, 1, (4, 1, 32, 32, 3)).astype(np.float32)
        content = quantize_int8(content, list(images), (-1.0, 1.0))
    changed, count = flatten_apart(content)
    assert count == 1
    assert portability(read_graph(changed)).faults == ()
    model = write_model(tmp_path / "m.tflite", content)
    found = export(model, target("onnx"), tmp_path / "m.onnx", Request(count=20)).comparison
    assert found.label_agreement == 1
    assert found.largest_difference <= (1e-5 if precision == "float32" else 1 / 256)


def test_a_graph_without_such_a_layer_stays_as_it_is(int8_flatbuffer):
    assert flatten_apart(int8_flatbuffer) == (int8_flatbuffer, 0)


@pytest.mark.slow
def test_an_onnx_file_says_how_a_picture_becomes_its_input(small_model, tmp_path):
    tested = target("onnx")
    import onnx

    export(small_model, tested, tmp_path / "m.onnx", Request(count=5))
    model = onnx.load(tmp_path / "m.onnx")
    told = {entry.key: entry.value for entry in model.metadata_props}
    spec = ModelSpec.from_json(told["edgeleuk_spec"])
    assert json.loads(told["labels"]) == list(spec.classes) == ["all", "hem"]
    assert [end.type.tensor_type.elem_type for end in (*model.graph.input, *model.graph.output)] == [1, 1]
    seen = spec.preprocessing.pixel_scale * np.arange(256) + spec.preprocessing.pixel_offset
    assert np.allclose(seen, (np.arange(256) - 128) / 127.5, atol=1e-6)


def test_the_array_of_a_microcontroller_is_the_file(small_model, tmp_path):
    export(small_model, target("tflite-micro"), tmp_path / "out", Request(count=3))
    flatbuffer = (tmp_path / "out" / "model.tflite").read_bytes()
    text = (tmp_path / "out" / "model.cc").read_text()
    assert "alignas(16) const unsigned char g_model[]" in text
    assert bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2}),", text)) == flatbuffer
    header = (tmp_path / "out" / "model.h").read_text()
    assert 'kClassNames[] = {"all", "hem"}' in header
    assert "is the input p - 128." in header
    assert (
        f"kTensorArenaSize = {json.loads((tmp_path / 'out' / 'comparison.json').read_text())['facts']['arena_bytes']};"
    )


def test_the_resolver_has_as_many_places_as_the_model_has_operators(int8_flatbuffer, tmp_path):
    text = resolver(list(read_graph(int8_flatbuffer).operator_counts()))
    added = re.findall(r"resolver\.(Add\w+)\(\)\) return", text)
    assert added == ["AddConv2D", "AddMean", "AddFullyConnected", "AddSoftmax"]
    assert "kModelOperatorCount = 4;" in text
    if shutil.which("g++") is not None:
        methods = "".join(f"TfLiteStatus {name}() {{ return kTfLiteOk; }}\n" for name in added)
        program = f"enum TfLiteStatus {{ kTfLiteOk, kTfLiteError }};\nstruct R {{ {methods} }};\n{text}\n"
        (tmp_path / "a.cc").write_text(f"{program}int main() {{ R r; return AddModelOperators(r); }}\n")
        subprocess.run(["g++", "-std=c++17", "-Wall", "-Werror", tmp_path / "a.cc", "-o", tmp_path / "a"], check=True)
        subprocess.run([tmp_path / "a"], check=True)


def test_no_name_of_a_class_ends_a_literal():
    assert c_string('a"\\é') == '"a\\042\\134\\303\\251"'


def test_a_float_network_is_nothing_for_a_microcontroller(small_float_model, tmp_path):
    with pytest.raises(ModelError, match="nothing for a microcontroller: not all int8"):
        export(small_float_model, target_of("tflite-micro"), tmp_path / "out", Request(check=False))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "blocked", "said"),
    [
        ("onnx", "tf2onnx", "pip install 'edgeleuk[onnx]'"),
        ("openvino", "openvino", "pip install openvino"),
        ("tflite-micro", "tflite_micro", "pip install tflite-micro"),
    ],
)
def test_a_package_that_is_missing_is_one_sentence(name, blocked, said, small_model, tmp_path, run_edgeleuk):
    done = run_edgeleuk("export", small_model, "--for", name, "-o", place(name, tmp_path), blocked=(blocked,))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert not place(name, tmp_path).exists()


@pytest.mark.slow
def test_a_float_network_goes_to_openvino_and_onnx(small_float_model, tmp_path):
    for name in ("openvino", "onnx"):
        found = export(small_float_model, target(name), place(name, tmp_path), Request(count=20)).comparison
        assert found.largest_difference < 0.01


def test_an_input_of_another_type_is_refused_for_onnx(small_model, tmp_path, monkeypatch):
    from edgeleuk.export.targets import onnx

    monkeypatch.setattr(onnx, "io_types", lambda graph: ("uint8", "uint8"))
    bundle = read_bundle(small_model)
    with pytest.raises(ModelError, match="expected both to be int8 or float32"):
        onnx.float_ends(Source(bundle, dataclasses.replace(bundle.spec), small_model))
