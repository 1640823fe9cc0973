"""What a machine says of itself, read from planted /proc and /sys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.device.facts import DeviceHealth, board, device_health, load_average, meminfo_mib, temperature_c
from edgeleuk.device.reading import number
from edgeleuk.device.throttling import Throttling

PI = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/meminfo": "MemTotal:   4194304 kB\nMemFree:     100 kB\nMemAvailable: 2097152 kB\nHugePages_Total: 0\n",
    "proc/self/status": "Name:\tpython3\nVmPeak:\t  90000 kB\nVmRSS:\t   51200 kB\nThreads:\t4\n",
    "proc/loadavg": "0.52 0.58 0.59 1/389 12345\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48850\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
}


def test_a_pi_tells_everything(plant):
    root = plant(PI)
    assert board(root) == "Raspberry Pi 5 Model B Rev 1.0"
    assert device_health(root, "absent-tool") == DeviceHealth(
        temperature_c=48.85,
        throttling=Throttling((), (), "firmware driver"),
        memory_total_mib=4096,
        memory_available_mib=2048,
        process_memory_mib=50,
        load_average=(0.52, 0.58, 0.59),
        clock_mhz=1500,
        governor="ondemand",
    )


def test_a_machine_that_tells_nothing_is_all_none(plant):
    root = plant({})
    assert (board(root), device_health(root, "absent-tool")) == (None, DeviceHealth())


def test_files_of_nonsense_are_none(plant):
    root = plant(dict.fromkeys(PI, "\0\xff nonsense\n"))
    health = device_health(root, "absent-tool")
    assert health == DeviceHealth(governor=health.governor)


def test_this_machine_tells_of_its_memory():
    health = device_health()
    assert health.memory_total_mib > health.memory_available_mib > 0
    assert 5 < health.process_memory_mib < health.memory_total_mib
    assert health.load_average is not None


def test_it_becomes_json(plant):
    record = json.loads(json.dumps(device_health(plant(PI), "absent-tool").to_dict()))
    assert record["throttling"] == {"now": [], "since_boot": [], "source": "firmware driver"}
    assert record["load_average"] == [0.52, 0.58, 0.59]
    assert json.loads(json.dumps(DeviceHealth().to_dict()))["throttling"] is None


def test_the_processors_thermal_zone_comes_before_that_of_the_case(plant):
    zones = {"thermal_zone0": ("acpitz", "27800"), "thermal_zone10": ("x86_pkg_temp", "61000")}
    files: dict[str, str] = {}
    for name, (kind, temperature) in zones.items():
        files |= {f"sys/class/thermal/{name}/type": kind, f"sys/class/thermal/{name}/temp": temperature}
    assert temperature_c(plant(files), "absent-tool") == 61


def test_without_a_thermal_zone_the_firmware_is_asked(plant, tool):
    assert temperature_c(plant({}), tool("""echo "temp=48.2'C" """)) == 48.2


def test_a_load_that_is_no_number_is_none(plant):
    assert load_average(plant({"proc/loadavg": "nan 0.1 0.1 1/2 3\n"})) is None


def test_a_pc_is_named_by_its_firmware(plant):
    assert board(plant({"sys/class/dmi/id/product_name": "OptiPlex 7010\n"})) == "OptiPlex 7010"


@given(st.text())
def test_no_text_breaks_a_reader(tmp_path_factory, text):
    root = tmp_path_factory.mktemp("root")
    (root / "proc").mkdir()
    for name in ("meminfo", "loadavg"):
        (root / "proc" / name).write_text(text, errors="replace")
    assert all(value >= 0 for value in meminfo_mib(root).values())
    averages = load_average(root)
    assert averages is None or len(averages) == 3


@pytest.mark.parametrize("text", [None, "", "inf", "-inf", "nan", "1e999", "warm"])
def test_what_is_no_finite_number_is_none(text):
    assert number(text) is None
