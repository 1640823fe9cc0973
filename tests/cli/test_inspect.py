"""`edgeleuk inspect`: what is inside any .tflite file."""

import dataclasses
import hashlib
import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edgeleuk.cli.inspect import command
from edgeleuk.errors import ModelError
from edgeleuk.runtime.bundle import write_bundle


def run(*arguments):
    """What is printed; a line that was continued below itself is one again."""
    return re.sub(r"\n {14}(?=\S)", " ", printed(*arguments))


def printed(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False).stdout


def test_spec_proof_graph_and_file_are_shown(small_model):
    text = run(small_model)
    assert "classes       all, hem; positive: all" in text
    assert "centre 64 px, bilinear to 32 px, RGB, pixels to -1 .. 1" in text
    assert "the most probable class, temperature 1" in text
    assert "2 CONV_2D, 1 MEAN, 1 FULLY_CONNECTED, 1 SOFTMAX" in text
    assert "int8 [1, 32, 32, 3], scale 0.00784313772, zero point 0" in text
    assert "labels.txt" in text
    assert "pixel p becomes p - 128" in text
    assert hashlib.sha256(small_model.read_bytes()).hexdigest() in text


def test_a_file_without_a_spec_still_shows_its_graph(tmp_path, float_flatbuffer):
    (tmp_path / "foreign.tflite").write_bytes(float_flatbuffer)
    text = run(tmp_path / "foreign.tflite")
    assert "no ModelSpec" in text
    assert "proof         none" in text
    assert "appended      no files" in text
    assert "float32 [1, 32, 32, 3]" in text


def test_the_delegates_share_is_shown(small_model):
    shown = "delegate      XNNPACK runs 4 of the 5 operators of the model, in 1 partition; outside: 1 SOFTMAX"
    assert shown in run(small_model).splitlines()
    record = json.loads(run(small_model, "--json"))
    assert record["delegate"] == {"operators": 5, "delegated": 4, "partitions": 1, "outside": {"SOFTMAX": 1}}


def test_a_graph_that_the_interpreter_does_not_take_says_why_the_share_is_not_known(tmp_path, int8_flatbuffer):
    content = bytearray(int8_flatbuffer)
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    shape = model.Subgraphs(0).Tensors(model.Subgraphs(0).Operators(0).Inputs(1)).ShapeAsNumpy()
    shape[-1] += 1  # weights for another number of channels
    (tmp_path / "odd.tflite").write_bytes(content)
    text = run(tmp_path / "odd.tflite")
    assert "delegate      not known, for" in text
    assert "cannot be run by litert" in text
    assert "micro         microcontroller: no, LiteRT does not run it either" in text
    assert json.loads(run(tmp_path / "odd.tflite", "--json"))["delegate"] is None


def test_whether_it_is_for_a_microcontroller_is_shown(small_model, small_float_model):
    assert "micro         microcontroller: " in run(small_model)
    assert "micro         microcontroller: no, not all int8" in run(small_float_model)


def test_json_holds_it_all(small_model):
    record = json.loads(run(small_model, "--json"))
    assert record["spec"]["classes"] == ["all", "hem"]
    assert record["proof"]["float_tensors"] == 0
    assert record["operators"]["CONV_2D"] == 2
    assert record["inputs"][0]["shape"] == [1, 32, 32, 3]
    assert record["outputs"][0]["scale"] == 1 / 256
    assert record["size_bytes"] == small_model.stat().st_size
    assert record["seen_images"] == 1


def test_json_of_a_foreign_file_has_null_for_spec_and_proof(tmp_path, int8_flatbuffer):
    (tmp_path / "foreign.tflite").write_bytes(int8_flatbuffer)
    record = json.loads(run(tmp_path / "foreign.tflite", "--json"))
    assert (record["spec"], record["proof"], record["files"]) == (None, None, [])


@pytest.mark.parametrize(("proof", "shown"), [({}, "proof         none"), ({"schema_version": 9}, "schema version 9")])
def test_a_proof_it_does_not_know_is_named_as_such(tmp_path, int8_flatbuffer, small_spec, proof, shown):
    write_bundle(tmp_path / "x.tflite", int8_flatbuffer, small_spec, proof, frozenset())
    assert shown in run(tmp_path / "x.tflite")


def test_a_damaged_proof_is_a_model_error(tmp_path, int8_flatbuffer, small_spec):
    write_bundle(tmp_path / "x.tflite", int8_flatbuffer, small_spec, {"schema_version": 1}, frozenset())
    with pytest.raises(ModelError, match="its proof is damaged"):
        run(tmp_path / "x.tflite")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.95])
def test_a_cut_model_is_a_model_error(tmp_path, small_model, share):
    content = small_model.read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        run(tmp_path / "cut.tflite")


def test_in_a_process_of_its_own_a_file_that_is_no_model_is_one_sentence(tmp_path):
    (tmp_path / "x.tflite").write_text("no model")
    done = subprocess.run(
        [sys.executable, "-m", "edgeleuk", "inspect", tmp_path / "x.tflite"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"error: {tmp_path}/x.tflite is not a TFLite model (8 bytes, no TFL3 identifier)"
    ]


def test_both_models_of_a_cascade_are_shown_with_the_rule(write_cascade, small_model, tmp_path):
    path = write_cascade(tmp_path / "cascade.tflite", 0.875, temperature=1.25)
    text = run(path)
    assert "at temperature 1.25, is 0.875 or more" in text
    assert "30 of 40 images of fold 0 answered by the first (75.0%)" in text
    assert "first 87.50 %, large 97.50 %, cascade 97.50 %: 0.00 points below the large one" in text
    large, first = text.split("FIRST MODEL\n")
    assert "float32 [1, 32, 32, 3]" in large
    assert hashlib.sha256(small_model.read_bytes()).hexdigest() in first
    assert "int8 [1, 32, 32, 3]" in first
    record = json.loads(run(path, "--json"))
    assert record["cascade"]["rule"]["threshold"] == 0.875
    assert record["cascade"]["first"]["operators"]["CONV_2D"] == 2
    assert record["cascade"]["first"]["cascade"] is None
    assert json.loads(run(small_model, "--json"))["cascade"] is None


def test_colour_constancy_is_shown_where_there_is_some(tmp_path, int8_flatbuffer, small_spec):
    constant = dataclasses.replace(small_spec.preprocessing, colour_constancy="background")
    for spec, shown in ((small_spec, False), (dataclasses.replace(small_spec, preprocessing=constant), True)):
        path = tmp_path / f"{shown}.tflite"
        write_bundle(path, int8_flatbuffer, spec, {}, frozenset())
        assert ("constant by each picture's background" in run(path)) == shown
