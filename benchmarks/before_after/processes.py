"""Whole commands: seconds and peak memory of a process, in turn."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.before_after.options import Options


@dataclass(frozen=True)
class Command:
    """A command line with its environment, pinned to `cores` if they are given."""

    line: Sequence[str]
    environment: Mapping[str, str]
    cores: frozenset[int] | None = None


@dataclass(frozen=True)
class Run:
    """One run: seconds by wall clock, and of processor time with that of its children."""

    wall: float
    cpu: float


def run(command: Command) -> Run:
    """Run it to its end. Raises SystemExit with what it said if it fails."""
    begun, spent = time.perf_counter(), _children_s()
    done = subprocess.run(
        [*_pinned(command.cores), *command.line],
        check=False,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    wall, cpu = time.perf_counter() - begun, _children_s() - spent
    if done.returncode:
        raise SystemExit(f"{' '.join(command.line)} failed:\n{done.stderr}")
    return Run(wall, cpu)


def in_turn(commands: Mapping[str, Command], options: Options) -> dict[str, list[float]]:
    """Seconds of each of `options.pairs` runs by name, after one that is not counted."""
    return alternated(
        {name: lambda command=command: getattr(run(command), options.clock) for name, command in commands.items()},
        options.pairs,
    )


def alternated(calls: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each call returned by name, A B A B; the first round is not counted, each starts one further on."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(rounds + 1):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            value = calls[name]()
            if number:
                found[name].append(value)
    return found


def _pinned(cores: frozenset[int] | None) -> list[str]:
    return [] if cores is None else ["taskset", "-c", ",".join(map(str, sorted(cores)))]


def _children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system
