"""The firmware's word on voltage, clock and heat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.device.throttling import CAUSES, Throttling, read_throttling, run_vcgencmd

FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


@pytest.mark.parametrize(
    ("bits", "now", "since_boot"),
    [
        (0x0, (), ()),
        (0x50000, (), ("under-voltage", "throttled")),
        (0x50005, ("under-voltage", "throttled"), ("under-voltage", "throttled")),
        (0xE0008, ("soft temperature limit",), ("clock capped", "throttled", "soft temperature limit")),
    ],
)
def test_bits_are_decoded_by_name(bits, now, since_boot):
    throttling = Throttling.decode(bits)
    assert (throttling.now, throttling.since_boot) == (now, since_boot)


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 0xFFF), st.integers(0, 0xFFF))
def test_other_bits_do_not_matter(now, since_boot, low, high):
    found = Throttling.decode(now | low << 4 | since_boot << 16 | high << 20)
    assert found.now == tuple(name for bit, name in enumerate(CAUSES) if now & 1 << bit)
    assert found.since_boot == tuple(name for bit, name in enumerate(CAUSES) if since_boot & 1 << bit)


def test_the_tool_is_asked_first(plant, tool):
    root = plant({FIRMWARE: "0\n"})
    found = read_throttling(root, tool('[ "$1" = get_throttled ] && echo throttled=0x50005'))
    assert found == Throttling(("under-voltage", "throttled"), ("under-voltage", "throttled"), "vcgencmd")


@pytest.mark.parametrize("body", ["exit 1", "echo 'VCHI initialization failed'", "echo throttled=x", "exit 255"])
def test_where_the_tool_is_refused_the_kernel_is_asked(plant, tool, body):
    found = read_throttling(plant({FIRMWARE: "50000\n"}), tool(body))
    assert found == Throttling((), ("under-voltage", "throttled"), "firmware driver")


@pytest.mark.parametrize(("alarm", "now"), [("1", ("under-voltage",)), ("0", ())])
def test_the_voltage_alarm_is_the_last_resort(plant, alarm, now):
    root = plant(
        {
            "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
            "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
            "sys/class/hwmon/hwmon1/in0_lcrit_alarm": f"{alarm}\n",
        }
    )
    assert read_throttling(root, "absent-tool") == Throttling(now, (), "hwmon")


def test_a_machine_that_is_no_pi_has_nothing_to_say(plant):
    assert read_throttling(plant({}), "absent-tool") is None


def test_the_tools_value_is_what_follows_the_equals_sign(tool):
    assert run_vcgencmd("measure_temp", vcgencmd=tool("""echo "temp=48.2'C" """)) == "48.2'C"


def test_a_tool_that_hangs_is_given_up(tool, monkeypatch):
    monkeypatch.setattr("edgeleuk.device.throttling._TIMEOUT_S", 0.2)
    assert run_vcgencmd("get_throttled", vcgencmd=tool("exec sleep 60")) is None


def test_it_becomes_json():
    assert Throttling.decode(0x10001).to_dict() == {
        "now": ["under-voltage"],
        "since_boot": ["under-voltage"],
        "source": "vcgencmd",
    }
