"""Jobs on a Ray cluster: a task starts the job's process on the machine that Ray chose, and waits for it.

The process ends with the task's worker (its tether, `edgeleuk.processes.child`), so with Ctrl-C, a driver that is
killed, and a machine that leaves the cluster. A job that was ended so, or whose process died, is tried again and goes
on from its checkpoint; one that failed for a reason of its own is not. Each has one outcome, whatever it took.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.cluster.failures import ray_errors
from edgeleuk.cluster.joining import Cluster, Node, joined
from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.files import output_errors
from edgeleuk.jobs.job import PYTHON, Job, command_of, opened_log
from edgeleuk.processes.child import Child, Outcome
from edgeleuk.text import counted

TRIES = 3
_LOOK_S = 0.5
_PATIENCE_S = 120.0  # what a machine that lost its cluster still does ends by itself, once it notices
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What a command was told of Ray: `--ray`, and how many cores a job gets, None to share each machine's."""

    address: str
    cores_per_job: int | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for no cores."""
        if self.cores_per_job is not None and self.cores_per_job < 1:
            raise UsageError(f"cores-per-job is {self.cores_per_job}; expected 1 or more")


@dataclass(frozen=True)
class Share:
    """What a job gets of the machine that it runs on."""

    cores: int
    gpus: int = 0


class RayWorkers:
    """Runs jobs as tasks of a cluster that was joined, `at_a_time` at most."""

    def __init__(self, cluster: Cluster, at_a_time: int, cores: int | None = None, say: Say = print) -> None:
        """`cores` each; by default an equal part of a machine's. Raises UsageError if none has as many."""
        self.share = share_of(cluster.nodes, at_a_time, cores)
        self.python: Sequence[str] | None = None
        self.environment: Mapping[str, str] = {}
        self.watch: Callable[[], None] = lambda: None
        self._ray, self._at_a_time, self._say = cluster.ray, at_a_time, say
        self._task = self._ray.remote(_do).options(
            num_cpus=self.share.cores, num_gpus=self.share.gpus, max_retries=0, scheduling_strategy="SPREAD"
        )

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Outcomes in the order of the jobs. A KeyboardInterrupt, or any other exception, ends all that run.

        Raises EdgeleukError if the cluster is gone.
        """
        waiting = deque((number, 1) for number in range(len(jobs)))
        running: dict[Any, tuple[int, int]] = {}
        outcomes: dict[int, Outcome] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._at_a_time:
                    number, attempt = waiting.popleft()
                    running[self._begun(jobs[number], attempt)] = number, attempt
                for reference in self._ended(list(running)):
                    number, attempt = running.pop(reference)
                    outcome = self._outcome(reference)
                    if outcome.died and attempt < TRIES:
                        self._tell(jobs[number], outcome, attempt)
                        waiting.appendleft((number, attempt + 1))
                    else:
                        outcomes[number] = outcome
                self.watch()
        finally:
            self._end(list(running))
        return [outcomes[number] for number in range(len(jobs))]

    def _begun(self, job: Job, attempt: int) -> Any:
        environment = dict(self.environment) | dict.fromkeys(_THREADS, str(self.share.cores))
        return self._task.remote(job, attempt, self.python, environment)

    def _ended(self, running: list[Any]) -> list[Any]:
        with ray_errors("the jobs on the cluster"):
            done, _ = self._ray.wait(running, num_returns=1, timeout=_LOOK_S)
        return list(done)

    def _outcome(self, reference: Any) -> Outcome:
        """Of a task that ended; one whose worker or machine is gone is an outcome, too."""
        import ray.exceptions as of_ray

        reasons = {
            of_ray.OutOfMemoryError: "Ray ended it, as its machine ran out of memory",
            of_ray.NodeDiedError: "its machine left the cluster",
            of_ray.WorkerCrashedError: "its worker was killed, or its machine left the cluster",
        }
        try:
            with ray_errors("a job on the cluster"):
                outcome: Outcome = self._ray.get(reference)
        except EdgeleukError as error:
            gone = next((reason for kind, reason in reasons.items() if isinstance(error.__cause__, kind)), None)
            if gone is None:
                raise
            return Outcome(failure=gone, died=True)
        return outcome

    def _tell(self, job: Job, outcome: Outcome, attempt: int) -> None:
        again = f"it is tried again, for time {attempt + 1} of {TRIES}; its log: {job.log}"
        self._say(f"{job.name} was ended ({outcome.failure}); {again}")

    def _end(self, running: list[Any]) -> None:
        for reference in running:
            with suppress(Exception):  # a cluster that is gone has nothing left to end
                self._ray.cancel(reference, force=True)


def _do(job: Job, attempt: int, python: Sequence[str] | None, environment: Mapping[str, str]) -> Outcome:
    """The task: the job's process here, and what it answers. Nothing pins it to cores; its threads are counted."""
    asked = job.arguments | (dict(job.again) if attempt > 1 else {})
    try:
        with opened_log(job, _PATIENCE_S) as log:
            return Child(command_of(job, python or PYTHON, None), log, os.environ | dict(environment)).ask(asked)
    except OutputError as error:
        return Outcome(failure=str(error), output=True)


def share_of(nodes: Sequence[Node], at_a_time: int, cores: int | None = None) -> Share:
    """What each of so many jobs gets: a GPU if there are any, and of cores what is asked for, or an equal part.

    Raises UsageError if no machine has as many.
    """
    gpus = any(node.gpus for node in nodes)
    able = [node for node in nodes if node.cores and (node.gpus or not gpus)]
    most = max((node.cores for node in able), default=0)
    if most < (cores or 1):
        raise UsageError(
            f"no machine of the cluster has {counted(cores or 1, 'core')} for a job; it has at most {most}"
        )
    if cores is None:
        each = -(-at_a_time // len(able))
        cores = max(1, min(node.cores // min(each, node.gpus or each) for node in able))
    return Share(cores, int(gpus))


@contextmanager
def workers_on(asked: Asked, at_a_time: int, out: Path, seen: Sequence[Path], say: Say) -> Iterator[RayWorkers]:
    """Join the cluster for the body, if every machine of it sees the folder `out`, which is made, and `seen`.

    Raises what `joined` and `Cluster.check_nodes` do, and UsageError if no machine has the cores that a job is to get.
    """
    with joined(asked.address) as cluster:
        workers = RayWorkers(cluster, at_a_time, asked.cores_per_job, say)
        with output_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        try:
            cluster.check_nodes(seen, written=out)
        except EdgeleukError:
            with suppress(OSError):  # it holds something
                out.rmdir()
            raise
        share = f"{counted(workers.share.cores, 'core')}{' and a GPU' * bool(workers.share.gpus)}"
        say(f"{counted(at_a_time, 'job')} at a time at most on {counted(len(cluster.nodes), 'machine')}, {share} each")
        yield workers
