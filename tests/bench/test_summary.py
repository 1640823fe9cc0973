"""The few figures, and which number of threads to take."""

import pytest

from edgeleuk.bench.summary import fewest_threads, summarise


def around(level_ms, processes=6):
    return [[level_ms * (1 + 0.001 * number)] for number in range(processes)]


def test_a_summary_holds_medians_and_the_highest_peak():
    found = summarise([[1.0, 3.0], [2.0, 2.0]], [5.0, 7.0], [4.0, 2.0], [None, 30.0], 512)
    assert (found.throughput_per_s, found.load_ms, found.first_ms) == (pytest.approx(500), 6.0, 3.0)
    assert (found.peak_memory_mib, found.arena_bytes, found.runs, found.p50_ms) == (30.0, 512, 4, 2.0)


def test_what_no_process_told_is_none():
    assert summarise([[1.0]], [1.0], [1.0], [None], None).peak_memory_mib is None


@pytest.mark.parametrize(
    ("levels", "best"),
    [
        ({1: 10.0, 2: 6.0, 4: 5.9}, 4),
        ({1: 10.0, 2: 6.0, 4: 6.0}, 2),
        ({4: 6.0, 2: 6.0, 1: 10.0}, 2),
        ({1: 5.0, 2: 6.0, 4: 9.0}, 1),
        ({2: 7.0}, 2),
    ],
)
def test_the_fewest_threads_that_none_beats_are_best(levels, best):
    assert fewest_threads({threads: around(level) for threads, level in levels.items()}) == best


def test_with_few_processes_no_number_of_threads_is_best():
    assert fewest_threads({1: around(10.0, 3), 2: around(5.0, 3)}) is None
    assert fewest_threads({1: around(10.0), 2: around(5.0), 4: around(2.0, 1)}) is None
