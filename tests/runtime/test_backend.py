"""The interpreter behind one small class."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from edgeleuk.errors import EdgeleukError, ModelError, UsageError
from edgeleuk.runtime.backend import Network, interpreter_class, open_interpreter

PATH = Path("x.tflite")


def test_litert_is_taken_where_it_is_installed():
    assert interpreter_class()[1] == "litert"


def test_an_unknown_backend_is_a_usage_error():
    with pytest.raises(UsageError, match=r"'onnx'; expected auto \| litert \| tflite-runtime"):
        interpreter_class("onnx")


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is not None, reason="tflite-runtime is installed")
def test_a_backend_that_is_not_installed_is_named_with_the_command_that_installs_it():
    with pytest.raises(EdgeleukError, match="pip install"):
        interpreter_class("tflite-runtime")


def test_without_any_interpreter_one_sentence_says_what_to_install(small_model, write_image, run_edgeleuk):
    done = run_edgeleuk("infer", small_model, write_image("x.bmp"), blocked=("ai_edge_litert", "tflite_runtime"))
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: no interpreter is installed: pip install ai-edge-litert, or tflite-runtime on 32-bit systems"
    )


def test_scores_are_the_outputs_real_numbers(int8_flatbuffer):
    network = Network(int8_flatbuffer, PATH)
    values = np.zeros(network.input_shape, np.int8)
    raw = network.invoke(values)
    assert raw.dtype == np.int8
    scores = network.scores(values)
    assert scores.dtype == np.float32
    assert scores.tolist() == [(int(q) + 128) / 256 for q in raw[0]]


def test_a_float_networks_scores_are_its_output(float_flatbuffer):
    network = Network(float_flatbuffer, PATH)
    values = np.zeros(network.input_shape, np.float32)
    assert np.array_equal(network.scores(values), network.invoke(values)[0])
    assert network.scores(values).sum() == pytest.approx(1)


def test_a_result_outlives_the_next_invocation(float_flatbuffer):
    network = Network(float_flatbuffer, PATH)
    first = network.invoke(np.zeros(network.input_shape, np.float32))
    kept = first.copy()
    network.invoke(np.ones(network.input_shape, np.float32))
    assert np.array_equal(first, kept)


def test_a_damaged_model_is_a_model_error(int8_flatbuffer, capfd):
    with pytest.raises(ModelError, match=r"x\.tflite cannot be run by litert"):
        Network(int8_flatbuffer[: len(int8_flatbuffer) // 2], PATH)


def test_loading_prints_nothing(int8_flatbuffer, float_flatbuffer, capfd):
    for content in (int8_flatbuffer, float_flatbuffer):
        Network(content, PATH)
    assert capfd.readouterr() == ("", "")


def test_a_tensor_beyond_the_bound_is_refused_before_memory_is_asked_for(small_model: Path) -> None:
    with pytest.raises(ModelError, match="at most 3,000 are used"):
        open_interpreter(small_model.read_bytes(), small_model, 1, most_tensor_bytes=3000)


def test_what_the_interpreter_refuses_to_run_is_a_model_error(small_model: Path) -> None:
    network = Network(small_model.read_bytes(), small_model)
    with pytest.raises(ModelError, match="the network does not run: "):
        network.invoke(np.zeros((1, 8, 8, 3), np.int8))
