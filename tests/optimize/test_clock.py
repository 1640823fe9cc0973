import contextlib

from edgeleuk.optimize.clock import Clock
from edgeleuk.optimize.record import Spent


def test_time_is_training_measuring_or_overhead_on_top_of_what_was_counted_before():
    now = [100.0]
    clock = Clock(Spent(10.0, 20.0, 30.0), lambda: now[0])
    now[0] += 1
    with clock.training():
        now[0] += 5
    with clock.measuring():
        now[0] += 3
    now[0] += 1
    assert clock.spent == Spent(15.0, 23.0, 32.0)
    assert clock.spent.overhead_share == 32 / 70


def test_time_is_kept_as_it_is_spent_also_on_what_fails():
    now, kept = [0.0], []
    clock = Clock(Spent(0.0, 0.0, 0.0), lambda: now[0], kept.append)
    with contextlib.suppress(ValueError), clock.training():
        now[0] += 5
        raise ValueError
    with contextlib.suppress(ValueError), clock.measuring():
        now[0] += 3
        raise ValueError
    assert kept == [Spent(5.0, 0.0, 0.0), Spent(5.0, 3.0, 0.0)]


def test_no_time_has_no_overhead():
    assert Spent(0.0, 0.0, 0.0).overhead_share == 0
