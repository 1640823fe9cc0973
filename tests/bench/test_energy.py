"""Joules and watts, where a machine counts them."""

import itertools
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.bench.energy import Counter, Meter, find_counter, find_meter, metered, pmic_w, rails_w

RAPL = "sys/class/powercap/intel-rapl:0"
ZONE = {
    f"{RAPL}/name": "package-0\n",
    f"{RAPL}/energy_uj": "5000000\n",
    f"{RAPL}/max_energy_range_uj": "262143328850\n",
}
PMIC = """ 3V7_WL_SW_A current(0)=0.10000000A
   3V3_SYS_A current(1)=0.20000000A
  VDD_CORE_A current(7)=1.50000000A
   3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
  VDD_CORE_V volt(15)=0.80000000V
      EXT5V_V volt(24)=5.10000000V
       BATT_V volt(25)=0.00000000V
"""
PMIC_W = 0.1 * 3.7 + 0.2 * 3.3 + 1.5 * 0.8


def hwmon(name, number=0, **files):
    folder = f"sys/class/hwmon/hwmon{number}"
    return {f"{folder}/name": f"{name}\n"} | {f"{folder}/{key}": f"{value}\n" for key, value in files.items()}


def test_rapl_counts_joules_of_the_first_package(plant):
    files = ZONE | {
        "sys/class/powercap/intel-rapl:0:0/energy_uj": "1\n",
        "sys/class/powercap/intel-rapl:1/energy_uj": "2\n",
        "sys/class/powercap/intel-rapl-mmio:0/energy_uj": "3\n",
    }
    root = plant(files)
    counter, refused = find_counter(root)
    assert (counter.source, counter.read_j(), counter.wraps_at, refused) == ("RAPL package-0", 5.0, 262143.32885, None)
    plant({f"{RAPL}/energy_uj": "7500000\n"})
    assert counter.read_j() == 7.5


def test_a_counter_that_begins_again_is_followed():
    counter = Counter("RAPL", lambda: 0.0, 100.0)
    assert (counter.used(10.0, 15.0), counter.used(95.0, 5.0), counter.used(7.0, 7.0)) == (5.0, 10.0, 0.0)


def test_a_counter_that_is_gone_later_is_none(plant):
    root = plant(ZONE)
    counter, _ = find_counter(root)
    (root / RAPL / "energy_uj").unlink()
    assert counter.read_j() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may")
def test_a_counter_for_root_only_is_said_to_be():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name, text in ZONE.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (root / RAPL / "energy_uj").chmod(0o400)
        os.seteuid(65534)
        try:
            counter, refused = find_counter(root)
        finally:
            os.seteuid(0)
    assert counter is None
    assert refused.startswith("RAPL package-0: its counter may not be read, by root only on most systems: sudo chmod")


def test_a_counter_that_cannot_be_read_is_said_to_be(plant):
    root = plant({key: value for key, value in ZONE.items() if "energy_uj" not in key})
    (root / RAPL / "energy_uj").mkdir()
    counter, refused = find_counter(root)
    assert counter is None
    assert "may not be read" in refused


@pytest.mark.parametrize(
    "change", [{f"{RAPL}/energy_uj": "nonsense\n"}, {f"{RAPL}/max_energy_range_uj": ""}, {f"{RAPL}/energy_uj": "nan"}]
)
def test_a_counter_of_nonsense_is_not_used(plant, change):
    counter, refused = find_counter(plant(ZONE | change))
    assert counter is None
    assert "holds no number" in refused


def test_a_machine_without_sensors_has_none(plant):
    root = plant(hwmon("cpu_thermal", temp1_input=48000))
    assert find_counter(root) == (None, None)
    assert find_meter(root, "absent-tool") is None


