"""What is inside a .tflite file, read without running it."""

import random

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.runtime.graph import read_constant, read_graph


def test_operators_tensors_and_quantization_are_read(int8_flatbuffer):
    graph = read_graph(int8_flatbuffer)
    assert graph.operator_counts() == {"CONV_2D": 2, "MEAN": 1, "FULLY_CONNECTED": 1, "SOFTMAX": 1}
    assert set(graph.dtype_counts()) == {"int8", "int32"}
    image, scores = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert (image.dtype, image.shape, image.zero_point) == ("int8", (1, 32, 32, 3), 0)
    assert image.scale == pytest.approx(1 / 127.5)
    assert (scores.shape, scores.scale, scores.zero_point) == ((1, 2), 1 / 256, -128)


def test_float_tensors_have_no_scale(float_flatbuffer):
    graph = read_graph(float_flatbuffer)
    image = graph.tensors[graph.inputs[0]]
    assert (image.dtype, image.scale, image.zero_point) == ("float32", None, None)


def test_what_is_appended_does_not_matter(int8_flatbuffer, small_model):
    assert read_graph(small_model.read_bytes()) == read_graph(int8_flatbuffer)


def test_a_cut_model_is_a_model_error_that_names_it(int8_flatbuffer):
    for length in range(8, len(int8_flatbuffer) - 64, 61):
        with pytest.raises(ModelError, match=r"x\.tflite is damaged or cut off"):
            read_graph(int8_flatbuffer[:length], "x.tflite")


def test_a_damaged_model_raises_nothing_but_a_model_error(int8_flatbuffer):
    numbers = random.Random(0)
    for _ in range(150):
        damaged = bytearray(int8_flatbuffer)
        damaged[numbers.randrange(len(damaged))] = numbers.randrange(256)
        try:
            read_graph(bytes(damaged))
        except ModelError:
            continue


def test_constants_are_read_and_what_is_computed_has_none(int8_flatbuffer):
    graph = read_graph(int8_flatbuffer)
    convolution = next(operator for operator in graph.operators if operator.name == "CONV_2D")
    kernel, bias = (read_constant(int8_flatbuffer, tensor) for tensor in convolution.inputs[1:])
    assert (kernel.shape, kernel.dtype) == ((8, 3, 3, 3), "int8")
    assert np.abs(kernel).max(axis=(1, 2, 3)).tolist() == [127] * 8
    assert (bias.shape, bias.dtype) == ((8,), "int32")
    assert read_constant(int8_flatbuffer, convolution.inputs[0]) is None
