"""Thresholds for a wanted sensitivity, specificity or cost, and intervals of what they give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from edgeleuk.errors import DataError
from edgeleuk.statistics.metrics import Bootstrap
from edgeleuk.statistics.operating_point import (
    CLOPPER_PEARSON,
    CLUSTER_BOOTSTRAP,
    FEW,
    fewest_for,
    share_interval,
    threshold_for_cost,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from edgeleuk.statistics.selective import selective_risk

IMAGES = st.lists(st.tuples(st.integers(0, 256), st.booleans()), min_size=2, max_size=60).filter(
    lambda images: len({positive for _, positive in images}) == 2
)


@given(IMAGES, st.sampled_from([0.05, 0.5, 0.8, 0.95, 0.999]))
def test_the_threshold_is_the_highest_that_reaches_the_sensitivity(images, wanted):
    ranking, positive = (np.array(column) for column in zip(*images, strict=True))
    ranking = ranking / 256
    threshold = threshold_for_sensitivity(ranking, positive, wanted)

    def sensitivity(level):
        return (ranking[positive] >= level).mean()

    assert 0 <= threshold <= 1
    assert sensitivity(threshold) >= wanted - 1e-9
    higher = ranking[ranking >= threshold].min() + 1e-9
    assert sensitivity(higher) < wanted


@given(IMAGES, st.sampled_from([0.05, 0.5, 0.8, 0.95, 0.999]))
def test_the_threshold_is_the_lowest_that_reaches_the_specificity(images, wanted):
    ranking, positive = (np.array(column) for column in zip(*images, strict=True))
    ranking = ranking / 257  # below 1, which any threshold would take
    threshold = threshold_for_specificity(ranking, positive, wanted)
    assert (ranking[~positive] < threshold).mean() >= wanted - 1e-9
    lower = ranking[ranking < threshold]
    if len(lower):
        assert (ranking[~positive] < lower.max()).mean() < wanted


def test_without_an_image_of_the_class_there_is_no_threshold():
    with pytest.raises(DataError, match="no positive image"):
        threshold_for_sensitivity(np.array([0.5]), np.array([False]), 0.9)
    with pytest.raises(DataError, match="no negative image"):
        threshold_for_specificity(np.array([0.5]), np.array([True]), 0.9)


def test_a_dear_false_negative_lowers_the_threshold():
    assert threshold_for_cost(1, 1) == 0.5
    assert threshold_for_cost(9, 1) == pytest.approx(0.1)


def test_calibrated_probabilities_cost_least_at_that_threshold():
    random = np.random.default_rng(0)
    p = random.uniform(size=200_000)
    positive = random.uniform(size=p.shape) < p

    def cost(level):
        return 5 * (positive & (p < level)).sum() + (~positive & (p >= level)).sum()

    best = threshold_for_cost(5, 1)
    assert all(cost(best) < cost(best + step) for step in (-0.08, -0.04, 0.04, 0.08))


@pytest.mark.parametrize(("wanted", "needed"), [(0.5, 20), (0.95, 20), (0.99, 100)])
def test_a_share_near_one_takes_more_subjects(wanted, needed):
    assert fewest_for(wanted) == needed


@given(st.integers(2, 80), st.data())
def test_subjects_of_one_image_have_the_exact_interval(count, data):
    hits = data.draw(st.integers(0, count))
    found, method = share_interval(np.arange(count) < hits, np.arange(count))
    exact = binomtest(hits, count).proportion_ci(method="exact")
    assert method == CLOPPER_PEARSON
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_subjects_of_several_images_have_a_wider_one():
    right, groups = np.repeat(np.arange(40) % 4 > 0, 10), np.repeat(np.arange(40), 10)
    found, method = share_interval(right, groups)
    exact = binomtest(300, 400).proportion_ci(method="exact")
    assert method == CLUSTER_BOOTSTRAP
    assert found.low < exact.low < exact.high < found.high
    few, method = share_interval(right[:100], groups[:100])
    assert method == FEW
    assert few.high - few.low > found.high - found.low


def test_of_one_subject_there_is_no_interval():
    found, method = share_interval(np.ones(5, bool), np.zeros(5, int))
    assert found.low is None
    assert "single" in method


@pytest.mark.parametrize(("subjects", "each"), [(30, 1), (30, 8), (12, 8)])
def test_intervals_hold_what_is_true_in_most_cases(subjects, each):
    """In small of what benchmarks/answers/calibration.py simulates."""
    random, held = np.random.default_rng(1), 0
    for trial in range(100):
        own = random.beta(9, 1, (subjects, 1))  # 0.9 on average, subjects differ
        right = (random.uniform(size=(subjects, each)) < own).ravel()
        found, _ = share_interval(right, np.repeat(np.arange(subjects), each), Bootstrap(resamples=300, seed=trial))
        held += found.low <= 0.9 <= found.high
    assert held >= 86


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40))
def test_selective_risk_ends_at_the_error_rate_and_gives_equal_answers_together(images):
    steps, right = (np.array(column) for column in zip(*images, strict=True))
    found = selective_risk(steps / 8, right)
    assert found.coverage[-1] == 1.0
    assert found.risk[-1] == pytest.approx((~right).mean())
    assert len(found.coverage) == len(set(steps.tolist()))
    for coverage, risk in zip(found.coverage, found.risk, strict=True):
        level = np.sort(steps)[::-1][round(coverage * len(steps)) - 1]
        assert risk == pytest.approx((~right[steps >= level]).mean())
