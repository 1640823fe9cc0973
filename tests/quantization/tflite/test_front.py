"""What a network does to pixels before its first layer: moved into the spec, or into its first convolution."""

import dataclasses

import numpy as np
import pytest

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.quantization.tflite.front import read_front, take_front
from edgeleuk.quantization.tflite.graph import schema
from edgeleuk.quantization.tflite.network import _check_front
from edgeleuk.quantization.tflite.running import run
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import Preprocessing
from tests.quantization.tflite.graphs import (
    blank,
    convolution,
    joined,
    operator,
    packed,
    pad,
    scale,
    transposed,
    weights,
)

PLAIN = Preprocessing(8, fit="stretch")
RAW = dataclasses.replace(PLAIN, pixel_scale=1.0, pixel_offset=0.0)
TORCH = dataclasses.replace(
    PLAIN,
    pixel_scale=(1 / 255 / 0.229, 1 / 255 / 0.224, 1 / 255 / 0.225),
    pixel_offset=(-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
MEANS = (123.675, 116.28, 103.53)


def _taken(graph, output, spec):
    """The network without its front and its spec; checked on 8-bit pixels to answer as before."""
    content = packed(graph, output)
    made, preprocessing, notes = take_front(content, spec)
    _check_front(content, spec, made, preprocessing)
    return made, preprocessing, notes


def _input(content):
    graph = read_graph(content)
    return graph.tensors[graph.inputs[0]]


def _padded(graph, source):
    return convolution(graph, pad(graph, source, (1, 1), (1, 1)), weights(0, 4, 3, 3, 3))


def test_a_network_that_takes_what_the_spec_says_stays_as_it_is():
    graph = blank((1, 8, 8, 3))
    content = packed(graph, _padded(graph, 0))
    assert take_front(content, PLAIN) == (content, PLAIN, [])


def test_channels_first_become_channels_last():
    graph = blank((1, 3, 8, 8))
    made, spec, (note, _) = _taken(graph, _padded(graph, transposed(graph, 0, (0, 2, 3, 1))), PLAIN)
    assert read_graph(made).operator_counts() == {"PAD": 1, "CONV_2D": 1}
    assert _input(made).shape == (1, 8, 8, 3)
    assert spec == PLAIN
    assert note.startswith("its input was float32 [1, 3, 8, 8], channels first")


def test_pixels_that_network_and_spec_scale_are_questioned():
    graph = blank((1, 8, 8, 3))
    content = packed(graph, _padded(graph, scale(graph, 0, "MUL", 1 / 255)))
    with pytest.raises(
        SpecError, match=r'by itself, and the spec scales them, too.*"pixel_scale": 1, "pixel_offset": 0'
    ):
        take_front(content, PLAIN)
    _, spec, _ = take_front(content, RAW)
    assert spec.scale_and_offset == (1 / 255, 0.0)


def test_a_narrow_range_is_the_specs_own_affair_where_the_network_scales_nothing():
    graph = blank((1, 8, 8, 3))
    narrow = dataclasses.replace(PLAIN, pixel_scale=1e-4, pixel_offset=0.0)
    content = packed(graph, _padded(graph, 0))
    assert take_front(content, narrow) == (content, narrow, [])


def test_one_scale_for_all_channels_becomes_the_specs():
    graph = blank((1, 8, 8, 3))
    scaled = scale(graph, scale(graph, 0, "DIV", 127.5), "SUB", 1.0)
    made, spec, _ = _taken(graph, _padded(graph, scaled), RAW)
    assert read_graph(made).operator_counts() == {"PAD": 1, "CONV_2D": 1}
    assert spec.scale_and_offset == (1 / 127.5, -1.0)


def test_8_bit_pixels_that_are_cast_become_float():
    graph = blank((1, 8, 8, 3), "UINT8")
    cast = operator(graph, "CAST", (0,), (1, 8, 8, 3), schema.CastOptionsT())
    made, spec, _ = _taken(graph, _padded(graph, scale(graph, cast, "MUL", 1 / 255)), RAW)
    assert _input(made).dtype == "float32"
    assert spec.scale_and_offset == (1 / 255, 0.0)


def test_scales_by_channel_go_into_a_convolution_that_nothing_pads():
    graph = blank((1, 8, 8, 3))
    made, spec, (note,) = _taken(graph, convolution(graph, 0, weights(0, 4, 3, 3, 3)), TORCH)
    assert read_graph(made).operator_counts() == {"CONV_2D": 1}
    assert spec.scale_and_offset == (1 / 127.5, -1.0)
    assert "done by its first convolution" in note


def test_scales_by_channel_become_a_1x1_convolution_where_zeros_are_padded_behind():
    graph = blank((1, 8, 8, 3))
    means = scale(graph, 0, "SUB", MEANS)
    made, spec, _ = _taken(graph, _padded(graph, scale(graph, means, "MUL", (0.017, 0.0175, 0.0174))), RAW)
    assert read_graph(made).operator_counts() == {"DEPTHWISE_CONV_2D": 1, "PAD": 1, "CONV_2D": 1}
    assert spec.scale_and_offset == (1 / 127.5, -1.0)


def test_one_scale_whose_range_does_not_hold_zero_is_none_that_int8_has():
    graph = blank((1, 8, 8, 3))
    made, spec, _ = _taken(graph, _padded(graph, scale(graph, 0, "ADD", 2.0)), PLAIN)
    assert spec.scale_and_offset == (1 / 127.5, -1.0)
    assert "DEPTHWISE_CONV_2D" in read_graph(made).operator_counts()


def _reversed_channels(graph):
    parts = []
    for channel in (2, 1, 0):
        options = schema.StridedSliceOptionsT()
        bounds = ((0, 0, 0, channel), (1, 8, 8, channel + 1), (1, 1, 1, 1))
        where = [graph.add_constant("bound", np.array(bound, np.int32)) for bound in bounds]
        parts.append(operator(graph, "STRIDED_SLICE", (0, *where), (1, 8, 8, 1), options))
    return parts


def test_channels_the_other_way_round_become_the_specs_colour_order():
    graph = blank((1, 8, 8, 3))
    made, spec, _ = _taken(graph, _padded(graph, joined(graph, _reversed_channels(graph))), PLAIN)
    assert read_graph(made).operator_counts() == {"PAD": 1, "CONV_2D": 1}
    assert (spec.colour_order, spec.scale_and_offset) == ("BGR", PLAIN.scale_and_offset)


def test_other_mixtures_of_channels_become_a_1x1_convolution():
    graph = blank((1, 8, 8, 3))
    blue, green, _ = _reversed_channels(graph)
    made, _, _ = _taken(graph, _padded(graph, joined(graph, [blue, blue, green])), TORCH)
    assert read_graph(made).operator_counts() == {"CONV_2D": 2, "PAD": 1}


def test_grey_that_is_made_three_channels_goes_into_the_first_convolution():
    grey = dataclasses.replace(PLAIN, colour_order="GREY")
    graph = blank((1, 8, 8, 1))
    made, spec, _ = _taken(graph, convolution(graph, joined(graph, [0, 0, 0]), weights(0, 4, 3, 3, 3)), grey)
    assert read_graph(made).operator_counts() == {"CONV_2D": 1}
    assert _input(made).shape == (1, 8, 8, 1)
    assert spec == grey


def test_what_is_no_map_of_pixels_stays_in_the_network():
    graph = blank((1, 8, 8, 3))
    square = operator(graph, "MUL", (0, 0), (1, 8, 8, 3), schema.MulOptionsT())
    content = packed(graph, _padded(graph, square))
    assert read_front(content, (8, 8, 3)) is None
    assert take_front(content, PLAIN) == (content, PLAIN, [])
    graph = blank((1, 3, 8, 8))
    square = operator(graph, "MUL", (0, 0), (1, 3, 8, 8), schema.MulOptionsT())
    content = packed(graph, _padded(graph, transposed(graph, square, (0, 2, 3, 1))))
    with pytest.raises(ModelError, match="channels last"):
        take_front(content, PLAIN)


def test_a_spec_of_another_shape_is_refused_with_both():
    graph = blank((1, 9, 9, 3))
    content = packed(graph, _padded(graph, 0))
    with pytest.raises(SpecError, match=r"takes \[1, 9, 9, 3\]; the spec says \[1, 8, 8, 3\]"):
        take_front(content, PLAIN)


def test_a_front_that_was_moved_wrongly_does_not_pass():
    graph = blank((1, 8, 8, 3))
    content = packed(graph, _padded(graph, scale(graph, 0, "DIV", 127.5)))
    made, spec, _ = take_front(content, RAW)
    wrong = dataclasses.replace(spec, pixel_scale=1.01 * spec.pixel_scale)
    with pytest.raises(ModelError, match="answers would change by"):
        _check_front(content, RAW, made, wrong)
    assert np.isfinite(run(made, [np.zeros((1, 8, 8, 3), np.float32)])[0]).all()
