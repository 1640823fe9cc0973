"""Looks at a planted machine while it measures."""

import os

import pytest

from edgeleuk.bench.conditions import Usage, Watch, usage
from edgeleuk.bench.measured import Condition

CPU = "sys/devices/system/cpu"
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI = {
    "proc/loadavg": "0.52 0.58 0.59 1/389 12345\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48850\n",
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "2400000\n",
    f"{CPU}/cpufreq/policy0/scaling_cur_freq": "1\n",
    FIRMWARE: "0\n",
    "sys/class/hwmon/hwmon0/name": "ina219\n",
    "sys/class/hwmon/hwmon0/power1_input": "3100000\n",
}


def test_a_look_sees_everything(plant):
    watch = Watch(100.0, plant(PI), "absent-tool", clock=lambda: 101.2344)
    assert watch() == Condition(1.234, 48.85, (1500.0, 2400.0), (), 0.52, 3.1)


def test_a_machine_without_sensors_tells_the_time_only(plant):
    watch = Watch(0.0, plant({}), "absent-tool", clock=lambda: 2.0)
    assert watch() == Condition(2.0, None, (), None, None, None)


def test_looks_are_kept_in_order(plant):
    times = iter([1.0, 2.5])
    root = plant(PI)
    watch = Watch(0.0, root, "absent-tool", clock=lambda: next(times))
    watch()
    plant({"sys/class/thermal/thermal_zone0/temp": "61000\n", f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "600000\n"})
    watch()
    assert [(look.time_s, look.temperature_c, look.clocks_mhz[1]) for look in watch.taken] == [
        (1.0, 48.85, 2400.0),
        (2.5, 61.0, 600.0),
    ]


def test_a_clock_that_vanishes_is_left_out(plant):
    root = plant(PI)
    watch = Watch(0.0, root, "absent-tool")
    (root / CPU / "cpu1/cpufreq/scaling_cur_freq").unlink()
    assert watch().clocks_mhz == (1500.0,)


def test_throttling_is_seen_now_and_if_it_came_and_went_between_looks(plant):
    root = plant(PI | {FIRMWARE: "50000\n"})
    watch = Watch(0.0, root, "absent-tool")
    seen = []
    for bits in ("50000", "50000", "70000", "70000", "f0008", "f0000", "0", "10000"):
        plant({FIRMWARE: f"{bits}\n"})
        seen.append(watch().throttled)
    assert seen == [
        (),  # under-voltage and throttling before it began are not its own
        (),
        ("clock capped",),
        (),
        ("soft temperature limit",),
        (),
        (),
        ("under-voltage",),  # a driver that clears the firmware's memory makes room for the next time
    ]


def test_the_tool_tells_of_throttling(plant, tool):
    watch = Watch(0.0, plant({}), tool('[ "$1" = get_throttled ] && echo throttled=0x50005'))
    assert watch().throttled == ("under-voltage", "throttled")


STAT = "cpu  {user} 100 200 9000 50 10 20 {steal} 5 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n"


def test_time_of_others_and_withheld_time_are_told_apart(plant):
    own = iter([10.0, 14.0])
    before = usage(plant({"proc/stat": STAT.format(user=1000, steal=40)}), lambda: next(own))
    plant_after = plant({"proc/stat": STAT.format(user=1000 + 800, steal=40 + 100)})
    after = usage(plant_after, lambda: next(own))
    assert after.all_s - before.all_s == pytest.approx(8.0)
    others, steal = after.others_since(before)
    assert others == pytest.approx(2.0, abs=0.2)
    assert steal == pytest.approx(0.25)


def test_own_time_is_not_that_of_others():
    found = Usage(30.0, 11.0, 2.0, 110.0).others_since(Usage(20.0, 5.0, 1.5, 100.0))
    assert found == (pytest.approx(0.4), pytest.approx(0.05))


def test_ticks_that_lag_are_no_negative_load():
    assert Usage(20.0, 6.0, 1.0, 110.0).others_since(Usage(20.0, 5.0, 1.5, 100.0)) == (0.0, 0.0)


def test_time_of_ended_children_is_own():
    before = usage()
    pid = os.spawnlp(os.P_WAIT, "sh", "sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done")
    assert pid == 0
    assert usage().own_s - before.own_s > 0.005


@pytest.mark.parametrize("text", ["", "cpu 1 2 3\n", "cpu  a b c d e f g h\n", "cpu  -1 0 0 0 0 0 0 0\n"])
def test_without_statistics_nothing_is_said_of_others(plant, text):
    found = usage(plant({"proc/stat": text}))
    assert (found.all_s, found.steal_s) == (None, None)
    assert found.others_since(found) == (None, None)


def test_this_machine_counts():
    before, after = usage(), usage()
    assert after.all_s >= before.all_s > 0
    assert after.wall_s > before.wall_s
