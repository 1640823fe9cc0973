"""Whole commands: seconds of a process, in turn."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from benchmarks.before_after.options import Options


@dataclass(frozen=True)
class Command:
    """A command line with its environment, on `cores` alone if they are given."""

    line: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cores: frozenset[int] | None = None


@dataclass(frozen=True)
class Run:
    """Seconds of one run, by wall clock and of processor time, its children's with it; and what it printed."""

    wall: float
    cpu: float
    output: str


def run(command: Command) -> Run:
    """Run it to its end. Raises SystemExit with what it said if it fails."""
    with _on(command.cores):
        begun, spent = time.perf_counter(), _children_s()
        done = subprocess.run(
            command.line,
            check=False,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        wall, cpu = time.perf_counter() - begun, _children_s() - spent
    if done.returncode:
        raise SystemExit(f"{' '.join(command.line)} failed:\n{done.stderr}")
    return Run(wall, cpu, done.stdout)


def in_turn(commands: Mapping[str, Command], options: Options) -> dict[str, list[float]]:
    """Seconds of each of `options.pairs` runs by name, after one that is not counted."""
    return alternated({name: partial(_seconds, each, options.clock) for name, each in commands.items()}, options.pairs)


def _seconds(command: Command, clock: str) -> float:
    found = run(command)
    return found.cpu if clock == "cpu" else found.wall


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


@contextmanager
def _on(cores: frozenset[int] | None) -> Iterator[None]:
    """What is started meanwhile runs there alone."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores or allowed)
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
