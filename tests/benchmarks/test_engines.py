"""A row an engine: what was found, or which package is missing."""

import json

import pytest

from benchmarks.engines import main


def test_each_engine_has_labels_and_a_time(small_model, tmp_path, capsys):
    pytest.importorskip("openvino", reason="OPENVINO IS NOT TESTED: pip install openvino")
    record = tmp_path / "record.json"
    line = [str(small_model), "--engines", "openvino", "--count", "10", "--json", str(record)]
    assert main(line) == 0
    figures = {figure["name"]: figure for figure in json.loads(record.read_text())["figures"]}
    assert figures[f"openvino, {small_model.name}: labels equal of 10"]["met"]
    assert figures[f"openvino, {small_model.name}: inference"]["value"] > 0
    assert "OpenVINO runs convolutions and dense layers" in capsys.readouterr().out


def test_a_model_that_an_engine_does_not_take_is_a_failure(small_float_model, capsys):
    assert main([str(small_float_model), "--engines", "tflite-micro", "--count", "2"]) == 1
    assert "is nothing for a microcontroller" in capsys.readouterr().out
