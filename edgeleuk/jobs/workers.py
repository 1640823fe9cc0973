"""Jobs on this machine, several at a time, each on its share of the cores."""

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import BinaryIO

from edgeleuk.jobs.job import PYTHON, Job, command_of, opened_log
from edgeleuk.processes.child import Child, Outcome

_PATIENCE_S = 10.0  # for a job of a process that was killed just now


class Workers:
    """Runs jobs, each on its share of the processor's cores."""

    def __init__(
        self, count: int, python: Sequence[str] = PYTHON, environment: Mapping[str, str] | None = None
    ) -> None:
        """`count` jobs in parallel, with these variables besides those of this process."""
        self._count, self._python = count, tuple(python)
        self._environment = os.environ | dict(environment or {})
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
        with opened_log(job, _PATIENCE_S) as log:
            child = self._start(command_of(job, self._python, cores), log)
            try:
                return child.ask(job.arguments)
            finally:
                with self._lock:
                    self._running.discard(child)

    def _start(self, command: Sequence[str], log: BinaryIO) -> Child:
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
