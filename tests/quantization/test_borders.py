"""uint8 and float32 ends around an int8 graph: the same codes go in and come out, and nothing else was added."""

import dataclasses

import numpy as np
import pytest

from edgeleuk.errors import ModelError, ProofError, UsageError
from edgeleuk.quantization.bordered import between, check_io
from edgeleuk.quantization.borders import check_borders, io_types, preprocessing_for, with_borders
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.quantization.proof import check_portable, examine
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import Preprocessing

KINDS = ("uint8", "float32")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_gets_the_answer_that_it_got(int8_flatbuffer, small_spec, kind):
    proof = examine(int8_flatbuffer, "int8", small_spec.preprocessing)
    model, spec, _ = between(int8_flatbuffer, small_spec, proof, kind)
    inner, outer = open_flatbuffer(int8_flatbuffer, small_spec), open_flatbuffer(model, spec)
    assert outer.network.input["dtype"] == outer.network.output["dtype"] == np.dtype(kind)
    random = np.random.default_rng(1)
    for low, high in ((0, 256), (0, 40), (200, 256)):
        pixels = random.integers(low, high, (32, 32, 3), np.uint8)
        assert np.array_equal(*(each.network.scores(each.encode(pixels)) for each in (inner, outer)))


@pytest.mark.slow
def test_the_proof_names_the_two_nodes_and_the_graph_between_them(int8_flatbuffer, small_spec):
    proof = examine(int8_flatbuffer, "int8", small_spec.preprocessing)
    _, _, found = between(int8_flatbuffer, small_spec, proof, "uint8")
    assert found.io == {
        "type": "uint8",
        "before": "QUANTIZE uint8 to int8",
        "behind": "QUANTIZE int8 to uint8",
        "int8_sha256": proof.flatbuffer_sha256,
    }
    assert (found.quantize_nodes, found.int8_rescales, found.float_tensors) == (2, 0, 0)
    assert found.tensor_types == proof.tensor_types | {"uint8": 2}
    assert found.pixel_error_steps == pytest.approx(0.5, abs=1e-3)
    assert between(int8_flatbuffer, small_spec, proof, "int8") == (int8_flatbuffer, small_spec, proof)


@pytest.mark.slow
def test_uint8_takes_the_pixel_itself(int8_flatbuffer, small_spec):
    classifier = open_flatbuffer(with_borders(int8_flatbuffer, "uint8"), small_spec)
    pixels = np.arange(32 * 32 * 3, dtype=np.uint16).astype(np.uint8).reshape(32, 32, 3)
    assert np.array_equal(classifier.encode(pixels)[0], pixels)


@pytest.mark.slow
@pytest.mark.parametrize("scaling", [(1 / 127.5, -1.0), (1 / 127.5, -1.0039216)])
def test_float_pixels_meet_the_middle_of_their_step(int8_flatbuffer, scaling):
    spec = Preprocessing(32, 64, pixel_scale=scaling[0], pixel_offset=scaling[1])
    seen = read_graph(int8_flatbuffer).tensors[read_graph(int8_flatbuffer).inputs[0]]
    made = preprocessing_for(int8_flatbuffer, "float32", spec)
    pixels = np.arange(256)
    codes = (pixels * made.pixel_scale + made.pixel_offset) / seen.scale + seen.zero_point
    assert np.abs(codes - (pixels - 128)).max() < 1e-6
    assert preprocessing_for(int8_flatbuffer, "uint8", spec) == spec


@pytest.mark.slow
def test_pixels_that_are_not_p_minus_128_keep_their_scale(int8_flatbuffer):
    spec = Preprocessing(32, 64, pixel_scale=1 / 255, pixel_offset=0.0)
    assert preprocessing_for(int8_flatbuffer, "float32", spec) == spec


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_names_and_signature_are_those_of_the_ends(int8_flatbuffer, kind):
    from ai_edge_litert.interpreter import Interpreter

    before, after = (
        Interpreter(model_content=model) for model in (int8_flatbuffer, with_borders(int8_flatbuffer, kind))
    )
    assert before.get_input_details()[0]["name"] == after.get_input_details()[0]["name"]
    assert before.get_signature_list() == after.get_signature_list()
    check_portable(examine(with_borders(int8_flatbuffer, kind), "int8", Preprocessing(32, 64)))


@pytest.mark.slow
def test_outputs_behind_the_scores_stay_as_they_are(int8_flatbuffer):
    graph = read_graph(with_borders(expose_outputs(int8_flatbuffer, ("features",)), "uint8"))
    assert io_types(graph) == ("uint8", "uint8")
    assert [graph.tensors[output].dtype for output in graph.outputs] == ["uint8", "int8"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_more_than_the_ends_is_no_proof(int8_flatbuffer, float_flatbuffer, kind):
    model = with_borders(int8_flatbuffer, kind)
    check_borders(int8_flatbuffer, model, kind)
    other = {"uint8": "float32", "float32": "uint8"}[kind]
    for inner, outer, named in (
        (int8_flatbuffer, with_borders(int8_flatbuffer, other), kind),
        (float_flatbuffer, model, kind),
        (int8_flatbuffer, float_flatbuffer, kind),
        (int8_flatbuffer, model, "int8"),
    ):
        with pytest.raises(ProofError, match="not all that was added"):
            check_borders(inner, outer, named)


@pytest.mark.slow
def test_a_graph_that_is_not_int8_gets_no_ends(float_flatbuffer, int8_flatbuffer):
    for model in (float_flatbuffer, with_borders(int8_flatbuffer, "uint8")):
        with pytest.raises(ModelError, match="expected int8"):
            with_borders(model, "uint8")


def test_only_int8_has_ends_to_choose():
    check_io("uint8", "int8")
    check_io("int8", "float32")
    with pytest.raises(UsageError, match="--io uint8 is for --int8"):
        check_io("uint8", "float32")
    with pytest.raises(UsageError, match="expected int8"):
        check_io("int4", "int8")


@pytest.mark.slow
def test_an_answer_that_differs_is_no_proof(int8_flatbuffer, small_spec, monkeypatch):
    wrong = dataclasses.replace(small_spec.preprocessing, pixel_offset=0.0)
    monkeypatch.setattr("edgeleuk.quantization.bordered.preprocessing_for", lambda *_: wrong)
    proof = examine(int8_flatbuffer, "int8", small_spec.preprocessing)
    with pytest.raises(ProofError, match="ends the network answers"):
        between(int8_flatbuffer, small_spec, proof, "float32")
