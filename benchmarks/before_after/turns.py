"""Calls of both builds in turn, in long-lived processes; see `worker`, which runs in them."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.before_after.builds import Build
from benchmarks.before_after.options import Options

_WORKER = Path(__file__).with_name("worker.py")
_WARM_UP = 2  # calls of each turn that are not counted: the other side's have filled the caches


class Worker:
    """A process of a build that makes named calls. Raises SystemExit if it ends."""

    def __init__(self, build: Build, script: Path, arguments: Mapping[str, Any]) -> None:
        """Start it, and wait until its calls are ready."""
        command = [str(build.python), str(_WORKER), str(script), json.dumps(arguments)]
        self._process = subprocess.Popen(
            command, env=build.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._what = f"{script.name} of {build.root}"
        self.calls: list[str] = self._answer()

    def seconds(self, call: str, count: int, clock: str) -> list[float]:
        """Seconds of each of `count` calls, by "wall" or "cpu" clock."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": call, "count": count}) + "\n")
        self._process.stdin.flush()
        found: list[float] = self._answer()[clock]
        return found

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        if not text:
            raise SystemExit(f"{self._what} ended with {self._process.wait()}")
        return json.loads(text)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@dataclass(frozen=True)
class Side:
    """One of what is compared: a name, the build whose interpreter runs, the script with its calls, arguments."""

    name: str
    build: Build
    script: Path
    arguments: Mapping[str, Any]


def in_turn(sides: Sequence[Side], call: str, options: Options) -> dict[str, list[float]]:
    """Milliseconds of a call by side, one sample for each of `options.processes` groups of fresh processes.

    The processes of a group take turns; a sample is the median over all of that process's calls. Processes are the
    unit because the calls of one resemble each other: where its memory lies, hits all of them.
    """
    found: dict[str, list[float]] = {side.name: [] for side in sides}
    for _ in range(options.processes):
        with started(sides, options) as workers:
            calls: dict[str, list[float]] = {name: [] for name in workers}
            for number in range(options.turns):
                names = list(workers)
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    seconds = workers[name].seconds(call, _WARM_UP + options.calls, options.clock)
                    calls[name] += seconds[_WARM_UP:]
        for name, seconds in calls.items():
            found[name].append(1000 * float(np.median(seconds)))
    return found


@contextmanager
def started(sides: Sequence[Side], options: Options) -> Iterator[dict[str, Worker]]:
    """A process of each side, by name, while the block runs."""
    with ExitStack() as stack:
        workers = {}
        for side in sides:
            workers[side.name] = Worker(side.build, side.script, {"core": options.core, **side.arguments})
            stack.callback(workers[side.name].close)
        yield workers
