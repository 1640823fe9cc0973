"""Wide concatenations, maximum pools, and the names of layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeleuk.errors import ModelError
from edgeleuk.keras.rewrite import LEFT_ALONE
from edgeleuk.quantization.tflite.concatenations import MOST_INPUTS, split_concatenations
from edgeleuk.quantization.tflite.graph import NO_ACTIVATION, RELU, TfliteGraph
from edgeleuk.quantization.tflite.maximums import rewrite_maximums
from edgeleuk.quantization.tflite.names import module_name
from edgeleuk.quantization.tflite.network import TfliteNetwork, _check_same
from edgeleuk.quantization.tflite.running import noise, run
from edgeleuk.runtime.graph import read_graph
from tests.quantization.tflite.graphs import blank, convolution, head, joined, packed, pad, pool, weights

PADS = st.tuples(st.integers(0, 2), st.integers(0, 2))
LOWEST = float(np.finfo(np.float32).min)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=17))
def test_concatenations_have_few_inputs_and_the_same_numbers(channels):
    graph = blank((1, 4, 4, 3))
    parts = [convolution(graph, 0, weights(n, count, 1, 1, 3), name=f"part{n}") for n, count in enumerate(channels)]
    content = packed(graph, joined(graph, parts))
    edited = TfliteGraph(content)
    changes = split_concatenations(edited)
    made = edited.pack()
    assert len(changes) == (len(channels) > MOST_INPUTS)
    widths = [len(o.inputs) for o in read_graph(made).operators if o.name == "CONCATENATION"]
    assert all(2 <= width <= MOST_INPUTS for width in widths)
    images = noise((1, 4, 4, 3), 1)
    assert np.array_equal(run(content, images)[0], run(made, images)[0])


def _maximum(activation, rows=(1, 1), size=8, value=LOWEST):
    graph = blank((1, size, size, 3))
    source = convolution(graph, 0, weights(0, 4, 1, 1, 3), activation)
    content = packed(graph, pool(graph, pad(graph, source, rows, rows, value), (3, 3), 2, kind="MAX_POOL_2D"))
    edited = TfliteGraph(content)
    changes = rewrite_maximums(edited)
    return content, edited.pack(), changes


@pytest.mark.parametrize("value", [LOWEST, -np.inf])
def test_what_is_never_negative_is_padded_with_zeros(value):
    content, made, (change,) = _maximum(RELU, value=value)
    assert change.detail == "padded with zeros: the map is never negative"
    assert "PADV2" not in read_graph(made).operator_counts()
    images = noise((1, 8, 8, 3))
    assert np.array_equal(run(content, images), run(made, images))


def test_padding_that_is_that_of_same_becomes_it():
    content, made, (change,) = _maximum(NO_ACTIVATION, rows=(1, 1), size=7)
    assert change.detail.startswith("with SAME padding")
    assert read_graph(made).operator_counts() == {"CONV_2D": 1, "MAX_POOL_2D": 1}
    images = noise((1, 7, 7, 3))
    assert np.array_equal(run(content, images), run(made, images))


@settings(max_examples=25)
@given(st.integers(5, 9), st.integers(2, 5), st.integers(1, 3), PADS, PADS)
def test_what_may_be_negative_is_padded_with_its_own_edge_or_left_alone(size, window, stride, rows, columns):
    graph = blank((1, size, size, 3))
    padded = pad(graph, 0, rows, columns, LOWEST)
    content = packed(graph, pool(graph, padded, (window, window), stride, kind="MAX_POOL_2D"))
    edited = TfliteGraph(content)
    (change,) = rewrite_maximums(edited)
    made = edited.pack()
    assert (change.outcome == LEFT_ALONE) == ("PADV2" in read_graph(made).operator_counts())
    assert 2 * max(*rows, *columns) <= window or change.outcome == LEFT_ALONE
    images = noise((1, size, size, 3))
    assert np.array_equal(run(content, images), run(made, images))


def test_a_rewriting_that_changes_answers_does_not_pass():
    def network(factor):
        graph = blank((1, 6, 6, 3))
        head(graph, convolution(graph, 0, factor * weights(0, 4, 3, 3, 3)), end="SOFTMAX")
        return TfliteNetwork(packed(graph))

    _check_same(network(1.0), network(1.0 + 1e-7))
    with pytest.raises(ModelError, match=r"rewriting would change the network's answers by .* %, more than rounding"):
        _check_same(network(1.0), network(1.01))


@pytest.mark.parametrize(
    ("tensor", "operator", "name"),
    [
        (
            "a.b.Net/a.b.Mixed_Mixed_5b/a.b.Basic_pool/torch.nn.modules.conv.Conv2d_conv;2",
            "CONV_2D",
            "Mixed_5b.pool.conv",
        ),
        ("a.b.Net/a.b.Block;;a.b.Net/torch.nn.modules.conv.Conv2d_conv1;1", "CONV_2D", "conv1"),
        ("a.b.Net/a.b.Mixed_Mixed_5b;1", "AVERAGE_POOL_2D", "Mixed_5b.average_pool_2d"),
        ("a.b.Net/torch.nn.modules.pooling.MaxPool2d_maxpool;1", "PADV2", "maxpool.padv2"),
        ("model/conv2d/Relu;model/conv2d/BiasAdd", "CONV_2D", ""),
        ("Identity", "SOFTMAX", ""),
        ("", "SOFTMAX", ""),
    ],
)
def test_layers_of_pytorch_have_the_names_of_their_modules(tensor, operator, name):
    assert module_name(tensor, operator) == name
