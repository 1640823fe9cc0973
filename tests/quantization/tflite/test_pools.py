"""Average pools of a .tflite as depthwise convolutions: the same numbers, whatever the window, stride and padding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeleuk.keras.rewrite import IN_PLACE, LEFT_ALONE, MOVED
from edgeleuk.quantization.tflite.graph import NO_ACTIVATION, RELU, SAME, VALID, TfliteGraph, schema
from edgeleuk.quantization.tflite.pools import rewrite_pools, same_pads
from edgeleuk.quantization.tflite.running import noise, relative_difference, run
from edgeleuk.runtime.graph import read_constant, read_graph
from tests.quantization.tflite.graphs import blank, convolution, packed, pad, pool, weights

RELU6 = schema.ActivationFunctionType.RELU6
SIZES = st.tuples(st.integers(4, 9), st.integers(4, 9))
WINDOWS = st.tuples(st.integers(1, 4), st.integers(1, 4))
PADS = st.tuples(st.integers(0, 2), st.integers(0, 2))


def _rewritten(content):
    graph = TfliteGraph(content)
    changes = rewrite_pools(graph)
    return graph.pack(), changes


def _apart(content, made, size, channels=3):
    images = noise((1, *size, channels), 2)
    return relative_difference(run(content, images), run(made, images))


@settings(max_examples=40)
@given(SIZES, WINDOWS, st.integers(1, 3), PADS, PADS)
def test_a_pool_that_counts_its_padding_is_a_convolution(size, window, stride, rows, columns):
    graph = blank((1, *size, 3))
    content = packed(graph, pool(graph, pad(graph, 0, rows, columns), window, stride))
    made, (change,) = _rewritten(content)
    assert change.outcome == IN_PLACE
    assert "AVERAGE_POOL_2D" not in read_graph(made).operator_counts()
    assert _apart(content, made, size) < 1e-5


@settings(max_examples=40)
@given(SIZES, WINDOWS, st.integers(1, 3), st.sampled_from((SAME, VALID)))
def test_a_pool_by_itself_is_one_with_its_border_corrected(size, window, stride, padding):
    graph = blank((1, *size, 3))
    content = packed(graph, pool(graph, 0, window, stride, padding))
    made, _ = _rewritten(content)
    assert "AVERAGE_POOL_2D" not in read_graph(made).operator_counts()
    assert _apart(content, made, size) < 1e-5


@settings(max_examples=30)
@given(
    SIZES,
    st.sampled_from(((1, 1), (3, 3), (2, 3))),
    st.sampled_from(("counted", "same")),
    st.sampled_from((NO_ACTIVATION, RELU, RELU6)),
)
def test_behind_a_1x1_convolution_it_gives_the_same_with_bias_and_activation(size, window, padding, activation):
    graph = blank((1, *size, 3))
    source = convolution(graph, 0, weights(0, 8, 1, 1, 3), name="first")
    if padding == "counted":
        pooled = pool(graph, pad(graph, source, (1, 1), (2, 0)), window)
    else:
        pooled = pool(graph, source, window, padding=SAME)
    content = packed(graph, convolution(graph, pooled, 3 * weights(1, 4, 1, 1, 8), activation, "reader"))
    made, (change,) = _rewritten(content)
    assert (change.outcome, change.detail) == (MOVED, "behind reader: 4 channels instead of 8")
    assert _apart(content, made, size) < 1e-5
    (average,) = [o for o in read_graph(made).operators if o.name == "DEPTHWISE_CONV_2D"]
    assert read_constant(made, average.inputs[1]).shape == (1, *window, 4)


def test_padding_that_is_that_of_same_needs_no_pad_of_its_own():
    graph = blank((1, 8, 8, 3))
    made, _ = _rewritten(packed(graph, pool(graph, pad(graph, 0, (1, 1), (1, 1)), (3, 3))))
    assert read_graph(made).operator_counts() == {"DEPTHWISE_CONV_2D": 1}
    graph = blank((1, 8, 8, 3))
    made, _ = _rewritten(packed(graph, pool(graph, pad(graph, 0, (2, 0), (1, 1)), (3, 3))))
    assert read_graph(made).operator_counts() == {"PAD": 1, "DEPTHWISE_CONV_2D": 1}


def test_a_pad_that_others_read_stays_for_them():
    graph = blank((1, 8, 8, 3))
    padded = pad(graph, 0, (1, 1), (1, 1))
    pooled, maximum = pool(graph, padded, (3, 3)), pool(graph, padded, (3, 3), kind="MAX_POOL_2D")
    total = graph.add_tensor("sum", (1, 8, 8, 3))
    graph.add("ADD", (pooled, maximum), total, schema.AddOptionsT())
    content = packed(graph, total)
    made, _ = _rewritten(content)
    assert read_graph(made).operator_counts() == {"PAD": 1, "MAX_POOL_2D": 1, "DEPTHWISE_CONV_2D": 1, "ADD": 1}
    assert _apart(content, made, (8, 8)) < 1e-5


def test_padding_with_another_number_is_no_padding_of_the_pool():
    graph = blank((1, 8, 8, 3))
    content = packed(graph, pool(graph, pad(graph, 0, (1, 1), (1, 1), value=2.0), (3, 3)))
    made, _ = _rewritten(content)
    assert read_graph(made).operator_counts() == {"PADV2": 1, "DEPTHWISE_CONV_2D": 1}
    assert _apart(content, made, (8, 8)) < 1e-5


def test_a_pool_over_the_whole_map_is_a_mean():
    graph = blank((1, 5, 7, 3))
    content = packed(graph, pool(graph, 0, (5, 7)))
    made, (change,) = _rewritten(content)
    assert change.detail == "as a mean: its window is the whole map"
    assert read_graph(made).operator_counts() == {"MEAN": 1}
    assert _apart(content, made, (5, 7)) < 1e-5


def test_strides_that_differ_are_left_alone():
    graph = blank((1, 8, 8, 3))
    pooled = pool(graph, 0, (2, 2), 2)
    graph.maker(pooled).builtinOptions.strideW = 1
    graph.tensors[pooled].shape = np.array([1, 4, 7, 3], np.int32)
    made, (change,) = _rewritten(packed(graph, pooled))
    assert (change.outcome, "(2, 1) differ" in change.detail) == (LEFT_ALONE, True)
    assert read_graph(made).operator_counts() == {"AVERAGE_POOL_2D": 1}


@pytest.mark.parametrize(
    ("size", "window", "stride", "pads"), [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (7, 2, 1, (0, 1))]
)
def test_sames_pads_are_tensorflows(size, window, stride, pads):
    assert same_pads(size, window, stride) == pads
