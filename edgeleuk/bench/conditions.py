"""What the machine is like while it measures: temperature, clocks, throttling, power, and who else uses it."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.bench.energy import Meter, find_meter
from edgeleuk.bench.measured import Condition
from edgeleuk.device.facts import load_average, temperature_c
from edgeleuk.device.reading import read_number, read_text
from edgeleuk.device.throttling import CAUSES, Throttling, read_throttling

_TICKS_PER_S = 100  # USER_HZ, which is 100 in every Linux ABI
_BUSY, _STEAL = (0, 1, 2, 5, 6), 7  # columns of /proc/stat: user, nice, system, irq, softirq; steal


@dataclass(frozen=True)
class Usage:
    """Processor seconds: of all processes, of this one and its ended children, and those withheld; wall clock."""

    all_s: float | None
    own_s: float
    steal_s: float | None
    wall_s: float

    def others_since(self, before: "Usage") -> tuple[float | None, float | None]:
        """Cores that others used, and that were withheld, since `before`."""
        wall = self.wall_s - before.wall_s
        if wall <= 0 or self.all_s is None or before.all_s is None:
            return None, None
        others = (self.all_s - before.all_s) - (self.own_s - before.own_s)
        steal = (self.steal_s or 0.0) - (before.steal_s or 0.0)
        return max(0.0, others / wall), max(0.0, steal / wall)


class Watch:
    """Takes `Condition`s; `origin_s` is the wall-clock time that their times count from."""

    def __init__(
        self,
        origin_s: float,
        root: Path = Path("/"),
        vcgencmd: str = "vcgencmd",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._origin_s, self._root, self._vcgencmd, self._clock = origin_s, root, vcgencmd, clock
        self._since_boot: tuple[str, ...] = CAUSES  # events before the first look are ignored
        self._clocks = sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))
        self._meter: Meter | None = find_meter(root, vcgencmd)
        self.taken: list[Condition] = []

    def __call__(self) -> Condition:
        """Look at everything now; a millisecond, and some more on a Raspberry Pi, whose firmware is asked."""
        load = load_average(self._root)
        clocks = (read_number(path) for path in self._clocks)
        taken = Condition(
            round(self._clock() - self._origin_s, 3),
            temperature_c(self._root, self._vcgencmd),
            tuple(clock / 1000 for clock in clocks if clock is not None),
            self._throttled(read_throttling(self._root, self._vcgencmd)),
            None if load is None else load[0],
            None if self._meter is None else self._meter.read_w(),
        )
        self.taken.append(taken)
        return taken

    def _throttled(self, told: Throttling | None) -> tuple[str, ...] | None:
        """What holds now, and what came and went since the look before: under-voltage may last for milliseconds."""
        if told is None:
            return None
        new = tuple(cause for cause in CAUSES if cause in told.since_boot and cause not in self._since_boot)
        self._since_boot = told.since_boot
        return tuple(cause for cause in CAUSES if cause in told.now or cause in new)


def usage(root: Path = Path("/"), clock: Callable[[], float] = time.perf_counter) -> Usage:
    """Processor time so far."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(each.ru_utime + each.ru_stime for each in spent)
    first = (read_text(root / "proc/stat") or "").partition("\n")[0].split()[1:]
    busy: float | None = None
    steal: float | None = None
    if len(first) > _STEAL and all(word.isdecimal() for word in first):
        busy = sum(int(first[column]) for column in _BUSY) / _TICKS_PER_S
        steal = int(first[_STEAL]) / _TICKS_PER_S
    return Usage(busy, own, steal, clock())
