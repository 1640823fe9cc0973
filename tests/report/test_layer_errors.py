"""Tables of quantization errors as files, and their lines in a proof."""

import csv
import json

import numpy as np
import pytest

from edgeleuk.errors import OutputError, UsageError
from edgeleuk.quantization.layer_errors import measure
from edgeleuk.report.layer_errors import node_data, write_layer_errors
from edgeleuk.report.text.proof import render_proof
from edgeleuk.runtime.graph import read_graph

ROWS = [
    {
        "layer": f"conv{n}",
        "operator": "CONV_2D",
        "tensor": f"net/conv{n}/Conv2D",
        "own_db": 40.5 - n,
        "accumulated_db": 38.0,
    }
    for n in range(3)
]
TABLE = {"schema_version": 1, "reference": "the float network", "images": 4, "layers": ROWS}
TENSOR = {"dtype": "int8", "shape": [1], "scale": None, "zero_point": None}
PROOF = {
    "precision": "int8",
    "size_bytes": 1_000_000,
    "operators": {"CONV_2D": 3},
    "tensor_types": {"int8": 7},
    "float_tensors": 0,
    "float_convolutions": 0,
    "quantize_nodes": 0,
    "int8_rescales": 0,
    "dequantize_nodes": 0,
    "input": TENSOR,
    "output": TENSOR,
    "pixel_error_steps": None,
    "calibration": None,
    "fidelity": [],
}


def test_json_and_csv_hold_every_layer(tmp_path):
    write_layer_errors(TABLE, tmp_path / "errors.json")
    assert json.loads((tmp_path / "errors.json").read_text()) == TABLE
    write_layer_errors(TABLE, tmp_path / "errors.csv")
    with (tmp_path / "errors.csv").open() as stream:
        assert [float(row["own_db"]) for row in csv.DictReader(stream)] == [40.5, 39.5, 38.5]


@pytest.mark.parametrize(
    ("name", "key"), [("e.nodedata.json", "own_db"), ("e.accumulated.nodedata.json", "accumulated_db")]
)
def test_node_data_of_model_explorer_has_a_value_for_each_tensor_that_a_layer_makes(tmp_path, name, key):
    write_layer_errors(TABLE, tmp_path / name)
    [(graph, data)] = json.loads((tmp_path / name).read_text()).items()
    assert graph == "main"
    assert data["results"] == {row["tensor"]: {"value": row[key]} for row in ROWS}
    assert [item["stop"] for item in data["gradient"]] == [0, 0.5, 1]


@pytest.mark.slow
def test_the_tensors_of_node_data_are_those_of_the_file(float_flatbuffer, int8_flatbuffer):
    images = [np.zeros((1, 32, 32, 3), np.float32)]
    results = node_data(measure(float_flatbuffer, int8_flatbuffer, images, "float").to_dict())["main"]["results"]
    graph = read_graph(int8_flatbuffer)
    assert set(results) == {graph.tensors[operator.outputs[0]].name for operator in graph.operators}


@pytest.mark.parametrize("name", ["errors.txt", "errors"])
def test_a_name_that_says_no_format_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"expected .json, .csv, .png"):
        write_layer_errors(TABLE, tmp_path / name)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_layer_errors(TABLE, tmp_path / "file" / "errors.json")


def test_a_proof_of_before_has_no_such_lines(tmp_path):
    text = render_proof(PROOF, tmp_path / "m.tflite")
    assert not any(line.startswith(("errors", "mixed", "gate", "cost")) for line in text.splitlines())


def test_a_gate_met_by_int8_alone_says_nothing_of_chosen_layers(tmp_path):
    gate = {"min_agreement": 0.99, "max_drop": None, "agreement": 0.9961, "drop": None, "images": 256}
    lines = render_proof(PROOF | {"gate": gate, "mixed": None}, tmp_path / "m.tflite").splitlines()
    assert "gate          met: agreement 99.61 % (at least 99 %), on 256 images" in lines
