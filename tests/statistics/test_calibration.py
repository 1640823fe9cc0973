"""Calibration error, Brier score and their intervals, on probabilities whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.statistics.calibration import (
    BINS,
    calibration_scores,
    chance_errors,
    equal_mass_bins,
    reliability,
)
from edgeleuk.statistics.metrics import Bootstrap

QUICK = Bootstrap(resamples=200)


def answers(random, subjects, each, *, sharpness=1.0, subject_effect=0.0):
    """Probabilities of two classes, the truth drawn from what they were before they were sharpened, and subjects."""
    logits = random.normal(1.5, 2, (subjects, each))
    true = 1 / (1 + np.exp(-logits - random.normal(0, subject_effect, (subjects, 1))))
    truth = (random.uniform(size=true.shape) < true).astype(int).ravel()
    positive = 1 / (1 + np.exp(-sharpness * logits)).ravel()
    return truth, np.stack([1 - positive, positive], axis=1), np.repeat(np.arange(subjects), each)


def test_probabilities_that_are_right_have_the_error_of_chance_alone():
    scores = calibration_scores(*answers(np.random.default_rng(0), 400, 10), QUICK)
    assert scores.ece.value < 0.03
    assert scores.ece.low == 0
    assert scores.ece.value == pytest.approx(scores.chance_ece, abs=0.012)
    assert abs(scores.overconfidence.value) < 0.015


def test_probabilities_that_are_too_sharp_are_overconfident():
    scores = calibration_scores(*answers(np.random.default_rng(1), 400, 10, sharpness=3), QUICK)
    assert scores.ece.low > 3 * scores.chance_ece
    assert scores.ece.value == pytest.approx(scores.overconfidence.value, abs=0.01)
    assert scores.overconfidence.low > 0.05


def test_the_brier_score_is_the_sum_over_all_classes():
    truth, rows = np.array([0, 1]), np.array([[1.0, 0.0], [0.6, 0.4]])
    assert calibration_scores(truth, rows, np.arange(2)).brier.value == pytest.approx((0 + 0.72) / 2)


def test_of_one_group_there_is_no_interval():
    truth, rows, _ = answers(np.random.default_rng(2), 10, 5)
    scores = calibration_scores(truth, rows, np.zeros(50, int), QUICK)
    assert scores.ece.low is None
    assert scores.brier.high is None


def test_probabilities_of_exactly_0_and_1_are_scored():
    truth, rows = np.array([0, 1, 1, 0] * 20), np.eye(2)[[0, 1, 0, 0] * 20]
    scores = calibration_scores(truth, rows, np.arange(80), QUICK)
    assert scores.ece.value == pytest.approx(0.25)
    assert scores.confidence.value == 1.0
    assert len(scores.bins) == 1


@given(st.lists(st.integers(128, 256), min_size=1, max_size=400))
def test_bins_hold_all_answers_and_equal_ones_together(steps):
    confidence = np.array(steps) / 256
    bins = equal_mass_bins(confidence)
    assert set(bins.tolist()) == set(range(bins.max() + 1))
    assert bins.max() < BINS
    for value in np.unique(confidence):
        assert len(set(bins[confidence == value].tolist())) == 1
    order = np.argsort(confidence, kind="stable")
    assert (np.diff(bins[order]) >= 0).all()


def test_bins_of_answers_that_all_differ_are_of_equal_mass():
    confidence = np.random.default_rng(3).uniform(0.5, 1, 1000)
    found = reliability(confidence, confidence > 0.6)
    assert [each.images for each in found] == [100] * 10
    assert [each.confidence for each in found] == sorted(each.confidence for each in found)


def test_few_answers_have_fewer_bins():
    assert equal_mass_bins(np.linspace(0.5, 1, 60)).max() == 2
    assert equal_mass_bins(np.linspace(0.5, 1, 5)).max() == 0


def test_what_chance_gives_falls_with_the_number_of_answers():
    few, many = (chance_errors(np.full(count, 0.9)).mean() for count in (50, 5000))
    assert few > 5 * many


@pytest.mark.parametrize(("subjects", "each", "sharpness"), [(10, 20, 1.0), (40, 10, 1.6)])
def test_intervals_hold_what_is_true_in_most_cases(subjects, each, sharpness):
    """In small of what benchmarks/answers/calibration.py simulates."""
    random = np.random.default_rng(4)
    truth, rows, groups = answers(random, 20_000, 5, sharpness=sharpness, subject_effect=0.5)
    everyone = calibration_scores(truth, rows, groups, Bootstrap(resamples=2))
    held = np.zeros(3)
    for trial in range(60):
        drawn = answers(random, subjects, each, sharpness=sharpness, subject_effect=0.5)
        found = calibration_scores(*drawn, Bootstrap(resamples=200, seed=trial))
        for number, name in enumerate(("ece", "brier", "confidence")):
            estimate = getattr(found, name)
            held[number] += estimate.low <= getattr(everyone, name).value <= estimate.high
    assert (held / 60 >= 0.83).all()
