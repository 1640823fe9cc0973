"""A job, and its process: `python -m MODULE CORES`, which is asked on standard input and answers on standard output."""

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.files import output_errors
from edgeleuk.processes.child import Outcome, answer

PYTHON = (sys.executable,)
_LOOK_S = 0.2


@dataclass(frozen=True)
class Job:
    """Something to do, called `name` for people.

    `module` answers the JSON object `arguments`, whose paths are absolute; `log` gets what it prints. `again`: what of
    the arguments is another if it is tried again. `alone`: the log is of this job alone, and is locked for as long as
    its process lives, so that no two of them write to one place.
    """

    name: str
    module: str
    arguments: dict[str, Any]
    log: Path
    again: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = True


class Runner(Protocol):
    """What does jobs."""

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Outcomes in the order of the jobs. A KeyboardInterrupt, or any other exception, ends all that run."""


def failure(what: str, outcome: Outcome) -> EdgeleukError:
    """The error of a job that did not do what it was asked."""
    kind = UsageError if outcome.usage else OutputError if outcome.output else EdgeleukError
    error = kind(f"{what}: {outcome.failure}")
    error.of_name = outcome.of_name
    return error


@contextmanager
def opened_log(job: Job, patience_s: float) -> Iterator[BinaryIO]:
    """The job's log, to be given to its process, which so holds the lock of it too: to its end, if this process dies.

    Raises OutputError if it cannot be written, or another process holds it for longer than that.
    """
    with output_errors(job.log):
        job.log.parent.mkdir(parents=True, exist_ok=True)
        log = job.log.open("a+b")
    with log:
        if job.alone:
            with output_errors(job.log):
                _lock(log, job.log, time.monotonic() + patience_s)
        yield log


def _lock(log: BinaryIO, path: Path, until: float) -> None:
    while True:
        try:
            return fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise OutputError(f"{path} is held by another process, which does the same job") from error
        time.sleep(_LOOK_S)


def command_of(job: Job, python: Sequence[str], cores: set[int] | None) -> list[str]:
    """What starts the job's process, on those cores, or on all."""
    return [*python, "-m", job.module, ",".join(map(str, sorted(cores or ())))]


def do_job(actions: Mapping[str, Callable[..., Any]]) -> None:
    """The process's side: the action that is asked for, by name, on the cores that it was started for."""
    if sys.argv[1]:
        os.sched_setaffinity(0, {int(core) for core in sys.argv[1].split(",")})

    def do(asked: dict[str, Any]) -> Any:
        try:
            return actions[asked.pop("action")](**asked)
        except MemoryError as error:
            raise EdgeleukError(str(error) or "there was not enough memory") from error

    answer(do)
    os._exit(0)  # what TensorFlow comes to at its end takes no answer back