@pytest.mark.parametrize(
    ("files", "source", "watts"),
    [
        (hwmon("ina219", power1_input=3_250_000, curr1_input=650, in1_input=5000), "INA219", 3.25),
        (hwmon("ina219", curr1_input=650, in1_input=5000), "INA219", 3.25),
        (hwmon("ina226", power1_input=1_000_000), "INA226", 1.0),
        (hwmon("ina3221", curr1_input=100, in1_input=5000, curr3_input=1000, in3_input=3300), "INA3221", 3.8),
        (
            hwmon(
                "ina3221",
                in1_label="VDD_IN",
                curr1_input=1000,
                in1_input=5000,
                in2_label="VDD_CPU_GPU_CV",
                curr2_input=400,
                in2_input=5000,
            ),
            "INA3221 (VDD_IN)",
            5.0,
        ),
        (
            hwmon(
                "ina3221",
                in1_label="CPU",
                curr1_input=1000,
                in1_input=1000,
                in2_label="GPU",
                curr2_input=500,
                in2_input=1000,
            ),
            "INA3221 (CPU + GPU)",
            1.5,
        ),
    ],
)
def test_a_power_sensor_is_found_by_its_driver(plant, files, source, watts):
    others = hwmon("cpu_thermal", 1, temp1_input=1) | hwmon("rpi_volt", 2, in0_lcrit_alarm=0)
    meter = find_meter(plant(others | files), "absent-tool")
    assert meter.source == source
    assert meter.read_w() == pytest.approx(watts)


def test_a_sensor_that_gives_nothing_is_passed_over(plant):
    files = hwmon("ina219") | hwmon("ina3221", 1, curr1_input=1000, in1_input=5000)
    assert find_meter(plant(files), "absent-tool").source == "INA3221"


def test_the_power_chip_of_a_pi_5_adds_up_its_rails(plant, tool):
    script = tool(f"""[ "$1" = pmic_read_adc ] && cat <<'END'\n{PMIC}END""")
    meter = find_meter(plant({}), script)
    assert meter.source.startswith("PMIC rails")
    assert meter.read_w() == pytest.approx(PMIC_W)


@pytest.mark.parametrize("body", ["echo 'error=1 error_msg=\"Command not registered\"'", "exit 1", "echo nonsense"])
def test_a_pi_without_that_chip_has_no_meter(plant, tool, body):
    assert find_meter(plant({}), tool(body)) is None
    assert pmic_w(tool(body)) is None


def test_a_rail_counts_only_with_current_and_voltage():
    assert rails_w(PMIC) == pytest.approx(PMIC_W)
    assert rails_w("EXT5V_V volt(24)=5.1V\n VDD_CORE_A current(7)=1.5A\n") is None


@given(st.text() | st.text("VDA_3() currentvol=.0123456789\n"))
def test_no_text_of_the_power_chip_breaks_the_reader(text):
    watts = rails_w(text)
    assert watts is None or watts >= 0


class Load:
    """Power that a meter reads; each query takes a tenth of a second of its own clock once the meter was read."""

    def __init__(self, watts):
        self._watts, self.reads, self.now = itertools.cycle(watts), 0, 0.0

    def read_w(self):
        self.reads += 1
        return next(self._watts)

    def query(self):
        before = self.reads
        while self.reads == before:
            pass
        self.now += 0.1

    def clock(self):
        return self.now


def test_power_is_read_while_queries_run():
    load = Load([4.0])
    found = metered(load.query, Meter("INA219", load.read_w), 1.0, 0.001, load.clock)
    assert found.source == "INA219"
    assert found.queries in (10, 11)
    assert found.joules == pytest.approx(4.0 * found.seconds)
    assert found.seconds == pytest.approx(0.1 * found.queries)


def test_readings_that_vary_are_averaged():
    load = Load([2.0, 4.0])
    found = metered(load.query, Meter("INA219", load.read_w), 5.0, 0.0001, load.clock)
    assert found.joules / found.seconds == pytest.approx(3.0, rel=0.1)


def test_a_meter_that_falls_silent_gives_no_energy():
    load = Load([None])
    assert metered(load.query, Meter("INA219", load.read_w), 0.5, 0.001, load.clock) is None


def test_a_query_that_fails_ends_the_reader(recwarn):
    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        metered(fail, Meter("INA219", lambda: 1.0), 1.0)
    assert not recwarn.list
