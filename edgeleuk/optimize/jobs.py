"""Jobs in isolated processes, several in parallel: divergence, out-of-memory or a kill ends only that job."""

import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from edgeleuk.data.root import VARIABLE
from edgeleuk.files import output_errors
from edgeleuk.processes.child import Child, Outcome


@dataclass(frozen=True)
class Job:
    """Something to do: `action` names a function of `edgeleuk.optimize.work`; `log` gets what it prints."""

    action: str
    arguments: dict[str, Any]
    log: Path


class Workers:
    """Runs jobs, each on its share of the processor's cores."""

    def __init__(self, count: int, python: Sequence[str] = (sys.executable,), data_root: Path | None = None) -> None:
        """`count` jobs in parallel; `data_root` is where the images of their runs lie, whatever those say."""
        self._count, self._python = count, tuple(python)
        self._environment = os.environ | ({} if data_root is None else {VARIABLE: str(data_root)})
        self._running: set[Child] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Outcomes in the order of the jobs. A KeyboardInterrupt, or any other exception, ends all that run."""
        at_a_time = min(self._count, len(jobs))
        shares: SimpleQueue[set[int]] = SimpleQueue()
        for share in _shares(sorted(os.sched_getaffinity(0)), at_a_time):
            shares.put(share)

        def one(number: int) -> Outcome:
            share = shares.get()
            try:
                return self._run(jobs[number], share)
            finally:
                shares.put(share)

        with ThreadPoolExecutor(max(at_a_time, 1)) as pool:
            futures = [pool.submit(one, number) for number in range(len(jobs))]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                self._end()
                raise

    def _run(self, job: Job, cores: set[int]) -> Outcome:
        with output_errors(job.log):
            job.log.parent.mkdir(parents=True, exist_ok=True)
            log = job.log.open("a+b")
        with log:
            child = self._start(cores, log)
            try:
                return child.ask(job.arguments | {"action": job.action})
            finally:
                with self._lock:
                    self._running.discard(child)

    def _start(self, cores: set[int], log: BinaryIO) -> Child:
        command = [*self._python, "-m", "edgeleuk.optimize.work", ",".join(map(str, sorted(cores)))]
        with self._lock:
            if self._stopped:
                raise KeyboardInterrupt
            child = Child(command, log, self._environment)
            self._running.add(child)
        return child

    def _end(self) -> None:
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.kill()


def _shares(cores: Sequence[int], count: int) -> list[set[int]]:
    """The cores dealt to `count` jobs; all of them share if there are fewer cores than jobs."""
    if count > len(cores):
        return [set(cores)] * count
    return [set(cores[number::count]) for number in range(count)]
