"""Why a measurement should not be quoted."""

import dataclasses

import pytest

from edgeleuk.bench.measured import Condition, Sustained
from edgeleuk.bench.validity import faults, sustained_findings


@pytest.fixture
def steady(make_result):
    """A result without fault, whose processes each looked three times at four cores."""
    looks = tuple(Condition(time_s, 50.0, (2400.0,) * 4, (), 1.0) for time_s in (0.0, 1.0, 2.0))
    result = make_result(10.0)
    runs = tuple(
        dataclasses.replace(run, conditions=looks, other_cores=0.1, steal_cores=0.0) for run in result.processes
    )
    return dataclasses.replace(result, processes=runs)


def with_process(result, **changes):
    """The result with its third process changed."""
    runs = list(result.processes)
    runs[2] = dataclasses.replace(runs[2], **changes)
    return dataclasses.replace(result, processes=tuple(runs))


def looks(*clocks, **facts):
    return tuple(Condition(float(number), clocks_mhz=row, **facts) for number, row in enumerate(clocks))


def test_a_steady_measurement_is_valid(steady):
    assert faults([steady]) == ()


def test_a_machine_that_tells_nothing_is_not_accused(make_result):
    assert faults([make_result()]) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conditions": looks((1.0,), throttled=("under-voltage",))}, "the firmware reported under-voltage"),
        (
            {"conditions": (*looks((), throttled=("throttled",)), *looks((), throttled=("clock capped",)))},
            "the firmware reported clock capped, throttled",
        ),
        ({"other_cores": 0.3}, "other programs used up to 0.30 of a core meanwhile (at most 0.25)"),
        ({"steal_cores": 0.06}, "the hypervisor withheld up to 0.06 of a core (at most 0.05)"),
        ({"settled": False}, "1 of 6 processes did not settle in their warm-up"),
        ({"samples_ms": (15.0,) * 9}, "the interval of the median is"),
        (
            {"conditions": looks((2400.0,) * 4, (2400.0,) * 4, (1500.0,) * 4)},
            "the clock changed between 1,500 and 2,400 MHz",
        ),
    ],
)
def test_one_bad_process_is_enough(steady, changes, reason):
    (found,) = faults([with_process(steady, **changes)])
    assert found.startswith(f"cells.tflite, litert, 1 thread: {reason}")


def test_a_clock_that_differs_between_processes_has_changed(steady):
    changed = with_process(steady, conditions=looks((1800.0,) * 4, (1800.0,) * 4))
    assert "the clock changed between 1,800 and 2,400 MHz" in faults([changed])[0]


def test_a_clock_that_rises_with_the_first_query_is_well(steady):
    assert faults([with_process(steady, conditions=looks((600.0,) * 4, (2400.0,) * 4))]) == ()


def test_cores_that_idle_are_well_and_so_are_queries_that_move(steady):
    moved = looks((600.0, 600.0), (2400.0, 600.0), (600.0, 2390.0))
    assert faults([with_process(steady, conditions=moved)]) == ()


def test_a_core_that_went_offline_breaks_nothing(steady):
    assert faults([with_process(steady, conditions=looks((), (2400.0,) * 3, ()))]) == ()


def test_five_processes_are_too_few(make_result):
    assert faults([make_result(10.0, 5)]) == (
        "cells.tflite, litert, 1 thread: no interval can be given with 5 processes; 6 are the fewest",
    )


def test_each_result_is_judged_and_named(steady):
    other = dataclasses.replace(with_process(steady, settled=False), threads=4)
    assert faults([steady, other]) == (
        "cells.tflite, litert, 4 threads: 1 of 6 processes did not settle in their warm-up",
    )


def test_nothing_measured_has_no_fault():
    assert faults([]) == ()


def test_a_device_that_holds_its_speed_is_said_to():
    (found,) = sustained_findings(Sustained(2.0, 10.0, (10.0, 10.2, 10.1), looks((600.0,), (2400.0,), (2400.0,))))
    assert found == (
        "the device holds its speed: the slowest 10 s took 1.020 times as long as the first, the last 1.010 times "
        "(at most 1.05)"
    )


def test_a_device_that_heats_up_is_said_to_with_its_cause():
    warm = looks((600.0,), (2400.0,), (2400.0,), (1500.0,))
    warm = (*warm, Condition(4.0, 85.0, (1500.0,), ("throttled", "soft temperature limit")))
    speed, *causes = sustained_findings(Sustained(2.0, 10.0, (10.0, 10.0, 14.0, 16.0), warm))
    assert speed.startswith("the device does not hold its speed: the slowest 10 s took 1.600 times")
    assert causes == [
        "the firmware reported soft temperature limit, throttled",
        "the clock changed between 1,500 and 2,400 MHz",
    ]


def test_a_sustained_run_leaves_the_latency_before_it_valid(steady):
    hot = Sustained(2.0, 10.0, (10.0, 20.0), (Condition(0.0, throttled=("throttled",)),))
    assert faults([dataclasses.replace(steady, sustained=hot)]) == ()


def test_a_sustained_run_that_was_cut_off_tells_nothing():
    assert sustained_findings(Sustained(1.0, 10.0, ())) == ("too short to tell whether the device holds its speed",)
