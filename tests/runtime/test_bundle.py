"""One file for the device: flatbuffer, spec, labels and proof."""

import shutil
import subprocess
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import EdgeleukError, ModelError, OutputError, SpecError
from edgeleuk.runtime.bundle import pack, read_bundle, write_bundle
from edgeleuk.spec import ModelSpec, Preprocessing

SPEC = ModelSpec(("all", "hem"), Preprocessing(32, 64))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT, max_size=4)
DIGITS = st.text("0123456789abcdef", min_size=16, max_size=16)
SEEN = st.frozensets(st.builds(str.__add__, st.sampled_from(["", "="]), DIGITS), max_size=20)


@given(body=st.binary(max_size=200), proof=JSON, seen=SEEN)
def test_what_is_packed_is_read_again(tmp_path, body, proof, seen):
    path = tmp_path / "model.tflite"
    model = b"\x1c\0\0\0TFL3" + body
    write_bundle(path, model, SPEC, proof, seen)
    bundle = read_bundle(path)
    assert (bundle.spec, bundle.proof, bundle.seen) == (SPEC, proof, seen)
    assert bundle.content.startswith(model)
    assert bundle.seen_images == sum(not digits.startswith("=") for digits in seen)
    assert ("edgeleuk/seen_pixels.txt" in bundle.files) is any(digits.startswith("=") for digits in seen)


def test_the_same_parts_give_the_same_bytes(int8_flatbuffer):
    assert pack(int8_flatbuffer, SPEC, {}, frozenset()) == pack(int8_flatbuffer, SPEC, {}, frozenset())


def test_any_zip_tool_lists_spec_and_labels(small_model):
    with zipfile.ZipFile(small_model) as archive:
        assert archive.read("labels.txt") == b"all\nhem\n"
        assert "edgeleuk/spec.json" in archive.namelist()
    if shutil.which("unzip"):
        listing = subprocess.run(["unzip", "-l", small_model], capture_output=True, text=True, check=False)
        assert "labels.txt" in listing.stdout


def test_a_file_that_edgeleuk_did_not_make_has_neither_spec_nor_proof(tmp_path, int8_flatbuffer):
    path = tmp_path / "foreign.tflite"
    path.write_bytes(int8_flatbuffer)
    bundle = read_bundle(path)
    assert (bundle.spec, bundle.proof, bundle.files) == (None, None, ())
    with pytest.raises(SpecError, match=r"has no ModelSpec.*edgeleuk attach.*edgeleuk convert"):
        bundle.require_spec(path)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"not a model at all", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "x.tflite").write_bytes(content)
    with pytest.raises(ModelError, match="not a TFLite model"):
        read_bundle(tmp_path / "x.tflite")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer .* 'git lfs pull'"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE HTML><html>", r"it is a page \(HTML\).* download it again"),
        (b"<?xml version='1.0'?><Error/>", "it is XML"),
        (b"\x1f\x8b\x08", r"it is an archive \(gzip\); unpack it first"),
        (bytes(257) + b"ustar\0", r"it is an archive \(tar\); unpack it first"),
        (b"\x89HDF\r\n\x1a\n", r"it is HDF5, as Keras writes \.h5; 'edgeleuk convert'"),
        (b"PK\x03\x04", r"it is a ZIP, as Keras writes \.keras; 'edgeleuk convert'"),
        (b"404: Not Found", "14 bytes, no TFL3 identifier"),
    ],
)
def test_what_a_file_is_instead_of_a_model_is_said(tmp_path, content, said):
    (tmp_path / "x.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=f"is not a TFLite model.*{said}"):
        read_bundle(tmp_path / "x.tflite")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ModelError, match="No such file"):
        read_bundle(tmp_path / "absent.tflite")
    with pytest.raises(ModelError, match="directory"):
        read_bundle(tmp_path)


