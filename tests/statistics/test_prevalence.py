"""The share of a class in a subject: what its interval holds, and how often."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.statistics.beta import beta_quantiles, exact_bounds, log_gamma, nodes
from edgeleuk.statistics.error_rates import ErrorRates, Rate, new_subject_rate, rates_by_subject
from edgeleuk.statistics.prevalence import Counts, corrected_share, more_cells, raw_share, share_of, telling

SHARP = Rate(1e6, 1.0, 1.0, 50, 5000)


def rates(sensitivity=(95, 5), specificity=(90, 10)):
    return ErrorRates(*(Rate(a, b, a / (a + b), 10, a + b) for a, b in (sensitivity, specificity)))


@given(st.floats(0.5, 1e4), st.floats(0.5, 1e4))
def test_quantiles_are_those_of_scipy(a, b):
    at = np.array([0.001, 0.025, 0.5, 0.975, 0.999])
    assert beta_quantiles(a, b, at) == pytest.approx(scipy.stats.beta.ppf(at, a, b), abs=3e-4)


@given(st.integers(0, 200), st.integers(0, 200))
def test_bounds_of_a_count_are_the_exact_ones(found, missed):
    if found + missed == 0:
        assert exact_bounds(0, 0) == (0, 1)
        return
    expected = scipy.stats.binomtest(found, found + missed).proportion_ci(method="exact")
    assert exact_bounds(found, found + missed) == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_the_logarithm_of_gamma_is_that_of_scipy():
    x = np.geomspace(1e-3, 1e6, 500)
    assert log_gamma(x) == pytest.approx(scipy.special.gammaln(x), rel=1e-9, abs=1e-8)


def test_weighted_nodes_give_expectations():
    at, weights = nodes(20)
    assert (weights * at).sum() == pytest.approx(0.5)
    assert (weights * at**2).sum() == pytest.approx(1 / 3, abs=2e-3)


def test_with_known_perfect_rates_the_interval_is_that_of_the_cells_alone():
    found = corrected_share(Counts(30, 100), ErrorRates(SHARP, SHARP))
    assert (found.value, found.low, found.high) == pytest.approx((0.30, 0.22, 0.39), abs=0.011)


def test_the_share_is_that_of_rogan_and_gladen_where_the_rates_are_known():
    known = ErrorRates(Rate(9e5, 1e5, 0.9, 50, 5000), Rate(8e5, 2e5, 0.8, 50, 5000))
    found = corrected_share(Counts(480, 1000), known)
    assert found.value == pytest.approx((0.48 + 0.8 - 1) / (0.9 + 0.8 - 1), abs=0.004)


def test_false_alarms_of_a_healthy_subject_leave_zero_in_the_interval():
    found = corrected_share(Counts(8, 100), rates())
    assert found.low == 0
    assert raw_share(Counts(8, 100)).low > 0


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 20), st.integers(0, 20))
def test_the_interval_holds_the_median_and_lies_in_zero_to_one(positive, others, known_positive, known_others):
    counts = Counts(positive, positive + others, known_positive, known_positive + known_others)
    for found in (corrected_share(counts, rates()), raw_share(counts)):
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_cells_that_a_person_labelled_are_known():
    labelled = corrected_share(Counts(0, 0, known_positive=20, known=100), rates())
    called = corrected_share(Counts(20, 100), rates())
    assert labelled.value == pytest.approx(0.20, abs=0.01)
    assert labelled.width < called.width


def test_rates_that_are_less_known_widen_the_interval():
    few, many = rates((9.5, 0.5), (9, 1)), rates((950, 50), (900, 100))
    assert corrected_share(Counts(50, 100), few).width > 1.5 * corrected_share(Counts(50, 100), many).width


def test_a_new_subject_is_as_uncertain_as_subjects_differ():
    alike = new_subject_rate(np.full(10, 18), np.full(10, 20))
    differing = new_subject_rate(np.array([20] * 9 + [0]), np.full(10, 20))
    assert alike.value == differing.value == 0.9
    spread = [high - low for low, high in (alike.bounds, differing.bounds)]
    assert spread[1] > 3 * spread[0]


def test_ten_subjects_without_an_error_leave_room_for_one_that_has_them():
    low, high = new_subject_rate(np.full(10, 40), np.full(10, 40)).bounds
    assert low < 0.995
    assert high > 0.999


def test_a_rate_needs_a_subject():
    with pytest.raises(ValueError, match="no subject"):
        new_subject_rate(np.array([], np.int64), np.array([], np.int64))


def test_rates_need_cells_of_both_kinds():
    assert rates_by_subject(np.ones(4, np.bool_), np.ones(4, np.bool_), np.arange(4)) is None
    found = rates_by_subject(np.array([1, 1, 0, 0], np.bool_), np.array([1, 0, 0, 0], np.bool_), np.array([3, 3, 5, 7]))
    assert found is not None
    assert (found.sensitivity.value, found.specificity.value) == (0.5, 1.0)
    assert (found.sensitivity.subjects, found.specificity.subjects) == (1, 2)


def test_a_coin_tells_nothing():
    assert telling(rates((50, 50), (50, 50))) < 0.6
    assert telling(rates()) > 0.999


def test_more_cells_make_the_interval_as_narrow_as_was_asked():
    sure = rates((9500, 50), (9900, 20))
    counts = Counts(15, 50)
    more = more_cells(counts, sure, 0.1)
    assert more
    share = counts.positive / counts.answered
    assert share_of(Counts(share * (50 + more), 50 + more), sure).width <= 0.1
    assert share_of(Counts(share * (50 + 0.8 * more), 50 + 0.8 * more), sure).width > 0.1
    assert more_cells(Counts(150, 500 + more), sure, 0.1) == 0


def test_no_number_of_cells_outweighs_errors_that_are_hardly_known():
    assert more_cells(Counts(25, 50), rates((9, 1), (9, 1)), 0.1) is None
    assert more_cells(Counts(25, 50), None, 0.1) is not None


def simulated(random, cells, share, subjects, correlation):
    """Counts of a new subject, and rates learnt from others whose cells are as much alike."""
    strength = 1 / correlation - 1

    def drawn(mean, size=None):
        return random.beta(mean * strength, (1 - mean) * strength, size)

    means = random.uniform(0.8, 0.98, 2)
    known = []
    for mean in means:
        sizes = random.integers(5, 60, subjects)
        known.append(new_subject_rate(random.binomial(sizes, drawn(mean, subjects)), sizes))
    sensitivity, specificity = map(drawn, means)
    positive = random.binomial(cells, share)
    called = random.binomial(positive, sensitivity) + random.binomial(cells - positive, 1 - specificity)
    return Counts(called, cells), ErrorRates(*known)


def test_intervals_hold_the_share_where_those_of_pooled_cells_do_not():
    random, held, pooled, trials = np.random.default_rng(0), 0, 0, 80
    for _ in range(trials):
        share = random.uniform()
        counts, found = simulated(random, int(random.integers(20, 300)), share, 12, 0.1)
        interval = corrected_share(counts, found)
        held += interval.low <= share <= interval.high
        independent = ErrorRates(
            *(
                Rate(r.value * r.images + 1, (1 - r.value) * r.images + 1, r.value, 12, r.images)
                for r in (found.sensitivity, found.specificity)
            )
        )
        interval = corrected_share(counts, independent)
        pooled += interval.low <= share <= interval.high
    assert held / trials >= 0.92
    assert pooled / trials < 0.9
