"""Cores, clocks and limits, from planted /proc and /sys."""

import os

import pytest

from edgeleuk.device.processor import control_group_limits, this_processor

CPU = "sys/devices/system/cpu"


def cores(governor, count=4):
    files: dict[str, str] = {}
    for core in range(count):
        files |= {
            f"{CPU}/cpu{core}/cpufreq/scaling_governor": f"{governor}\n",
            f"{CPU}/cpu{core}/cpufreq/scaling_driver": "cpufreq-dt\n",
            f"{CPU}/cpu{core}/cpufreq/scaling_max_freq": "1500000\n",
            f"{CPU}/cpu{core}/cpufreq/cpuinfo_max_freq": "2400000\n",
        }
    return files


def test_clocks_and_governors_are_read(plant):
    processor = this_processor(plant(cores("ondemand") | {f"{CPU}/cpufreq/policy0/scaling_governor": "x"}))
    assert processor.governors == ("ondemand",)
    assert (processor.clock_driver, processor.clock_ceiling_mhz, processor.clock_hardware_mhz) == (
        "cpufreq-dt",
        1500,
        2400,
    )


def test_governors_that_differ_are_all_named(plant):
    files = cores("ondemand") | {f"{CPU}/cpu2/cpufreq/scaling_governor": "powersave\n"}
    assert this_processor(plant(files)).governors == ("ondemand", "powersave")


def test_a_fixed_clock_has_no_governor(plant):
    processor = this_processor(plant({}))
    assert (processor.governors, processor.clock_driver, processor.clock_ceiling_mhz) == ((), None, None)


def test_cores_are_those_of_this_process(plant):
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert this_processor(plant({})).usable_cores == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert this_processor(plant({})).usable_cores == len(allowed)


def test_the_least_limit_of_all_groups_above_holds(plant):
    root = plant(
        {
            "proc/self/cgroup": "0::/system.slice/edgeleuk.service\n",
            "sys/fs/cgroup/system.slice/edgeleuk.service/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/system.slice/edgeleuk.service/memory.max": "max\n",
            "sys/fs/cgroup/system.slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/system.slice/memory.max": "268435456\n",
            "sys/fs/cgroup/memory.max": "536870912\n",
        }
    )
    assert control_group_limits(root) == (1.5, 256)


@pytest.mark.parametrize("text", ["max 100000", "", "100000", "x y", "100000 0"])
def test_without_a_quota_there_is_no_limit(plant, text):
    root = plant({"proc/self/cgroup": "4:memory:/x\n0::/\n", "sys/fs/cgroup/cpu.max": text})
    assert control_group_limits(root) == (None, None)


def test_a_machine_without_control_groups_has_no_limit(plant):
    assert control_group_limits(plant({})) == (None, None)


@pytest.mark.parametrize(("controllers", "works"), [("cpuset cpu io pids\n", False), ("cpu memory pids\n", True)])
def test_a_kernel_without_the_memory_controller_is_told(plant, controllers, works):
    assert this_processor(plant({"sys/fs/cgroup/cgroup.controllers": controllers})).memory_limits_work is works
