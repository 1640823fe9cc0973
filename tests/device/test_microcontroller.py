"""What is said of a model on a microcontroller: the arena by tflite-micro itself, or why there is none."""

import dataclasses
import importlib.util
import json
import re
from pathlib import Path

import pytest

from edgeleuk.device import microcontroller as micro
from edgeleuk.runtime.graph import read_graph

if not micro.is_installed():
    pytest.skip("TFLITE-MICRO IS NOT TESTED: it has no wheel here", allow_module_level=True)


def found(content):
    return micro.microcontroller(content, read_graph(content))


def test_the_arena_is_the_least_with_which_tflite_micro_runs_the_file(int8_flatbuffer):
    import tflite_micro

    arena = found(int8_flatbuffer).arena_bytes
    tflite_micro.runtime.Interpreter.from_bytes(int8_flatbuffer, arena_size=arena + 16)
    with pytest.raises(RuntimeError, match="failed to allocate"):
        tflite_micro.runtime.Interpreter.from_bytes(int8_flatbuffer, arena_size=arena - 64)


def test_a_small_int8_file_runs_and_says_how_much_memory_it_takes(int8_flatbuffer):
    [line] = micro.describe(found(int8_flatbuffer))
    assert re.fullmatch(r"microcontroller: yes, arena \d+ kB \(by tflite-micro\), \d+ kB of flash", line)


def test_a_float_file_is_nothing_for_a_microcontroller(float_flatbuffer):
    [line] = micro.describe(found(float_flatbuffer))
    assert re.fullmatch(r"microcontroller: no, not all int8: \d+ float32 tensors", line)
    assert found(float_flatbuffer).arena_bytes is None


def test_an_operator_that_tflite_micro_lacks_is_named(int8_flatbuffer):
    graph = read_graph(int8_flatbuffer)
    strange = dataclasses.replace(graph.operators[0], name="CONV_3D")
    graph = dataclasses.replace(graph, operators=(strange, *graph.operators[1:]))
    assert micro.microcontroller(int8_flatbuffer, graph).obstacles == ("tflite-micro has no CONV_3D",)


def test_weights_behind_the_flatbuffer_are_an_obstacle(int8_flatbuffer):
    graph = dataclasses.replace(read_graph(int8_flatbuffer), bytes_behind=300_000)
    assert micro.microcontroller(int8_flatbuffer, graph).obstacles == (
        "300,000 bytes of weights lie behind the flatbuffer, where tflite-micro does not look",
    )


def test_a_graph_that_tflite_micro_refuses_says_what_it_says(int8_flatbuffer):
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(int8_flatbuffer))
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].type = schema.TensorType.UINT8  # which no softmax of int8 gives
    content = flatbuffer_utils.convert_object_to_bytearray(model)
    [obstacle] = found(bytes(content)).obstacles
    assert obstacle.startswith("tflite-micro does not take it: ")


def test_without_the_package_nothing_is_guessed(run_edgeleuk, small_model):
    done = run_edgeleuk("inspect", small_model, blocked=("tflite_micro",))
    said = " ".join(done.stdout.split())
    assert "microcontroller: operators all in tflite-micro's set, all int8" in said
    assert "arena not measured: pip install tflite-micro (x86-64 only)" in said
    record = json.loads(run_edgeleuk("inspect", small_model, "--json", blocked=("tflite_micro",)).stdout)
    assert record["microcontroller"]["arena_bytes"] is None


def test_the_set_of_operators_is_the_installed_packages():
    """Each operator that it registers has a function of this name in its library."""
    library = importlib.util.find_spec("tflite_micro.python.tflite_micro").submodule_search_locations[0]
    names = set(re.findall(rb"Register_([A-Z0-9_]+)Ev", (Path(library) / "_runtime.so").read_bytes()))
    unknown = {name for name in micro._OPERATORS if name.encode() not in names}
    assert unknown <= {"SIN"}  # whose function is Register_SINE


@pytest.mark.parametrize(
    ("operator", "method"),
    [
        ("CONV_2D", "AddConv2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("FULLY_CONNECTED", "AddFullyConnected"),
        ("PADV2", "AddPadV2"),
        ("RELU6", "AddRelu6"),
        ("L2_NORMALIZATION", "AddL2Normalization"),
        ("SPLIT_V", "AddSplitV"),
        ("BATCH_MATMUL", "AddBatchMatMul"),
    ],
)
def test_methods_are_named_as_in_the_resolver(operator, method):
    assert micro.method_of(operator) == method
