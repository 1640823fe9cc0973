"""How sure the first model has to be, against a search of every threshold; and its temperature."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.cascade.threshold import choose_threshold
from edgeleuk.runtime.cascade import calibrated, is_sure
from edgeleuk.statistics.temperature import LEAST_TEMPERATURE, MOST_TEMPERATURE, fit_temperature

FLOOR = 1e-7
# Few levels, as int8 answers have, so that many images are equally sure.
IMAGES = st.lists(st.tuples(st.integers(128, 140), st.booleans(), st.booleans()), min_size=1, max_size=40)


def arrays(images):
    steps, first, large = zip(*images, strict=True)
    return np.array(steps, np.float32) / np.float32(256), np.array(first), np.array(large)


@given(IMAGES, st.sampled_from([0.0001, 0.003, 0.05, 0.1, 0.25, 0.5]))
def test_it_is_the_lowest_confidence_down_to_which_no_more_is_lost_than_allowed(images, max_drop):
    confidence, first, large = arrays(images)

    def is_allowed(level):
        return np.where(confidence >= level, first, large).sum() >= large.sum() - max_drop * len(first) - 1e-9

    allowed = list(itertools.takewhile(is_allowed, np.unique(confidence)[::-1]))
    threshold = choose_threshold(confidence, first, large, max_drop)
    if not allowed:
        assert threshold is None
        return
    early = confidence >= np.float32(threshold)
    assert np.array_equal(early, confidence >= min(allowed))
    assert threshold == float(np.float32(threshold))


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30))
def test_images_of_equal_confidence_stand_or_fall_together_however_near_the_next(confidence):
    values = np.array(confidence, np.float32)
    right = np.ones(len(values), bool)
    threshold = choose_threshold(values, right, right, 0.003)
    assert threshold is not None
    assert (values >= np.float32(threshold)).all()
    wrong_below_the_top = values == values.max()
    threshold = choose_threshold(values, wrong_below_the_top, right, 1e-9)
    assert np.array_equal(values >= np.float32(threshold), wrong_below_the_top)


def test_a_rounding_error_of_another_processor_is_forgiven():
    confidence = np.array([0.9, 0.7, 0.6], np.float32)
    threshold = choose_threshold(confidence, np.array([True, True, False]), np.ones(3, bool), 0.1)
    assert np.float32(0.6) < threshold < np.nextafter(np.float32(0.7), np.float32(0))
    assert threshold == pytest.approx(0.7 - 1e-4, abs=1e-6)


def test_what_a_lower_confidence_wins_back_by_luck_does_not_count():
    first, large = np.array([True, False, False, True, True]), np.array([True, True, True, False, False])
    threshold = choose_threshold(np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32), first, large, 0.2)
    assert threshold == pytest.approx(0.8 - 1e-4, abs=1e-6)


def test_a_better_first_model_answers_all_that_it_gains_by():
    first, large = np.array([True, True, True, False]), np.array([True, False, False, True])
    threshold = choose_threshold(np.array([0.9, 0.8, 0.7, 0.6], np.float32), first, large, 0.001)
    assert threshold == pytest.approx(0.6 - 1e-4, abs=1e-6)  # two gained outweigh the one lost


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_temperature_that_answers_were_drawn_at_is_found(temperature, classes):
    random = np.random.default_rng(classes)
    logits = random.normal(0, 2, (20_000, classes))
    shown, true = (_softmax(logits / scale) for scale in (1.0, temperature))
    truth = (true.cumsum(axis=1) > random.uniform(size=(len(true), 1))).argmax(axis=1)
    assert fit_temperature(shown.astype(np.float32), truth, FLOOR) == pytest.approx(temperature, rel=0.05)


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@given(
    st.lists(st.tuples(st.integers(0, 256), st.integers(0, 1)), min_size=2, max_size=30),
    st.floats(LEAST_TEMPERATURE, MOST_TEMPERATURE),
)
def test_no_other_temperature_makes_the_truth_likelier(images, other):
    positive = np.array([step / 256 for step, _ in images])
    truth = np.array([label for _, label in images])
    rows = np.stack([1 - positive, positive], axis=1).astype(np.float32)

    def loss(temperature):
        answers = _softmax(np.log(np.maximum(rows, 1 / 512)) / temperature)
        return -np.log(answers[np.arange(len(truth)), truth]).mean()

    found = fit_temperature(rows, truth, 1 / 512)
    assert LEAST_TEMPERATURE <= found <= MOST_TEMPERATURE
    assert loss(found) <= loss(other) + 1e-4


def test_without_an_error_the_temperature_stays_within_what_int8_answers_can_show():
    rows = np.array([[1 - step / 256, step / 256] for step in range(100)], np.float32)
    temperature = fit_temperature(rows, np.zeros(100, int), 1 / 512)
    assert temperature == pytest.approx(LEAST_TEMPERATURE, rel=1e-3)
    sure = {float(calibrated(row, temperature).max()) for row in rows}
    assert len(sure) == 100  # they still tell themselves apart


def test_nothing_is_sure_that_is_no_number():
    assert not is_sure(np.array([math.nan, math.nan], np.float32), 0.0)
