"""From probabilities to a label."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeleuk.runtime.decision import (
    FLOAT_FLOOR,
    answer_set,
    apply_temperature,
    as_probabilities,
    decide,
    probability_floor,
)
from edgeleuk.spec import Decision, ModelSpec, Preprocessing

PREPARE = Preprocessing(32, 64)


def spec(positive="all", threshold=None, classes=("all", "hem")):
    return ModelSpec(classes, PREPARE, positive, Decision(threshold=threshold))


def test_without_a_threshold_the_most_probable_class_is_chosen():
    three = spec(None, classes=("a", "b", "c"))
    assert decide(np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], np.float32), three).tolist() == [1, 0]


@pytest.mark.parametrize(("positive", "expected"), [("all", [0, 0, 1]), ("hem", [1, 1, 1])])
def test_the_positive_class_is_chosen_from_its_threshold_on(positive, expected):
    scores = np.array([[0.8, 0.2], [0.25, 0.75], [0.2, 0.8]], np.float32)
    threshold = 0.25 if positive == "all" else 0.2
    assert decide(scores, spec(positive, threshold)).tolist() == expected


def test_a_single_row_is_decided_like_a_batch():
    assert int(decide(np.array([0.3, 0.7], np.float32), spec(threshold=0.25))) == 0


def test_temperature_one_changes_nothing():
    scores = np.array([[0.9, 0.1]], np.float32)
    assert apply_temperature(scores, Decision()) is scores


@given(p=st.floats(0.01, 0.99), temperature=st.floats(0.01, 50))
def test_temperature_is_a_softmax_of_logarithms(p, temperature):
    scores = np.array([p, 1 - p], np.float32)
    logits = np.log(scores.astype(np.float64)) / temperature
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert apply_temperature(scores, Decision(temperature)) == pytest.approx(expected, abs=1e-4)


def test_a_very_low_temperature_does_not_lose_the_sum():
    scores = np.array([[0.4, 0.3, 0.3]], np.float32)
    assert apply_temperature(scores, Decision(0.001)).tolist() == [[1.0, 0.0, 0.0]]


def test_what_int8_writes_as_0_is_not_impossible_at_another_temperature():
    scores = np.array([[255 / 256, 0.0]], np.float32)
    floor = probability_floor(1 / 256, 2)
    assert floor == 1 / 512
    softened = apply_temperature(scores, Decision(2.0), floor)[0]
    assert softened[1] == pytest.approx(1 / (1 + np.sqrt(510)), rel=1e-4)
    assert apply_temperature(scores, Decision(1.0), floor) is scores


@given(st.lists(st.integers(0, 255), min_size=2, max_size=6), st.floats(0.5, 10))
def test_the_floor_changes_no_answer(steps, temperature):
    assume(temperature != 1)  # then the scores are left as they are, whatever their sum
    scores = np.array(steps, np.float32) / 256
    softened = apply_temperature(scores, Decision(temperature), probability_floor(1 / 256, len(steps)))
    assert np.isfinite(softened).all()
    assert softened.sum() == pytest.approx(1, abs=1e-5)
    assert softened.argmax() == scores.argmax() or scores.max() == 0


def test_all_other_classes_share_half_a_step():
    assert probability_floor(1 / 256, 5) * 4 == pytest.approx(1 / 512)
    assert probability_floor(0.0, 2) == FLOAT_FLOOR


def test_a_set_holds_the_chosen_class_and_all_that_reach_the_least_probability():
    row = np.array([0.5, 0.3, 0.2], np.float32)
    assert answer_set(row, 0, 0.3).tolist() == [True, True, False]
    assert answer_set(row, 2, 0.9).tolist() == [False, False, True]


def test_sigmoids_are_divided_by_their_sum():
    spec = ModelSpec(("all", "hem"), PREPARE, scores="sigmoids")
    found = as_probabilities(np.array([0.9, 0.3], np.float32), spec)
    np.testing.assert_allclose(found, [0.75, 0.25], rtol=1e-6)
    assert np.isfinite(as_probabilities(np.zeros(2, np.float32), spec)).all()


@pytest.mark.parametrize(("positive", "expected"), [("all", [0.9, 0.1]), ("hem", [0.1, 0.9]), (None, [0.1, 0.9])])
def test_one_sigmoid_is_the_probability_of_the_positive_class(positive, expected):
    spec = ModelSpec(("all", "hem"), Preprocessing(8, 8), positive, scores="sigmoid")
    np.testing.assert_allclose(as_probabilities(np.array([0.9], np.float32), spec), expected, rtol=1e-6)


def test_softmax_makes_probabilities_of_logits_however_large():
    spec = ModelSpec(("all", "hem"), PREPARE, scores="logits")
    np.testing.assert_allclose(as_probabilities(np.array([1000.0, 1000.0], np.float32), spec), [0.5, 0.5])
    np.testing.assert_allclose(as_probabilities(np.log(np.array([3, 1], np.float32)), spec), [0.75, 0.25], rtol=1e-6)


@pytest.mark.parametrize("scores", ["sigmoids", "sigmoid", "logits"])
def test_scores_that_are_not_finite_stay_so(scores):
    spec = ModelSpec(("all", "hem"), Preprocessing(8, 8), scores=scores)
    given = np.array([np.nan] if scores == "sigmoid" else [np.nan, 0.5], np.float32)
    assert not np.isfinite(as_probabilities(given, spec)).all()
