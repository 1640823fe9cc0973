"""Queries one after the other, under a clock that only queries move."""

import dataclasses
import itertools
from collections.abc import Iterable

import pytest

from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.queries import timed, warm_up

MS = 1_000_000


class Machine:
    """Its clock stands still but for queries, which take `durations_ms` in turn, and looks, which take `watch_ms`."""

    def __init__(self, durations_ms: Iterable[float], watch_ms: float = 0.0) -> None:
        self.now, self.log = 0, []
        self._durations_ms, self._watch_ms = iter(durations_ms), watch_ms

    def clock(self) -> int:
        return self.now

    def query(self) -> None:
        duration_ms = next(self._durations_ms)
        self.log.append(duration_ms)
        self.now += round(duration_ms * MS)

    def watch(self) -> None:
        self.log.append("watch")
        self.now += round(self._watch_ms * MS)


def constant(duration_ms):
    return Machine(itertools.repeat(duration_ms))


def test_durations_are_exact():
    machine = Machine([3.0, 1.5, 2.25, 0.12344])
    assert timed(machine.query, 4, 0, machine.clock) == (3.0, 1.5, 2.25, 0.1234)


def test_fast_queries_go_on_for_the_seconds():
    machine = constant(10)
    assert timed(machine.query, 5, 0.2, machine.clock) == (10.0,) * 20


def test_slow_queries_go_on_for_the_runs():
    machine = constant(400)
    assert timed(machine.query, 5, 0.2, machine.clock) == (400.0,) * 5


def test_every_second_there_is_a_look_and_the_query_after_it_does_not_count():
    machine = Machine(itertools.chain([400, 400, 400], [999], itertools.repeat(400)), watch_ms=50)
    samples = timed(machine.query, 6, 0, machine.clock, machine.watch)
    assert samples == (400.0,) * 6
    assert machine.log == [400, 400, 400, "watch", 999, 400, 400, 400, "watch", 400]


def test_the_second_begins_anew_after_a_look():
    machine = Machine(itertools.repeat(100), watch_ms=5000)
    timed(machine.query, 25, 0, machine.clock, machine.watch)
    assert [
        list(group) for key, group in itertools.groupby(machine.log, lambda entry: entry == "watch") if not key
    ] == [
        [100] * 10,
        [100] * 11,
        [100] * 6,
    ]


def test_without_a_second_there_is_no_look():
    machine = constant(9)
    timed(machine.query, 100, 0, machine.clock, machine.watch)
    assert "watch" not in machine.log


RULE = Protocol(warm_up_blocks=3, warm_up_block_s=0.1, warm_up_tolerance=0.05, warm_up_limit_s=5.0)


def test_a_steady_machine_is_warm_after_the_fewest_blocks():
    machine = constant(10)
    found = warm_up(machine.query, RULE, machine.clock)
    assert (found.samples_ms, found.settled) == ((10.0,) * 30, True)


def test_slow_queries_come_in_blocks_of_three():
    machine = constant(500)
    found = warm_up(machine.query, RULE, machine.clock)
    assert (len(found.samples_ms), found.settled) == (9, True)


def test_a_machine_that_gets_faster_is_warm_when_it_stays_so():
    machine = Machine(itertools.chain([50, 50, 20, 20, 20, 20, 20], itertools.repeat(10)))
    found = warm_up(machine.query, RULE, machine.clock)
    assert found.settled
    # Blocks of 50 50 20, of 20 20 20 20 10 10, then three that agree.
    assert found.samples_ms == (50.0, 50.0, *(20.0,) * 5, *(10.0,) * 2, *(10.0,) * 30)


@pytest.mark.parametrize(("factor", "settled"), [(1.049, True), (1.06, False)])
def test_the_last_medians_agree_within_the_tolerance(factor, settled):
    durations = itertools.cycle([10.0] * 10 + [10.0 * factor] * 10)
    machine = Machine(durations)
    assert warm_up(machine.query, RULE, machine.clock).settled is settled


def test_one_slow_query_in_a_block_does_not_matter():
    machine = Machine(itertools.cycle([10.0] * 4 + [35.0]))
    assert warm_up(machine.query, RULE, machine.clock).settled


def test_a_machine_that_never_comes_to_rest_is_given_up():
    machine = Machine(10 * 1.02**number for number in itertools.count())
    found = warm_up(machine.query, RULE, machine.clock)
    assert not found.settled
    assert 5 <= sum(found.samples_ms) / 1000 < 6.5


def test_it_is_not_given_up_before_there_are_enough_blocks():
    machine = Machine(1000.0 * 2**number for number in itertools.count())
    found = warm_up(machine.query, dataclasses.replace(RULE, warm_up_limit_s=0.0), machine.clock)
    assert (len(found.samples_ms), found.settled) == (9, False)
