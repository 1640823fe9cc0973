"""Cores, clocks and limits: how much of the processor and the memory this process may use."""

import os
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.device.reading import read_number, read_text

_CPU = "sys/devices/system/cpu"


@dataclass(frozen=True)
class Processor:
    """`usable_cores`: those the affinity allows; `quota_cores`, `memory_limit_mib`: a control group's limits, if any.

    `clock_ceiling_mhz` is what the governor may choose, `clock_hardware_mhz` what the chip can.
    """

    cores: int
    usable_cores: int
    quota_cores: float | None = None
    memory_limit_mib: float | None = None
    memory_limits_work: bool = True
    governors: tuple[str, ...] = ()
    clock_driver: str | None = None
    clock_ceiling_mhz: float | None = None
    clock_hardware_mhz: float | None = None


def this_processor(root: Path = Path("/")) -> Processor:
    """The processor as this process sees it."""
    quota, memory = control_group_limits(root)
    policies = sorted((root / _CPU).glob("cpu[0-9]*/cpufreq"))
    first = policies[0] if policies else root / "absent"
    return Processor(
        os.cpu_count() or 1,
        len(os.sched_getaffinity(0)),
        quota,
        memory,
        _memory_controller(root),
        tuple(sorted({name for policy in policies if (name := read_text(policy / "scaling_governor"))})),
        read_text(first / "scaling_driver"),
        _mhz(first / "scaling_max_freq"),
        _mhz(first / "cpuinfo_max_freq"),
    )


def control_group_limits(root: Path = Path("/")) -> tuple[float | None, float | None]:
    """Cores and MiB that this process's control group (version 2) and those above it leave; None without a limit."""
    groups = _groups(root)
    quotas = [_quota_cores(read_text(group / "cpu.max")) for group in groups]
    limits = [read_number(group / "memory.max") for group in groups]
    bytes_left = _least(limits)
    return _least(quotas), None if bytes_left is None else bytes_left / 2**20


def _groups(root: Path) -> list[Path]:
    """Folders of this process's group and all above it; those of version 2 stand in the line that begins with 0::"""
    top = root / "sys/fs/cgroup"
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        if line.startswith("0::/"):
            own = top / line.removeprefix("0::/")
            return [own, *(parent for parent in own.parents if parent == top or top in parent.parents)]
    return []


def _quota_cores(text: str | None) -> float | None:
    """From "QUOTA PERIOD" in microseconds, or "max PERIOD"."""
    words = (text or "").split()
    if len(words) != 2 or not words[0].isdecimal() or not words[1].isdecimal() or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def _memory_controller(root: Path) -> bool:
    """Whether a service's MemoryMax holds: Raspberry Pi OS starts without the memory controller."""
    controllers = read_text(root / "sys/fs/cgroup/cgroup.controllers")
    return controllers is None or "memory" in controllers.split()


def _least(values: list[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _mhz(path: Path) -> float | None:
    kilohertz = read_number(path)
    return None if kilohertz is None else kilohertz / 1000
