"""The gate: bounds agree with published examples and with brute force; verdicts hold where they should."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from edgeleuk.errors import DataError
from edgeleuk.statistics.noninferiority import (
    FEWEST_SUBJECTS,
    INFERIOR,
    NOT_INFERIOR,
    NOT_SHOWN,
    Gate,
    compare_images,
    compare_subjects,
    score_bound,
)

GATE = Gate()


def answers(gained: int, lost: int, count: int, wrong: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Of reference and candidate: `gained` images only the candidate has right, `lost` only the reference."""
    reference = np.array([False] * gained + [True] * lost + [False] * wrong + [True] * (count - gained - lost - wrong))
    candidate = np.array([True] * gained + [False] * lost + [False] * wrong + [True] * (count - gained - lost - wrong))
    return reference, candidate


@pytest.mark.parametrize(
    ("table", "confidence", "interval"),
    [
        ((4, 9, 3, 16), 0.95, (-0.027, 0.390)),  # Tango 1998
        ((43, 0, 1, 0), 0.90, (-0.096, 0.037)),  # Tango 1998, soft contact lenses
        ((53, 16, 8, 9), 0.95, (-0.020, 0.207)),  # Agresti and Min 2005
        ((1, 1, 7, 12), 0.95, (-0.517, -0.026)),  # Fagerland, Lydersen and Laake 2014
    ],
)
def test_the_score_bounds_are_those_of_published_examples(
    table: tuple[int, int, int, int], confidence: float, interval: tuple[float, float]
) -> None:
    _, gained, lost, _ = table
    one_sided = (1 + confidence) / 2
    low = score_bound(gained, lost, sum(table), one_sided)
    high = -score_bound(lost, gained, sum(table), one_sided)
    assert (round(low, 3), round(high, 3)) == interval


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 300))
@settings(max_examples=60)
def test_the_score_bound_is_where_a_maximised_likelihood_rejects(gained: int, lost: int, same: int) -> None:
    count = gained + lost + same
    low = score_bound(gained, lost, count)

    def minus_likelihood(losing: float) -> float:
        cells = ((gained, losing + low), (lost, losing), (same, 1 - 2 * losing - low))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in cells if k)

    span = (max(0.0, -low), (1 - low) / 2)
    losing = optimize.minimize_scalar(minus_likelihood, span, bounds=span, method="bounded", options={"xatol": 1e-12}).x
    variance = count * (2 * losing + low - low**2)
    statistic = (gained - lost - count * low) / math.sqrt(variance)
    assert statistic == pytest.approx(stats.norm.ppf(0.95), rel=2e-3)


@given(st.integers(1, 100_000))
def test_without_a_difference_the_bound_is_the_closed_form(count: int) -> None:
    squared = stats.norm.ppf(0.95) ** 2
    assert score_bound(0, 0, count) == pytest.approx(-squared / (count + squared), abs=1e-8)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 200))
def test_bounds_enclose_the_difference_and_mirror_each_other(gained: int, lost: int, same: int) -> None:
    count = gained + lost + same
    if not count:
        return
    forth, back = (compare_images(*answers(*pair, count), GATE) for pair in ((gained, lost), (lost, gained)))
    assert forth.bounds is not None
    assert back.bounds is not None
    assert -1 <= forth.bounds.low <= forth.difference <= forth.bounds.high <= 1
    assert forth.bounds.low == pytest.approx(-back.bounds.high)
    assert forth.difference == pytest.approx((gained - lost) / count)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(40, 400))
def test_one_more_lost_image_never_helps(gained: int, lost: int, count: int) -> None:
    assert score_bound(gained, lost + 1, count) <= score_bound(gained, lost, count)


def test_equal_answers_to_many_images_are_not_inferior_and_to_few_are_not_shown() -> None:
    assert compare_images(*answers(0, 0, 268), GATE).verdict == NOT_INFERIOR
    few = compare_images(*answers(0, 0, 200), GATE)
    assert (few.verdict, few.needed) == (NOT_SHOWN, 268)


def test_a_clear_loss_is_inferior_and_needs_no_more_images() -> None:
    result = compare_images(*answers(5, 60, 1000), GATE)
    assert (result.verdict, result.needed) == (INFERIOR, None)
    assert result.candidate_accuracy == pytest.approx(result.reference_accuracy - 0.055)


def test_a_wider_margin_shows_what_a_narrow_one_does_not() -> None:
    data = answers(4, 5, 500)
    assert compare_images(*data, GATE).verdict == NOT_SHOWN
    assert compare_images(*data, Gate(margin=0.02)).verdict == NOT_INFERIOR


