"""Counters of energy and power, where the machine has them; what it has not is absent, never guessed.

RAPL (Intel and AMD): /sys/class/powercap, microjoules, readable by root alone on most kernels. INA219 and INA3221
sensors: hwmon, microwatts. Raspberry Pi 5: its power chip through `vcgencmd pmic_read_adc`, volts and amperes by rail.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgeleuk.device.reading import read_number, read_text
from edgeleuk.device.throttling import run_vcgencmd

_SENSORS = ("ina219", "ina226", "ina3221")
_RAIL = re.compile(r"(\w+)_([AV]) (?:current|volt)\(\d+\)=([\d.]+)[AV]")


@dataclass(frozen=True)
class Counter:
    """Joules so far; `wraps_at` joules it begins again from zero."""

    source: str
    read_j: Callable[[], float | None]
    wraps_at: float | None = None

    def used(self, before: float, after: float) -> float:
        """Joules between two readings."""
        return after - before if after >= before or self.wraps_at is None else after - before + self.wraps_at


@dataclass(frozen=True)
class Meter:
    """Watts now."""

    source: str
    read_w: Callable[[], float | None]


def find_counter(root: Path = Path("/")) -> tuple[Counter | None, str | None]:
    """RAPL's counter of the first whole processor, and why it cannot be read if it is there but may not be."""
    zones = sorted((root / "sys/class/powercap").glob("*rapl:[0-9]"))
    for zone in zones:
        microjoules = read_number(zone / "energy_uj")
        if microjoules is None:
            return None, f"{zone.name}: its energy counter may be read by root only (chmod a+r {zone}/energy_uj)"
        span = read_number(zone / "max_energy_range_uj")
        name = read_text(zone / "name") or zone.name
        return Counter(f"RAPL {name}", partial(_joules, zone / "energy_uj"), None if span is None else span / 1e6), None
    return None, None


def find_meter(root: Path = Path("/"), vcgencmd: str = "vcgencmd") -> Meter | None:
    """A sensor of electric power: INA219, INA226 or INA3221 by hwmon, else the power chip of a Raspberry Pi 5."""
    for name in sorted((root / "sys/class/hwmon").glob("hwmon*/name")):
        if read_text(name) in _SENSORS and _hwmon_w(name.parent) is not None:
            return Meter(str(read_text(name)).upper(), partial(_hwmon_w, name.parent))
    if pmic_w(vcgencmd) is not None:
        return Meter("PMIC rails (without USB and what the 5 V header feeds)", partial(pmic_w, vcgencmd))
    return None


def pmic_w(vcgencmd: str = "vcgencmd") -> float | None:
    """Watts over all rails that tell both current and voltage; None where the tool does not know them."""
    text = run_vcgencmd("pmic_read_adc", vcgencmd=vcgencmd, whole=True)
    return None if text is None else rails_w(text)


def rails_w(text: str) -> float | None:
    """Watts from lines like "3V3_SYS_A current(1)=0.10539570A" and "3V3_SYS_V volt(9)=3.31330200V"."""
    rails: dict[str, dict[str, float]] = {}
    for name, kind, value in _RAIL.findall(text):
        rails.setdefault(name, {})[kind] = float(value)
    both = [rail["A"] * rail["V"] for rail in rails.values() if len(rail) == 2]
    return sum(both) if both else None


def _joules(path: Path) -> float | None:
    microjoules = read_number(path)
    return None if microjoules is None else microjoules / 1e6


def _hwmon_w(folder: Path) -> float | None:
    """The sensor's own power, else current (mA) times voltage (mV) of each channel; an INA3221 has three."""
    power = read_number(folder / "power1_input")
    if power is not None:
        return power / 1e6
    channels = [
        (read_number(folder / f"curr{number}_input"), read_number(folder / f"in{number}_input")) for number in (1, 2, 3)
    ]
    known = [amperes * volts / 1e6 for amperes, volts in channels if amperes is not None and volts is not None]
    return sum(known) if known else None
