"""What the benchmarks share: interleaved timing, peak memory, machine facts, and figures with their bars."""

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA_VERSION = 1
MIB = 1 << 20
_PACKAGES = ("edgeleuk", "numpy", "pillow", "ai-edge-litert", "tensorflow", "tf-keras", "litert-quantizer")


@dataclass(frozen=True)
class Figure:
    """A measured value with its bar: at most `bar`, or at least where `at_least`; None where it is only told.

    `samples` are the raw values it is the median of, in the order they were measured; `interval` holds the true value
    with 95 % confidence.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_least: bool = False
    samples: tuple[float, ...] = ()
    interval: tuple[float, float] | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def line(self) -> str:
        """The figure as one line: value, samples, bar, pass or FAIL."""
        count = f"(median of {len(self.samples)})" if len(self.samples) > 1 else ""
        text = f"{self.name:<58} {self.value:>10.4g} {self.unit:<9} {count:<15}"
        if self.bar is None:
            return text.rstrip()
        return f"{text} bar {'>=' if self.at_least else '<='} {self.bar:g}  {'pass' if self.met else 'FAIL'}"


def median_figure(
    name: str,
    samples: Sequence[float],
    unit: str,
    bar: float | None = None,
    at_least: bool = False,
    interval: tuple[float, float] | None = None,
) -> Figure:
    """The median of samples, which it keeps."""
    return Figure(name, float(np.median(samples)), unit, bar, at_least, tuple(round(s, 6) for s in samples), interval)


def ratios(numerator: Sequence[float], denominator: Sequence[float]) -> list[float]:
    """Ratio of each pair of an interleaved run: what slows the machine for a while slows both of a pair."""
    return [a / b for a, b in zip(numerator, denominator, strict=True)]


def interleave(
    calls: Mapping[str, Callable[[], Any]],
    rounds: int,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
    pause_s: float = 0.0,
) -> dict[str, list[float]]:
    """Seconds of each call by name, A B A B; each round starts one further on, so that none always comes first.

    `pause_s` before each lets threads of the one before come to rest, which go on spinning for a while.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(-warm_up, rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            if pause_s:
                time.sleep(pause_s)
            begun = clock()
            calls[name]()
            if number >= 0:
                times[name].append(clock() - begun)
    return times


def progress(text: str) -> None:
    """Say on standard error what was done, for whoever waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def reset_peak_memory() -> None:
    """Forget the peak that `peak_memory_mib` tells (proc_pid_clear_refs(5), Linux). Raises OSError elsewhere."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mib() -> float:
    """Greatest resident memory of this process since its start or `reset_peak_memory`, in MiB."""
    return _status_mib("VmHWM")


def memory_mib() -> float:
    """Resident memory of this process now, in MiB."""
    return _status_mib("VmRSS")


def _status_mib(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024 / MIB


def machine() -> dict[str, Any]:
    """What a figure depends on: processor, cores, system, versions, and how busy the machine is now."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "release": platform.release(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return found.get("model name") or found.get("Model") or platform.processor()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with --json, which every script has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the record here: figures, samples, machine")
    return made


def positive(text: str) -> int:
    """A whole number of 1 or more, for argparse."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number, 1 or more")
    return int(text)


def finish(name: str, figures: Sequence[Figure], arguments: argparse.Namespace, **facts: Any) -> int:
    """Print the figures, write the record where --json asks for it; returns the exit code: 1 where a bar is missed."""
    found = machine()
    print(f"{name}: {found['cores']} cores, load {found['load_average'][0]}, Python {found['python']}")
    for figure in figures:
        print(f"  {figure.line()}")
    return write_record(name, figures, arguments, **facts)


def write_record(name: str, figures: Sequence[Figure], arguments: argparse.Namespace, **facts: Any) -> int:
    """Write the record where --json asks for it; returns the exit code: 1 where a bar is missed."""
    if arguments.json is not None:
        options = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
        rows = [asdict(figure) | {"met": figure.met} for figure in figures]
        record = {"schema_version": SCHEMA_VERSION, "benchmark": name, "options": options, "figures": rows}
        text = json.dumps(record | {"facts": facts, "machine": machine()}, indent=2, ensure_ascii=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return int(any(figure.met is False for figure in figures))
