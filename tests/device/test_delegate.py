"""What a delegate runs, learned from the interpreter's list of nodes."""

from pathlib import Path

import pytest

from edgeleuk.device.delegate import Coverage, coverage
from edgeleuk.runtime.backend import Network

PATH = Path("x.tflite")


def node(name, inputs, outputs):
    return {"op_name": name, "inputs": inputs, "outputs": outputs}


def test_a_graph_in_one_piece():
    nodes = [node("CONV_2D", [0, 10], [1]), node("MEAN", [1], [2]), node("DELEGATE", [0, 10], [2])]
    found = coverage(nodes)
    assert found == Coverage(2, 2, 1, {})
    assert found.whole


def test_a_graph_that_an_operator_splits():
    nodes = [
        node("CONV_2D", [0, 10], [1]),
        node("AVERAGE_POOL_2D", [1], [2]),
        node("CONV_2D", [2, 11], [3]),
        node("ADD", [1, 3], [4]),
        node("SOFTMAX", [4], [5]),
        node("DELEGATE", [0, 10], [1]),
        node("DELEGATE", [2, 11, 1], [4]),
    ]
    found = coverage(nodes)
    assert found == Coverage(5, 3, 2, {"AVERAGE_POOL_2D": 1, "SOFTMAX": 1})
    assert not found.whole


def test_a_graph_without_a_delegate():
    assert coverage([node("ADD", [0, -1], [1]), node("ADD", [1, 0], [2])]) == Coverage(2, 0, 0, {"ADD": 2})


def test_an_interpreter_that_does_not_tell():
    assert coverage([]) is None


@pytest.mark.parametrize("precision", ["int8", "float"])
def test_it_agrees_with_what_litert_says_of_the_whole(request, precision, tmp_path):
    """LiteRT's other interface says whether a model is accelerated as a whole, and no more than that."""
    from ai_edge_litert.compiled_model import CompiledModel

    content = request.getfixturevalue(f"{precision}_flatbuffer")
    (tmp_path / "x.tflite").write_bytes(content)
    found = coverage(Network(content, PATH, backend="litert").operations())
    assert found.operators == {"int8": 5, "float": 5}[precision]
    assert found.delegated + sum(found.outside.values()) == found.operators
    assert found.whole == CompiledModel.from_file(str(tmp_path / "x.tflite")).is_fully_accelerated()
