"""How a network ends, and what its spec says of that."""

import dataclasses

import numpy as np
import pytest

from edgeleuk.errors import SpecError
from edgeleuk.quantization.tflite.running import noise, run
from edgeleuk.quantization.tflite.scores import take_scores
from edgeleuk.runtime.graph import read_graph
from edgeleuk.spec import LOGITS, PROBABILITIES, SIGMOID, SIGMOIDS, ModelSpec, Preprocessing
from tests.quantization.tflite.graphs import blank, head, operator, packed, schema

SPEC = ModelSpec(("blast", "normal"), Preprocessing(8, fit="stretch"), positive_class="blast")
IMAGES = noise((1, 8, 8, 3))


def _ending(end="", classes=2):
    graph = blank((1, 8, 8, 3))
    head(graph, 0, classes, end)
    return packed(graph)


def _rows(content):
    return np.stack([row.ravel() for row in run(content, IMAGES)])


def test_probabilities_stay_what_they_are():
    content = _ending("SOFTMAX")
    made, spec, notes = take_scores(content, SPEC, logits=False)
    assert (spec, notes) == (SPEC, [])
    assert np.array_equal(_rows(made), _rows(content))


@pytest.mark.parametrize("said", [True, False])
def test_logits_get_a_softmax_where_they_are_said_to_be_such(said):
    content = _ending()
    asked = SPEC if said else dataclasses.replace(SPEC, scores=LOGITS)
    made, spec, notes = take_scores(content, asked, logits=said)
    assert (spec.scores, notes) == (PROBABILITIES, ["a softmax was put behind its logits"])
    raised = np.exp(_rows(content))
    assert np.allclose(_rows(made), raised / raised.sum(axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1, 2), (1, 2, 1, 1)])
def test_logits_of_another_shape_are_put_in_a_row(shape):
    graph = blank((1, 8, 8, 3))
    head(graph, 0)
    where = graph.add_constant("shape", np.array(shape, np.int32))
    content = packed(graph, operator(graph, "RESHAPE", (graph.outputs[0], where), shape, schema.ReshapeOptionsT()))
    made, _, _ = take_scores(content, SPEC, logits=True)
    graph = read_graph(made)
    assert graph.tensors[graph.outputs[0]].shape == (1, 2)
    assert np.allclose(_rows(made).sum(axis=1), 1)


@pytest.mark.parametrize("positive", ["blast", "normal", None])
def test_one_sigmoid_is_exactly_a_softmax_of_two_classes(positive):
    content = _ending("LOGISTIC", 1)
    made, spec, (note,) = take_scores(content, dataclasses.replace(SPEC, positive_class=positive), logits=False)
    place = 0 if positive == "blast" else 1
    assert spec.scores == PROBABILITIES
    assert note.endswith(f"{SPEC.classes[place]} where it is 1")
    assert np.allclose(_rows(made)[:, place], _rows(content)[:, 0], atol=1e-6)
    assert np.allclose(_rows(made).sum(axis=1), 1)


def test_one_logit_becomes_the_same():
    sure = _rows(_ending("LOGISTIC", 1))[:, 0]
    made, _, _ = take_scores(_ending("", 1), SPEC, logits=True)
    assert np.allclose(_rows(made)[:, 0], sure, atol=1e-6)


def test_a_sigmoid_that_no_dense_layer_makes_stays_one_and_the_spec_says_so():
    graph = blank((1, 1, 1, 1))
    content = packed(graph, operator(graph, "LOGISTIC", (0,), (1, 1, 1, 1)))
    _, spec, _ = take_scores(content, SPEC, logits=False)
    assert spec.scores == SIGMOID


def test_sigmoids_of_each_class_are_said_to_be_such():
    _, spec, notes = take_scores(_ending("LOGISTIC"), SPEC, logits=False)
    assert (spec.scores, len(notes)) == (SIGMOIDS, 1)
    _, again, silent = take_scores(_ending("LOGISTIC"), spec, logits=False)
    assert (again, silent) == (spec, [])


@pytest.mark.parametrize(
    ("end", "classes", "changes", "logits", "message"),
    [
        ("", 2, {}, False, "ends in FULLY_CONNECTED, not in probabilities; --logits puts a softmax"),
        ("SOFTMAX", 2, {}, True, "ends in SOFTMAX, so its scores are no logits"),
        ("SOFTMAX", 3, {}, False, r"returns \[1, 3\], 3 scores; the spec names 2 classes \(blast, normal\)"),
        ("SOFTMAX", 2, {"scores": SIGMOIDS}, False, "says that scores are sigmoids; the network ends in SOFTMAX"),
        ("LOGISTIC", 2, {"scores": SIGMOID}, False, "says that scores are sigmoid; the network ends in 2 sigmoids"),
        ("LOGISTIC", 1, {"scores": SIGMOIDS}, False, "the network has one for both"),
        ("SOFTMAX", 1, {}, False, "a softmax of one score, which is always 1; expected 2"),
    ],
)
def test_a_spec_that_contradicts_the_end_is_refused(end, classes, changes, logits, message):
    with pytest.raises(SpecError, match=message):
        take_scores(_ending(end, classes), dataclasses.replace(SPEC, **changes), logits)


def test_a_softmax_over_something_else_is_refused():
    graph = blank((1, 8, 8, 3))
    head(graph, 0)
    where = graph.add_constant("shape", np.array((1, 2, 1, 1), np.int32))
    row = operator(graph, "RESHAPE", (graph.outputs[0], where), (1, 2, 1, 1), schema.ReshapeOptionsT())
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    content = packed(graph, operator(graph, "SOFTMAX", (row,), (1, 2, 1, 1), options))
    with pytest.raises(SpecError, match=r"not over the classes: its scores .* add up to 2"):
        take_scores(content, SPEC, logits=False)
