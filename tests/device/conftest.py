"""What tests of the device share: the facts of a machine that lacks nothing."""

import pytest

from edgeleuk.device.delegate import Coverage
from edgeleuk.device.facts import DeviceHealth
from edgeleuk.device.findings import Facts
from edgeleuk.device.host import Clock, Host, Place, User
from edgeleuk.device.processor import Processor
from edgeleuk.device.throttling import Throttling
from edgeleuk.device.trial import PROBE_ANSWERS, Trial


@pytest.fixture
def healthy() -> Facts:
    """A Raspberry Pi 5 on which nothing is amiss."""
    probe = Trial(
        "litert",
        invoke_ms={4: 0.1},
        default_threads=4,
        input_type="int8",
        output=PROBE_ANSWERS["litert"],
        coverage=Coverage(8, 8, 1, {}),
        peak_memory_mib=48.0,
    )
    return Facts(
        host=Host(
            (3, 11, 2),
            "aarch64",
            64,
            "glibc",
            "2.36",
            "Debian GNU/Linux 12 (bookworm)",
            frozenset({"fp", "asimd", "asimddp"}),
            {"ai_edge_litert": "2.3.0", "numpy": "1.26.4", "PIL": "10.4.0", "click": "8.1.7"},
        ),
        health=DeviceHealth(48.5, Throttling((), ()), 8062.0, 7100.0, 20.0, (0.1, 0.1, 0.1), 2400.0, "ondemand"),
        processor=Processor(4, 4, None, None, True, ("ondemand",), "cpufreq-dt", 2400.0, 2400.0),
        place=Place("/home/pi", True, 20_000.0),
        clock=Clock(2026, True),
        user=User("pi", ("pi", "video")),
        board="Raspberry Pi 5 Model B Rev 1.0",
        backend="litert",
        trials={"litert": probe},
    )
