"""Intervals hold what they claim, whatever the distribution."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeleuk.statistics.latency import CONFIDENCE, latency, median_interval, ratio_of_medians, typical_ms

TIME = st.floats(0.01, 1e4)
PROCESSES = st.lists(st.lists(TIME, min_size=1, max_size=5), min_size=5, max_size=8)
DRAWS = {
    "normal": lambda random, shape: random.normal(0, 1, shape),
    "heavy tails": lambda random, shape: random.standard_t(3, shape) / math.sqrt(3),
    "skewed": lambda random, shape: random.exponential(1, shape) - math.log(2),
    "two peaks": lambda random, shape: random.choice([-1, 1], shape) + random.normal(0, 0.2, shape),
}


@pytest.mark.parametrize("count", [6, 7, 9, 12, 20, 35])
def test_the_stated_confidence_is_the_exact_one(count):
    """Counts all sequences of below and above the median; each is as likely as any other."""
    found = median_interval(range(count))
    low, high = int(found.low), int(found.high)
    held = sum(math.comb(count, below) for below in range(low + 1, high + 1)) / 2**count
    assert found.confidence == pytest.approx(held, abs=1e-12)
    narrower = sum(math.comb(count, below) for below in range(low + 2, high)) / 2**count
    assert held >= CONFIDENCE > narrower


@pytest.mark.parametrize("count", range(6))
def test_below_six_values_there_is_no_interval(count):
    assert median_interval(range(count)) is None


def test_six_values_span_it():
    found = median_interval([3, 1, 2, 6, 5, 4])
    assert (found.low, found.high, found.confidence) == (1, 6, 0.96875)


@pytest.mark.parametrize("count", [6, 11])
@pytest.mark.parametrize("name", DRAWS)
def test_the_interval_of_the_median_covers_it(name, count):
    random = np.random.default_rng(4)
    draws = DRAWS[name](random, (4000, count))
    truth = 0.0
    bounds = [median_interval(row) for row in draws]
    covered = np.mean([found.low <= truth <= found.high for found in bounds])
    assert covered >= bounds[0].confidence - 3 * math.sqrt(0.25 * 0.2 / 4000)


@given(PROCESSES)
def test_a_summary_is_ordered_and_within_the_samples(processes):
    found = latency(processes)
    samples = sorted(itertools.chain(*processes))
    assert found.runs == len(samples)
    ordered = [found.min_ms, found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, samples[-1]]
    assert all(one <= other * (1 + 1e-12) for one, other in itertools.pairwise(ordered))
    assert found.min_ms * (1 - 1e-9) <= found.mean_ms <= samples[-1] * (1 + 1e-9)
    assert (found.p50_interval is None) == (found.p90_interval is None) == (len(processes) < 6)
    assert (found.relative_width is None) == (found.p50_interval is None)


def test_a_summary_of_known_samples():
    found = latency([[float(value) for value in range(1, 101)]] * 6)
    assert (found.runs, found.min_ms, found.p50_ms, found.mean_ms) == (600, 1.0, 50.5, 50.5)
    assert found.p90_ms == pytest.approx(np.quantile([*range(1, 101)] * 6, 0.9))
    assert (found.p50_interval.low, found.p50_interval.high, found.relative_width) == (50.5, 50.5, 0.0)
    assert found.std_ms == pytest.approx(np.std([*range(1, 101)] * 6, ddof=1))


def test_one_sample_has_no_spread():
    found = latency([[2.0]])
    assert (found.p50_ms, found.p99_ms, found.std_ms, found.p50_interval) == (2.0, 2.0, 0.0, None)


def test_a_process_counts_once_however_many_queries_it_made():
    assert typical_ms([[1.0] * 1000, [2.0], [3.0]]) == 2.0


@given(PROCESSES)
def test_a_comparison_with_itself_is_one(processes):
    ratio = ratio_of_medians(processes, processes)
    assert ratio.value == 1.0
    assert ratio.low <= 1.0 <= ratio.high


@given(PROCESSES, PROCESSES, st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_scaling_one_side_scales_the_ratio(first, second, scale):
    ratio = ratio_of_medians(first, second)
    scaled = ratio_of_medians(first, [[scale * value for value in process] for process in second])
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx(
        (scale * ratio.value, scale * ratio.low, scale * ratio.high)
    )


@given(PROCESSES, PROCESSES)
def test_the_other_way_round_it_is_about_the_reciprocal(first, second):
    there, back = ratio_of_medians(first, second), ratio_of_medians(second, first)
    assert there.value * back.value == pytest.approx(1)
    reach = max(map(max, second)) / min(map(min, first)), min(map(min, second)) / max(map(max, first))
    assert reach[1] * (1 - 1e-9) <= there.low <= there.high <= reach[0] * (1 + 1e-9)


@given(PROCESSES, PROCESSES)
def test_the_order_of_processes_and_queries_does_not_move_the_ratio(first, second):
    turned = [list(reversed(process)) for process in reversed(first)]
    assert ratio_of_medians(turned, second).value == ratio_of_medians(first, second).value


@given(PROCESSES)
def test_the_same_seed_gives_the_same_bounds(processes):
    assume(len(processes) > 5)
    assert ratio_of_medians(processes, processes[::-1], 3) == ratio_of_medians(processes, processes[::-1], 3)


@pytest.mark.parametrize(("ours", "theirs"), [(1, 6), (6, 1), (4, 6), (6, 4)])
def test_with_few_processes_there_are_no_bounds(ours, theirs):
    ratio = ratio_of_medians([[10.0]] * ours, [[11.0]] * theirs)
    assert (ratio.value, ratio.low, ratio.high) == (pytest.approx(1.1), None, None)


@pytest.mark.parametrize("count", [5, 6])
@pytest.mark.parametrize("name", DRAWS)
def test_the_interval_of_the_ratio_covers_it(name, count):
    """94 to 97 % at ten thousand tries; 300 tries of 500 resamples tell whether it falls apart."""
    random = np.random.default_rng(5)
    sides = np.exp(0.02 * DRAWS[name](random, (300, 2, count)))
    ratios = [ratio_of_medians(first[:, None], second[:, None], 1, 500) for first, second in sides]
    assert np.mean([ratio.low <= 1 <= ratio.high for ratio in ratios]) >= 0.91


@pytest.mark.parametrize("name", DRAWS)
def test_a_tenth_slower_is_shown_and_no_difference_is_not(name):
    """Processes that differ by 1.5 %; the least slowdown that counts is 5 %."""
    random = np.random.default_rng(6)
    sides = 10 * np.exp(0.015 * DRAWS[name](random, (200, 2, 6)))
    slower = [ratio_of_medians(first[:, None], 1.1 * second[:, None], 1, 500).low > 1.05 for first, second in sides]
    same = [ratio_of_medians(first[:, None], second[:, None], 1, 500).low > 1.05 for first, second in sides]
    assert np.mean(slower) >= 0.95
    assert np.mean(same) <= 0.05
