from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.optimize.conclusion import choose, most_accurate, pareto_front
from edgeleuk.optimize.record import COMPLETE, STOPPED, Reference, Trial

BUDGET_MS = 5.0
points = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=12)


def trials_of(found, state=COMPLETE):
    return [
        Trial(number, {}, state, latency_ms=float(ms), accuracy=accuracy / 10)
        for number, (ms, accuracy) in enumerate(found)
    ]


def reference(accuracy, weighted_f1=0.5, origin="given"):
    return Reference(origin, "run", "ab", {}, accuracy, weighted_f1)


@given(points)
def test_nothing_within_the_budget_beats_the_front(found):
    trials = trials_of(found)
    front = pareto_front(trials, BUDGET_MS)
    within = [trial for trial in trials if trial.latency_ms <= BUDGET_MS]
    assert bool(front) == bool(within)
    for trial in within:
        assert any(other.latency_ms <= trial.latency_ms and other.accuracy >= trial.accuracy for other in front)
    for trial in front:
        assert not any(other.latency_ms <= trial.latency_ms and other.accuracy > trial.accuracy for other in within)


def test_the_fastest_as_accurate_as_the_reference_is_chosen():
    front = pareto_front(trials_of([(1, 5), (2, 7), (3, 9)]), BUDGET_MS)
    assert choose(front, reference(0.7)).number == 1


def test_the_most_accurate_is_chosen_where_none_is_as_good():
    front = pareto_front(trials_of([(1, 5), (2, 7), (3, 8)]), BUDGET_MS)
    assert choose(front, reference(0.9)).number == 2


def test_nothing_is_chosen_where_nothing_is_within_the_budget_or_complete():
    assert choose(pareto_front(trials_of([(6, 9)]), BUDGET_MS), reference(0.5)) is None
    assert choose(pareto_front(trials_of([(1, 9)], STOPPED), BUDGET_MS), reference(0.5)) is None


def test_the_best_float_network_is_the_reference_and_the_first_of_equals():
    first, second = reference(0.9, 0.9, "given"), reference(0.9, 0.9, "trial 1")
    assert most_accurate([first, second]) is first
    assert most_accurate([first, reference(0.9, 0.95, "trial 2")]).origin == "trial 2"
    assert most_accurate([reference(0.8), second]) is second
