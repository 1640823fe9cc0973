"""Why a Raspberry Pi runs slower than it could: the firmware's word on supply voltage, temperature and clock.

Bits of `vcgencmd get_throttled`: 0 to 3 hold now, 16 to 19 have happened since boot.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.device.reading import read_text

CAUSES = ("under-voltage", "clock capped", "throttled", "soft temperature limit")
_SINCE_BOOT_SHIFT = 16
_TIMEOUT_S = 2.0
_FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


@dataclass(frozen=True)
class Throttling:
    """Which of `CAUSES` hold now and which have held since boot. `source` says who told."""

    now: tuple[str, ...]
    since_boot: tuple[str, ...]
    source: str = "vcgencmd"

    @classmethod
    def decode(cls, bits: int, source: str = "vcgencmd") -> "Throttling":
        """From the firmware's word."""
        return cls(_causes(bits), _causes(bits >> _SINCE_BOOT_SHIFT), source)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"now": list(self.now), "since_boot": list(self.since_boot), "source": self.source}


def read_throttling(root: Path = Path("/"), vcgencmd: str = "vcgencmd") -> Throttling | None:
    """Ask the firmware, or the kernel if the tool is absent or not allowed to; None if neither knows (no Pi).

    The tool comes first: the kernel's copy is as old as its driver's last look, which also clears what was before, and
    reading it leaves a warning in the kernel's log, once.
    """
    bits = _hexadecimal(run_vcgencmd("get_throttled", vcgencmd=vcgencmd))
    if bits is not None:
        return Throttling.decode(bits)
    bits = _hexadecimal(read_text(root / _FIRMWARE))
    if bits is not None:
        return Throttling.decode(bits, "firmware driver")
    return _voltage_alarm(root)


def run_vcgencmd(*arguments: str, vcgencmd: str = "vcgencmd", whole: bool = False) -> str | None:
    """The value after the `=` of what the tool prints, or all of it; None if it is absent, refused, slow or failed.

    An unknown command fails without an exit code, by the words "error=1".
    """
    try:
        done = subprocess.run(
            [vcgencmd, *arguments], capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0 or done.stdout.startswith("error="):
        return None
    return (done.stdout if whole else done.stdout.partition("=")[2]).strip() or None


def _voltage_alarm(root: Path) -> Throttling | None:
    """The hwmon driver rpi_volt knows of under-voltage only."""
    for name in sorted((root / "sys/class/hwmon").glob("hwmon*/name")):
        if read_text(name) == "rpi_volt":
            alarm = read_text(name.with_name("in0_lcrit_alarm"))
            return None if alarm is None else Throttling(CAUSES[:1] if alarm == "1" else (), (), "hwmon")
    return None


def _causes(bits: int) -> tuple[str, ...]:
    return tuple(name for position, name in enumerate(CAUSES) if bits >> position & 1)


def _hexadecimal(text: str | None) -> int | None:
    try:
        return None if text is None else int(text, 16)
    except ValueError:
        return None
