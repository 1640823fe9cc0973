"""The front of what no other beats."""

from hypothesis import given
from hypothesis import strategies as st

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