def test_the_number_of_images_needed_shows_it_in_about_four_of_five_trials() -> None:
    needed = compare_images(*answers(6, 6, 400), GATE).needed
    assert needed is not None
    draws = np.random.default_rng(0).multinomial(needed, [0.015, 0.015, 0.97], size=400)
    shown = [score_bound(int(gained), int(lost), needed) > -GATE.margin for gained, lost, _ in draws]
    assert 0.72 < np.mean(shown) < 0.88


def cohort(
    random: np.random.Generator, subjects: int, lost: float, gained: float, spread: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers of both models to about 60 images of each subject, whose own rates have the variation `spread`."""
    sizes = np.maximum(1, random.poisson(60 * random.lognormal(-0.245, 0.7, subjects)))
    rates = np.stack([random.gamma(1 / spread**2, mean * spread**2, subjects) for mean in (lost, gained)])
    groups = np.repeat(np.arange(subjects), sizes)
    draw = random.random(len(groups))
    is_lost = draw < rates[0, groups]
    is_gained = ~is_lost & (draw < rates.sum(axis=0)[groups])
    return ~is_gained, ~is_lost, groups


def test_subjects_are_drawn_whole_so_concentrated_losses_weigh_more() -> None:
    groups = np.repeat(np.arange(40), 25)
    spread_out, concentrated = np.ones(1000, np.bool_), np.ones(1000, np.bool_)
    spread_out[::80] = False
    concentrated[:13] = False
    right = np.ones(1000, np.bool_)
    even, uneven = (compare_subjects(right, lost, groups, Gate(0.03)) for lost in (spread_out, concentrated))
    assert even.difference == uneven.difference == pytest.approx(-0.013)
    assert even.verdict == NOT_INFERIOR
    assert uneven.verdict == NOT_SHOWN
    assert uneven.bounds is not None
    assert even.bounds is not None
    assert uneven.bounds.low < even.bounds.low


def test_the_bound_over_subjects_is_never_narrower_than_that_over_images() -> None:
    right = np.ones(1200, np.bool_)
    same = compare_subjects(right, right, np.repeat(np.arange(30), 40), GATE)
    assert same.bounds == compare_images(right, right, GATE).bounds
    assert same.verdict == NOT_INFERIOR


@pytest.mark.parametrize("subjects", [1, 2, FEWEST_SUBJECTS - 1])
def test_too_few_subjects_show_nothing_whatever_they_say(subjects: int) -> None:
    right = np.ones(subjects * 500, np.bool_)
    groups = np.repeat(np.arange(subjects), 500)
    for candidate in (right, ~right):
        result = compare_subjects(right, candidate, groups, GATE)
        assert result.verdict == NOT_SHOWN
        assert result.needed is None or result.needed >= FEWEST_SUBJECTS
    assert (result.bounds is None) == (subjects == 1)


def test_many_subjects_of_a_worse_model_show_that_it_is_inferior() -> None:
    data = cohort(np.random.default_rng(1), 60, lost=0.06, gained=0.01, spread=0.5)
    assert compare_subjects(*data, GATE).verdict == INFERIOR


def test_the_same_seed_gives_the_same_result_and_names_of_groups_do_not_matter() -> None:
    reference, candidate, groups = cohort(np.random.default_rng(2), 25, 0.02, 0.02, 1.0)
    one, other = (compare_subjects(reference, candidate, g, GATE, seed=3) for g in (groups, 7 * groups + 100))
    assert one == other
    assert one != compare_subjects(reference, candidate, groups, GATE, seed=4)


def test_subjects_that_are_needed_fall_with_the_margin_squared() -> None:
    data = cohort(np.random.default_rng(3), 30, 0.04, 0.04, 1.0)
    narrow, wide = (compare_subjects(*data, Gate(margin)).needed for margin in (0.0025, 0.005))
    assert narrow is not None
    assert wide is not None
    assert narrow / wide == pytest.approx(4, rel=0.02)


def test_no_image_and_settings_out_of_range_are_refused() -> None:
    empty = np.array([], np.bool_)
    with pytest.raises(DataError, match="no image to compare on"):
        compare_images(empty, empty, GATE)
    for wrong in ({"margin": 0.0}, {"margin": 1.0}, {"confidence": 0.5}, {"confidence": 1.0}):
        with pytest.raises(ValueError, match="expected a margin between 0 and 1"):
            dataclasses.replace(GATE, **wrong)


@pytest.mark.slow
@pytest.mark.parametrize(("subjects", "spread", "most"), [(20, 0.5, 0.09), (60, 0.5, 0.08), (28, 1.0, 0.11)])
def test_a_loss_of_just_the_margin_is_seldom_called_not_inferior(subjects: int, spread: float, most: float) -> None:
    random = np.random.default_rng(subjects)
    trials = [cohort(random, subjects, lost=0.02, gained=0.01, spread=spread) for _ in range(500)]
    false = [compare_subjects(*trial, GATE, seed=1).verdict == NOT_INFERIOR for trial in trials]
    assert 0.02 < np.mean(false) < most
