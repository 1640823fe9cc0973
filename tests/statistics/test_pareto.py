"""The front of what no other beats, and names that do not overlap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.report.page.charts import spread
from edgeleuk.statistics.pareto import front_of

POINTS = st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 1)), max_size=12)


def test_the_front_holds_the_fastest_and_whatever_is_slower_but_better():
    points = [(1.0, 0.8), (2.0, 0.9), (3.0, 0.85), (4.0, 0.95), (1.0, 0.7)]
    assert front_of(points) == [(1.0, 0.8), (2.0, 0.9), (4.0, 0.95)]


@given(points=POINTS)
def test_no_point_beats_one_of_the_front_and_each_other_point_is_beaten(points):
    front = front_of(points)
    for ms, accuracy in front:
        assert not any(a <= ms and b >= accuracy and (a, b) != (ms, accuracy) for a, b in points)
    for ms, accuracy in set(points) - set(front):
        assert any(a <= ms and b >= accuracy for a, b in front)


@given(values=st.lists(st.floats(-10, 10), max_size=20).map(sorted), gap=st.floats(0.01, 2))
def test_spread_values_keep_their_order_and_distance(values, gap):
    moved = spread(values, gap)
    assert len(moved) == len(values)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert sum(moved) == pytest.approx(sum(values), abs=1e-6)  # as a group they stay where they were


def test_values_far_apart_are_not_moved():
    assert spread([0.0, 1.0, 3.0], 0.5) == [0.0, 1.0, 3.0]
    assert spread([1.0, 1.0], 0.5) == [0.75, 1.25]
