"""Training on several workers: processes on this machine, or on those of a Ray cluster.

This process trains nothing. It starts the workers, says what the chief tells, and waits for the first to end. A worker
that died leaves the others waiting for it for ever, so all are ended and started again from the last finished epoch.
"""

import dataclasses
import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.processes.child import ISOLATED, Child, Outcome, command_of
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.worker import WARNED, Job

if TYPE_CHECKING:
    from edgeleuk.data.index import Index
    from edgeleuk.training.run import Run

RESTARTS = 3  # in a row without a finished epoch
_MOST_WORKERS = 1024
WORKER = "edgeleuk.training.worker"
_GRACE_S = 2.0  # to hear which worker died first
_EPOCH = "epoch "
_log = logging.getLogger(__name__)
Told = Callable[[Any], None]


class Place(Protocol):
    """Where workers run, and how many."""

    @property
    def count(self) -> int:
        """How many."""

    def run(self, job: Job, told: Told) -> tuple[int, Outcome]:
        """Run the job on `count` workers until one has ended, and end the others; returns its rank and outcome.

        `told` gets, in this thread, what the chief tells. Rank, addresses, cores and GPU of the job are still to be
        filled in.
        """


@dataclasses.dataclass(frozen=True)
class OnWorkers:
    """A training on the workers of a place. `report` is told how it goes, TensorBoard's logs go to `log_folder`."""

    place: Place
    report: Callable[[str], None] = print
    log_folder: Path | None = None

    def train(self, index: "Index", config: TrainConfig, out: Path, resume: bool = False) -> "Run":
        """Train as `edgeleuk.training.train.train` does, each worker with its rows of every batch.

        Raises what that raises; UsageError for more workers than a batch or the index has images; EdgeleukError if
        workers died `RESTARTS` + 1 times without an epoch in between.
        """
        check_workers(index, config, self.place.count)
        job = _job(index, config, out, resume, self.log_folder)
        deaths = 0
        while True:
            (rank, outcome), epochs = self._ended(job)
            if outcome.failure is None:
                from edgeleuk.training.run import load_run_folder

                return load_run_folder(out)
            if not outcome.died:
                raise _error(outcome)
            deaths = 1 if epochs else deaths + 1
            what = f"worker {rank + 1} of {self.place.count} died: {outcome.failure}"
            if deaths > RESTARTS:
                raise EdgeleukError(
                    f"{what}; {deaths} times without a finished epoch; --resume goes on from the last one"
                )
            self.report(f"{what}; starting all again from the last finished epoch")
            job = dataclasses.replace(job, resume=True)

    def _ended(self, job: Job) -> tuple[tuple[int, Outcome], int]:
        """Which worker ended first and how, and how many epochs were finished by then."""
        epochs = 0

        def told(what: Any) -> None:
            nonlocal epochs
            kind, text = what
            epochs += text.startswith(_EPOCH)
            _log.warning(text) if kind == WARNED else self.report(text)

        return self.place.run(job, told), epochs


def check_workers(index: "Index", config: TrainConfig, count: int) -> None:
    """Raise UsageError for more workers than a batch or the index has images."""
    if not 1 < count <= _MOST_WORKERS:
        raise UsageError(f"workers is {count}; expected 2 to {_MOST_WORKERS:,}, or leave --workers out")
    if 2 * count > config.batch_size:
        raise UsageError(
            f"{count} workers for batches of {config.batch_size} images; expected at least two images of every batch "
            "for each: give fewer --workers or a larger --batch-size"
        )
    images = len(index.training(config.fold)) if 0 <= config.fold < index.fold_count else count
    if images < count:
        raise UsageError(f"{count} workers for {images} training images; give fewer --workers")


def _job(index: "Index", config: TrainConfig, out: Path, resume: bool, log_folder: Path | None) -> Job:
    folder = Path.cwd()
    logs = None if log_folder is None else str(log_folder)
    settings = dataclasses.asdict(config)
    return Job(index.to_json(folder), str(folder), settings, str(out), resume, logs, 0, (), (), None)


def _error(outcome: Outcome) -> EdgeleukError:
    kind = UsageError if outcome.usage else OutputError if outcome.output else EdgeleukError
    error = kind(outcome.failure)
    error.of_name = outcome.of_name
    return error


class Here:
    """Processes on this machine, each with its share of the cores and one GPU where there are GPUs."""

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, job: Job, told: Told) -> tuple[int, Outcome]:
        """Run it, see `Place`. The workers end with this process, also when that is killed."""
        count = self.count
        addresses, shares = _free_addresses(count), shares_of(sorted(os.sched_getaffinity(0)), count)
        jobs = [
            dataclasses.replace(job, rank=rank, addresses=addresses, cores=shares[rank], gpu=rank)
            for rank in range(count)
        ]
        with ExitStack() as stack:
            children: list[Child] = []
            threads: list[threading.Thread] = []
            heard: SimpleQueue[tuple[int, Any]] = SimpleQueue()
            try:
                for _ in range(count):
                    children.append(_child(stack.enter_context(tempfile.TemporaryFile())))
                threads += [_listen(child, own, heard) for child, own in zip(children, jobs, strict=True)]
                return _first_end(heard, told)
            finally:
                for child in children:
                    child.kill()
                for thread in threads:
                    thread.join()


def _child(log: BinaryIO) -> Child:
    try:
        return Child(command_of(WORKER, ISOLATED), log)
    except OSError as error:
        raise EdgeleukError(f"a worker's process could not be started: {error}") from error


def _listen(child: Child, job: Job, heard: "SimpleQueue[tuple[int, Any]]") -> threading.Thread:
    def listen() -> None:
        outcome = child.ask(dataclasses.asdict(job), told=lambda what: heard.put((job.rank, what)))
        heard.put((job.rank, outcome))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    return thread


def _first_end(heard: "SimpleQueue[tuple[int, Any]]", told: Told) -> tuple[int, Outcome]:
    """The first worker that ended, and how; of several that died at nearly the same time the one that was killed."""
    rank, what = heard.get()
    while not isinstance(what, Outcome):
        told(what)
        rank, what = heard.get()
    ends, until = [(rank, what)], time.monotonic() + _GRACE_S
    while what.died and (left := until - time.monotonic()) > 0:
        try:
            other = heard.get(timeout=left)
        except Empty:
            break
        ends += [other] if isinstance(other[1], Outcome) else []
    return first_cause(ends)


def first_cause(ends: Sequence[tuple[int, Outcome]]) -> tuple[int, Outcome]:
    """Why workers ended: one's own account of what is wrong, else a kill, else the first that died."""

    def weight(end: tuple[int, Outcome]) -> int:
        return 2 * end[1].died - (end[1].died and "was ended by" in str(end[1].failure))

    return min(ends, key=weight)


def shares_of(cores: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """The cores dealt to `count` workers; with more workers than cores one core each, several on some."""
    return [tuple(cores[rank::count]) or (cores[rank % len(cores)],) for rank in range(count)]


def free_address(host: str) -> str:
    """HOST:PORT with a port that nothing listens at now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.bind((host, 0))
        return f"{host}:{listening.getsockname()[1]}"


def _free_addresses(count: int) -> tuple[str, ...]:
    """Of this machine, all different."""
    found: set[str] = set()
    while len(found) < count:
        found.add(free_address("127.0.0.1"))
    return tuple(sorted(found))
