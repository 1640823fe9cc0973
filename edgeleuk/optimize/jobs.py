"""Jobs in processes of their own, some at a time: one that diverges, fills the memory or is killed ends alone."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from edgeleuk.data.root import VARIABLE
from edgeleuk.device.trial import how_it_ended
from edgeleuk.files import output_errors

_LOG_TAIL = 4000
_OUT_OF_MEMORY = "; Linux does that to what takes more memory than there is"


@dataclass(frozen=True)
class Job:
    """Something to do: `action` names a function of `edgeleuk.optimize.work`; `log` gets what it prints."""

    action: str
    arguments: dict[str, Any]
    log: Path


@dataclass(frozen=True)
class Outcome:
    """What a job returned after some seconds: an answer, or why there is none.

    `usage`: what was asked for cannot be done at all. `output`: nothing was wrong but the place to write to.
    """

    answer: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    usage: bool = False
    output: bool = False
    seconds: float = 0.0


class Workers:
    """Runs jobs, each on its share of the processor's cores."""

    def __init__(self, count: int, python: Sequence[str] = (sys.executable,), data_root: Path | None = None) -> None:
        """`count` jobs at a time; `data_root` is where the images of their runs lie, whatever those say."""
        self._count, self._python = count, tuple(python)
        self._environment = os.environ | ({} if data_root is None else {VARIABLE: str(data_root)})
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Outcomes in the order of the jobs. A KeyboardInterrupt, or any other exception, ends all that run."""
        at_a_time = min(self._count, len(jobs))
        shares: SimpleQueue[set[int]] = SimpleQueue()
        for share in _shares(sorted(os.sched_getaffinity(0)), at_a_time):
            shares.put(share)

        def one(number: int) -> Outcome:
            share, started = shares.get(), time.monotonic()
            try:
                outcome = self._run(jobs[number], share)
            finally:
                shares.put(share)
            return replace(outcome, seconds=time.monotonic() - started)

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
            log = job.log.open("ab")
        with log:
            process = self._start(job, cores, log)
            try:
                answer = _exchange(process, job.arguments | {"action": job.action})
            finally:
                with self._lock:
                    self._running.discard(process)
        return _outcome(process.returncode, answer, job.log)

    def _start(self, job: Job, cores: set[int], log: Any) -> "subprocess.Popen[bytes]":
        command = [*self._python, "-m", "edgeleuk.optimize.work", ",".join(map(str, sorted(cores)))]
        with self._lock:
            if self._stopped:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env=self._environment,
            )
            self._running.add(process)
        return process

    def _end(self) -> None:
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()


def _shares(cores: Sequence[int], count: int) -> list[set[int]]:
    """The cores dealt to `count` jobs; all of them share if there are fewer cores than jobs."""
    if count > len(cores):
        return [set(cores)] * count
    return [set(cores[number::count]) for number in range(count)]


def _exchange(process: "subprocess.Popen[bytes]", message: dict[str, Any]) -> bytes:
    """What the process prints in answer; it has ended then. Its standard input stays open: that is its tether."""
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout, suppress(BrokenPipeError), process.stdin:
        with suppress(BrokenPipeError):  # it died at once; its exit code says how
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        answer = process.stdout.read()
        process.wait()
    return answer


def _outcome(status: int, answer: bytes, log: Path) -> Outcome:
    try:
        raw = json.loads(answer.splitlines()[-1])
    except (IndexError, ValueError):
        told = how_it_ended(status, _tail(log))
        return Outcome(failure=f"its process ended without an answer: {told}{_OUT_OF_MEMORY * (status == -9)}")
    return Outcome(**raw)


def _tail(log: Path) -> str:
    content = log.read_bytes()
    return content[-_LOG_TAIL:].decode(errors="replace")
