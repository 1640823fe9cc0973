"""Counters of energy and power, where the machine has them; what it lacks is absent, never guessed.

RAPL (Intel and AMD): /sys/class/powercap, microjoules, readable by root alone on most kernels. INA219 and INA3221
sensors: hwmon, microwatts. Raspberry Pi 5: its power chip through `vcgencmd pmic_read_adc`, volts and amperes by rail.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgeleuk.bench.measured import Energy
from edgeleuk.device.reading import read_number, read_text
from edgeleuk.device.throttling import run_vcgencmd

Clock = Callable[[], float]  # seconds
_SENSORS = ("ina219", "ina226", "ina3221")
_RAIL = re.compile(r"(\w+)_([AV]) (?:current|volt)\(\d+\)=(\d+(?:\.\d+)?)[AV]", re.ASCII)
_TOTAL = re.compile(r"_IN$|^VIN", re.IGNORECASE)  # a channel before all the others, as on Jetson boards
_FEWEST_READINGS = 3


@dataclass(frozen=True)
class Counter:
    """Joules so far; at `wraps_at` joules it wraps to zero."""

    source: str
    read_j: Callable[[], float | None]
    wraps_at: float

    def used(self, before: float, after: float) -> float:
        """Joules between two readings."""
        return after - before if after >= before else after - before + self.wraps_at


@dataclass(frozen=True)
class Meter:
    """Watts now."""

    source: str
    read_w: Callable[[], float | None]


def find_counter(root: Path = Path("/")) -> tuple[Counter | None, str | None]:
    """RAPL's counter of the first whole processor, and why it cannot be read if it is there but may not be."""
    zones = sorted((root / "sys/class/powercap").glob("*rapl:[0-9]"))
    if not zones:
        return None, None
    zone = zones[0]
    name, place = read_text(zone / "name") or zone.name, zone / "energy_uj"
    if read_text(place) is None:
        return None, f"RAPL {name}: its counter may not be read, by root only on most systems: sudo chmod a+r {place}"
    span = read_number(zone / "max_energy_range_uj")
    if read_number(place) is None or not span:
        return None, f"RAPL {name}: {zone} holds no number, or does not report where its counter begins again"
    return Counter(f"RAPL {name}", partial(_joules, place), span / 1e6), None


def find_meter(root: Path = Path("/"), vcgencmd: str = "vcgencmd") -> Meter | None:
    """A sensor of electric power: INA219, INA226 or INA3221 by hwmon, else the power chip of a Raspberry Pi 5."""
    for name in sorted((root / "sys/class/hwmon").glob("hwmon*/name")):
        sensor = read_text(name)
        if sensor in _SENSORS and _hwmon_w(name.parent) is not None:
            return Meter(f"{sensor.upper()}{_labels(name.parent)}", partial(_hwmon_w, name.parent))
    if pmic_w(vcgencmd) is not None:
        return Meter("PMIC rails (without USB and what the 5 V header feeds)", partial(pmic_w, vcgencmd))
    return None


def metered(
    query: Callable[[], object], meter: Meter, seconds: float, interval_s: float = 0.1, clock: Clock = time.perf_counter
) -> Energy | None:
    """Queries for `seconds` while another thread reads the meter; None if it reported too seldom.

    Power between queries is that of a processor that just paused, and a reader beside them takes time of its own: so
    these queries count for energy only. Joules are the readings' mean times the time.
    """
    readings: list[float] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            watts = meter.read_w()
            if watts is not None:
                readings.append(watts)
            done.wait(interval_s)

    reader = threading.Thread(target=read, daemon=True)
    queries, begin = 0, clock()
    reader.start()
    try:
        while clock() - begin < seconds:
            query()
            queries += 1
        spent = clock() - begin
    finally:
        done.set()
        reader.join()
    if len(readings) < _FEWEST_READINGS:
        return None
    return Energy(meter.source, spent * sum(readings) / len(readings), spent, queries)


def pmic_w(vcgencmd: str = "vcgencmd") -> float | None:
    """Watts over all rails that tell both current and voltage; None if the tool does not know them."""
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
    """The sensor's own power, else current (mA) times voltage (mV) of its channels; an INA3221 has three."""
    power = read_number(folder / "power1_input")
    if power is not None:
        return power / 1e6
    pairs = [
        (read_number(folder / f"curr{number}_input"), read_number(folder / f"in{number}_input"))
        for number in _channels(folder)
    ]
    known = [amperes * volts / 1e6 for amperes, volts in pairs if amperes is not None and volts is not None]
    return sum(known) if known else None


def _channels(folder: Path) -> tuple[int, ...]:
    """Those to add up: one that feeds the others counts alone."""
    total = tuple(number for number in (1, 2, 3) if _TOTAL.search(read_text(folder / f"in{number}_label") or ""))
    return total[:1] or (1, 2, 3)


def _labels(folder: Path) -> str:
    """ " (VDD_IN)": what the channels that are added up feed, if the system names them."""
    named = [label for number in _channels(folder) if (label := read_text(folder / f"in{number}_label"))]
    return f" ({' + '.join(named)})" if named else ""