def test_a_model_cut_anywhere_is_never_taken_for_a_whole_one(small_model, tmp_path):
    content, path = small_model.read_bytes(), tmp_path / "cut.tflite"
    for length in [*range(0, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ModelError):
            read_bundle(path).require_spec(path)


def test_a_model_cut_in_half_is_called_damaged(small_model, tmp_path):
    path = tmp_path / "half.tflite"
    path.write_bytes(small_model.read_bytes()[: small_model.stat().st_size // 2])
    with pytest.raises(ModelError, match="damaged or cut off"):
        read_bundle(path).require_spec(path)


def test_appended_files_damaged_anywhere_raise_nothing_but_our_errors(small_model, int8_flatbuffer, tmp_path):
    content, path = small_model.read_bytes(), tmp_path / "damaged.tflite"
    for place in range(len(int8_flatbuffer), len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            read_bundle(path)
        except EdgeleukError as error:
            assert str(path) in str(error)  # noqa: PT017 - most places of a ZIP may change without harm


def test_weights_or_a_graph_damaged_anywhere_are_noticed_before_an_interpreter_sees_them(
    small_model, int8_flatbuffer, tmp_path
):
    content, path = small_model.read_bytes(), tmp_path / "damaged.tflite"
    for place in np.random.default_rng(0).integers(8, len(int8_flatbuffer), 200):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"damaged\.tflite: its weights or its graph are damaged.*copy it again"):
            read_bundle(path)


def test_a_proof_of_another_flatbuffer_is_noticed(tmp_path, int8_flatbuffer):
    write_bundle(tmp_path / "x.tflite", int8_flatbuffer, SPEC, {"flatbuffer_sha256": "ab" * 32}, frozenset())
    with pytest.raises(ModelError, match="their SHA-256 is not the one stated"):
        read_bundle(tmp_path / "x.tflite")


def test_a_file_of_before_the_checksum_is_read(tmp_path, int8_flatbuffer):
    path = tmp_path / "x.tflite"
    path.write_bytes(int8_flatbuffer)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("edgeleuk/spec.json", SPEC.to_json())
        archive.writestr("edgeleuk/proof.json", "{}")
    assert read_bundle(path).spec == SPEC


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("edgeleuk/spec.json", "{", "not JSON"),
        ("edgeleuk/spec.json", '{"clases": []}', "did you mean 'classes'"),
        ("edgeleuk/proof.json", "[]", "not a JSON object"),
    ],
)
def test_a_malformed_appended_file_is_named(tmp_path, int8_flatbuffer, name, text, message):
    path = tmp_path / "x.tflite"
    path.write_bytes(int8_flatbuffer)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, text)
    with pytest.raises(ModelError, match=rf"x\.tflite.*{message}"):
        read_bundle(path)


def test_an_output_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_bundle(tmp_path / "file" / "model.tflite", b"", SPEC, {}, frozenset())


@pytest.mark.parametrize("interpreter", ["litert", "tensorflow"])
@pytest.mark.parametrize("precision", ["int8", "float"])
def test_interpreters_compute_the_same_bytes_with_and_without_what_is_appended(
    interpreter, precision, int8_flatbuffer, float_flatbuffer, small_spec
):
    model = int8_flatbuffer if precision == "int8" else float_flatbuffer
    codes = np.random.default_rng(0).integers(-128, 128, (1, 32, 32, 3)).astype(np.int8)
    values = codes / np.float32(128) if precision == "float" else codes
    packed = pack(model, small_spec, {"any": "proof"}, frozenset())
    assert _output(interpreter, model, values) == _output(interpreter, packed, values)


def test_litert_and_tensorflow_compute_the_same_bytes_of_an_int8_model(small_model):
    values = np.random.default_rng(0).integers(-128, 128, (1, 32, 32, 3)).astype(np.int8)
    content = small_model.read_bytes()
    assert _output("litert", content, values) == _output("tensorflow", content, values)


def _output(interpreter, content, values):
    if interpreter == "tensorflow":
        from edgeleuk.keras.framework import tf

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated")
            opened = tf.lite.Interpreter(model_content=content, num_threads=1)
    else:
        from ai_edge_litert.interpreter import Interpreter

        opened = Interpreter(model_content=content, num_threads=1)
    opened.allocate_tensors()
    opened.set_tensor(opened.get_input_details()[0]["index"], values)
    opened.invoke()
    return opened.get_tensor(opened.get_output_details()[0]["index"]).tobytes()
