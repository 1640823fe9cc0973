"""Facts about the device that a record holds."""

import getpass
import json
import socket
from pathlib import Path

import pytest

from edgeleuk.bench.machine import describe_machine, processor_name

CPU = "sys/devices/system/cpu"
PI = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd aes asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n",
    "proc/meminfo": "MemTotal:   4194304 kB\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    f"{CPU}/cpu0/cpufreq/scaling_governor": "ondemand\n",
    f"{CPU}/cpu0/cpufreq/scaling_driver": "cpufreq-dt\n",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "2400000\n",
    f"{CPU}/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/class/hwmon/hwmon0/name": "ina219\n",
    "sys/class/hwmon/hwmon0/power1_input": "3100000\n",
}
RAPL = {
    "sys/class/powercap/intel-rapl:0/name": "package-0\n",
    "sys/class/powercap/intel-rapl:0/energy_uj": "1\n",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "1000000\n",
}


def test_a_pi_is_described(plant):
    facts = describe_machine(plant(PI), "absent-tool")
    expected = {
        "board": "Raspberry Pi 5 Model B Rev 1.0",
        "processor": "Cortex-A76",
        "cpu_features": ["asimd", "asimddp"],
        "memory_total_mib": 4096,
        "system": "Debian GNU/Linux 12 (bookworm)",
        "governors": ["ondemand"],
        "clock_ceiling_mhz": 2400,
        "hypervisor": False,
        "energy_counter": None,
        "power_sensor": "INA219",
        "energy_refused": None,
    }
    assert {name: facts[name] for name in expected} == expected
    assert {"edgeleuk", "numpy", "pillow"} <= facts["libraries"].keys()


def test_a_pc_is_described(plant):
    cpuinfo = "processor : 0\nmodel name : Fast CPU\nflags : avx2 avx512f hypervisor lm\n" * 2
    facts = describe_machine(plant(RAPL | {"proc/cpuinfo": cpuinfo}), "absent-tool")
    assert (facts["processor"], facts["cpu_features"], facts["hypervisor"]) == ("Fast CPU", ["avx2", "avx512f"], True)
    assert (facts["energy_counter"], facts["power_sensor"]) == ("RAPL package-0", None)


def test_what_may_not_be_read_is_said(plant):
    root = plant({"sys/class/powercap/intel-rapl:0/energy_uj/absent": ""})
    facts = describe_machine(root, "absent-tool")
    assert facts["energy_counter"] is None
    assert "may not be read" in facts["energy_refused"]


def test_a_machine_that_tells_nothing_is_described(plant):
    facts = describe_machine(plant({}), "absent-tool")
    assert [facts[name] for name in ("board", "processor", "memory_total_mib", "power_sensor")] == [None] * 4
    assert (facts["cpu_features"], facts["governors"], facts["system"]) == ([], [], "unknown")


@pytest.mark.parametrize("files", [PI, {}])
def test_facts_are_json_that_reads_back_equal(plant, files):
    facts = describe_machine(plant(files), "absent-tool")
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_nothing_names_the_owner():
    said = {str(value).lower() for value in describe_machine().values()}
    assert {socket.gethostname().lower(), getpass.getuser().lower(), str(Path.home()).lower()}.isdisjoint(said)


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("model name\t: ARMv7 Processor rev 3 (v7l)\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n", "Cortex-A72"),
        (
            "CPU implementer : 0x41\nCPU part : 0xd05\n\nCPU implementer : 0x41\nCPU part : 0xd0b\n",
            "Cortex-A55 + Cortex-A76",
        ),
        ("CPU implementer\t: 0x41\nCPU part\t: 0xfff\n", "implementer 0x41, part 0xfff"),
        ("CPU implementer\t: 0x61\nCPU part\t: 0xd08\n", "implementer 0x61, part 0xd08"),
        ("model name\t: ARMv8\nCPU implementer\t: 0x41\nCPU part\t: 0xfff\n", "ARMv8"),
        ("model name\t: AMD Ryzen\nmodel name\t: AMD Ryzen\n", "AMD Ryzen"),
        ("CPU implementer\t: 0x41\n", None),
        ("", None),
    ],
)
def test_a_processor_has_the_name_that_says_most(plant, cpuinfo, name):
    assert processor_name(plant({"proc/cpuinfo": cpuinfo})) == name
