"""What the machine says of itself, read from /proc and /sys. Whatever cannot be read is None: not every board has it.

Every reader takes the file system's root, so that a planted tree can stand for any machine.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.device.reading import number, read_number, read_text
from edgeleuk.device.throttling import Throttling, read_throttling, run_vcgencmd

_CLOCK = "sys/devices/system/cpu/cpu0/cpufreq"


@dataclass(frozen=True)
class DeviceHealth:
    """What to keep an eye on while it runs; None for what this machine does not report."""

    temperature_c: float | None = None
    throttling: Throttling | None = None
    memory_total_mib: float | None = None
    memory_available_mib: float | None = None
    process_memory_mib: float | None = None
    load_average: tuple[float, float, float] | None = None
    clock_mhz: float | None = None
    governor: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, keys in field order."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return plain | {"throttling": None if self.throttling is None else self.throttling.to_dict()}


def device_health(root: Path = Path("/"), vcgencmd: str = "vcgencmd") -> DeviceHealth:
    """Read it all afresh: some ten small files, and one short process on a Raspberry Pi."""
    memory = meminfo_mib(root)
    return DeviceHealth(
        temperature_c(root, vcgencmd),
        read_throttling(root, vcgencmd),
        memory.get("MemTotal"),
        memory.get("MemAvailable"),
        process_memory_mib(root),
        load_average(root),
        clock_mhz(root),
        governor(root),
    )


def board(root: Path = Path("/")) -> str | None:
    """The board's name: "Raspberry Pi 5 Model B Rev 1.0" from the device tree, or what a PC's firmware says."""
    for place in ("proc/device-tree/model", "sys/firmware/devicetree/base/model", "sys/class/dmi/id/product_name"):
        name = read_text(root / place)
        if name:
            return name
    return None


def meminfo_mib(root: Path = Path("/")) -> dict[str, float]:
    """MiB by name from /proc/meminfo."""
    return _kib_fields(read_text(root / "proc/meminfo"))


def process_memory_mib(root: Path = Path("/")) -> float | None:
    """MiB of this process that are in memory."""
    return _kib_fields(read_text(root / "proc/self/status")).get("VmRSS")


def load_average(root: Path = Path("/")) -> tuple[float, float, float] | None:
    """Processes that ran or wanted to, averaged over 1, 5 and 15 minutes."""
    averages = [number(word) for word in (read_text(root / "proc/loadavg") or "").split()[:3]]
    match averages:
        case [float(one), float(five), float(fifteen)]:
            return one, five, fifteen
    return None


def temperature_c(root: Path = Path("/"), vcgencmd: str = "vcgencmd") -> float | None:
    """Degrees Celsius of the processor: its thermal zone, else the first there is, else the firmware's word."""
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"), key=_zone_order)
    for zone in zones:
        millidegrees = read_number(zone / "temp")
        if millidegrees is not None:
            return millidegrees / 1000
    return number((run_vcgencmd("measure_temp", vcgencmd=vcgencmd) or "").removesuffix("'C"))


def governor(root: Path = Path("/")) -> str | None:
    """Who sets the first core's clock: ondemand, performance, powersave, schedutil ..."""
    return read_text(root / _CLOCK / "scaling_governor") or None


def clock_mhz(root: Path = Path("/")) -> float | None:
    """Clock of the first core, now."""
    kilohertz = read_number(root / _CLOCK / "scaling_cur_freq")
    return None if kilohertz is None else kilohertz / 1000


def _zone_order(zone: Path) -> tuple[bool, int]:
    """The processor's own zone first: on a PC, zone 0 may be that of the case."""
    kind = (read_text(zone / "type") or "").lower()
    position = zone.name.removeprefix("thermal_zone")
    return not any(word in kind for word in ("cpu", "x86_pkg", "soc")), int(position) if position.isdecimal() else 0


def _kib_fields(text: str | None) -> dict[str, float]:
    """MiB by name from lines like "MemTotal:  8245678 kB"."""
    fields = {}
    for line in (text or "").splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdecimal():
            fields[name] = int(words[0]) / 1024
    return fields
