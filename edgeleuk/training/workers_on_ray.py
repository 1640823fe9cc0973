"""Workers of a training on a Ray cluster: one actor each, on machines of their own where there are as many.

An actor starts the worker's process on its machine and waits for it, so that TensorFlow is alone in a process there as
it is here. The process ends with its actor, and that with this process.
"""

import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgeleuk.cluster.failures import first_line, ray_errors
from edgeleuk.cluster.joining import Cluster, Node, joined
from edgeleuk.errors import EdgeleukError, UsageError
from edgeleuk.files import output_errors
from edgeleuk.jobs.on_ray import Asked
from edgeleuk.processes.child import ISOLATED, Child, Outcome, command_of
from edgeleuk.training.worker import Job
from edgeleuk.training.workers import WORKER, Told, first_cause, free_address

_LOOK_S = 0.5
_START_S = 120.0
_GRACE_S = 2.0


@contextmanager
def workers_on_ray(asked: Asked, count: int, out: Path, seen: Sequence[Path]) -> Iterator["OnRay"]:
    """The place of `count` workers on the cluster that was asked for, joined for the body.

    Raises as `joined`, and EdgeleukError if a machine does not see `seen`, this folder or where `out` is written.
    """
    with output_errors(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with joined(asked.address) as cluster:
        cluster.check_nodes([*seen, Path.cwd()], written=out.absolute().parent)
        yield OnRay(cluster, count, asked.cores_per_job)


class OnRay:
    """A place on a cluster that was joined."""

    def __init__(self, cluster: Cluster, count: int, cores: int | None = None) -> None:
        """`cores` of each worker, None for as many as there are."""
        self.count = count
        self._cluster, self._ray, self._cores = cluster, cluster.ray, cores

    def run(self, job: Job, told: Told) -> tuple[int, Outcome]:
        """Run it, see `edgeleuk.training.workers.Place`. Raises UsageError for a cluster of too few cores."""
        count = self.count
        nodes = tuple(_alive(self._ray, self._cluster.nodes))
        cores = cores_each(nodes, count, self._cores)
        gpus = int(sum(node.gpus for node in nodes) >= count)
        group = self._group(count, {"CPU": cores} | ({"GPU": 1} if gpus else {}))
        actors: list[Any] = []
        try:
            actors += [self._actor(group, rank, cores, gpus) for rank in range(count)]
            with ray_errors("the workers"):
                addresses = tuple(self._ray.get([actor.address.remote() for actor in actors], timeout=_START_S))
            part = dataclasses.replace(job, addresses=addresses, gpu=0 if gpus else None)
            jobs = [dataclasses.replace(part, rank=rank) for rank in range(count)]
            running = {actor.run.remote(own): own.rank for actor, own in zip(actors, jobs, strict=True)}
            return self._first_end(running, actors[0], told)
        finally:
            self._end(actors, group)

    def _group(self, count: int, bundle: dict[str, int]) -> Any:
        from ray.util.placement_group import placement_group

        group = placement_group([bundle] * count, strategy="SPREAD")
        with ray_errors(f"room for {count} workers"):
            self._ray.get(group.ready(), timeout=_START_S)
        return group

    def _actor(self, group: Any, rank: int, cores: int, gpus: int) -> Any:
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        place = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=rank)
        how = {"num_cpus": cores, "num_gpus": gpus, "max_concurrency": 3, "scheduling_strategy": place}
        return self._ray.remote(_Actor).options(**how).remote(cores)

    def _first_end(self, running: dict[Any, int], chief: Any, told: Told) -> tuple[int, Outcome]:
        heard = 0
        done: list[Any] = []
        while not done:
            done, _ = self._ray.wait(list(running), timeout=_LOOK_S)
            heard += self._hear(chief, heard, told)
        ends = [(running.pop(reference), self._outcome(reference)) for reference in done]
        if ends[0][1].died and running:
            others, _ = self._ray.wait(list(running), num_returns=len(running), timeout=_GRACE_S)
            ends += [(running.pop(reference), self._outcome(reference)) for reference in others]
        return first_cause(ends)

    def _hear(self, chief: Any, first: int, told: Told) -> int:
        """Pass on what the chief has told since; a chief that is gone tells nothing."""
        import ray.exceptions as of_ray

        try:
            lines = self._ray.get(chief.said.remote(first), timeout=_START_S)
        except of_ray.RayError:
            return 0
        for line in lines:
            told(line)
        return len(lines)

    def _outcome(self, reference: Any) -> Outcome:
        import ray.exceptions as of_ray

        try:
            outcome: Outcome = self._ray.get(reference)
        except of_ray.RayError as error:
            return Outcome(failure=f"its actor was lost: {first_line(error)}", died=True)
        return outcome

    def _end(self, actors: Sequence[Any], group: Any) -> None:
        from ray.util.placement_group import remove_placement_group

        for actor in actors:
            with suppress(Exception):  # a cluster that is gone has nothing left to end
                self._ray.kill(actor, no_restart=True)
        with suppress(Exception):
            remove_placement_group(group)


class _Actor:
    """On the worker's machine: its process, and what that has told."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._lines: list[Any] = []

    def address(self) -> str:
        """Where the others reach it."""
        import ray

        return free_address(ray.util.get_node_ip_address())

    def run(self, job: Job) -> Outcome:
        """What comes of the worker's process, which is started in the folder that the job names."""
        threads = {"TF_NUM_INTRAOP_THREADS": str(self._cores), "OMP_NUM_THREADS": str(self._cores)}
        with tempfile.TemporaryFile() as log:
            child = Child(command_of(WORKER, ISOLATED), log, os.environ | threads)
            return child.ask(dataclasses.asdict(job), told=self._lines.append)

    def said(self, first: int) -> list[Any]:
        """What the process has told, from that line on."""
        return self._lines[first:]


def cores_each(nodes: Sequence[Node], count: int, asked: int | None = None) -> int:
    """Cores of each of `count` workers: `asked`, else the most that lets all of them fit on the machines at once.

    Raises UsageError if they do not fit.
    """
    most = max((node.cores for node in nodes), default=0)
    for cores in [asked] if asked is not None else range(most, 0, -1):
        if sum(node.cores // cores for node in nodes) >= count:
            return cores
    total = sum(node.cores for node in nodes)
    if asked is not None:
        raise UsageError(
            f"{count} workers of {asked} cores on a cluster of {total}, of which one machine has at most {most}; give "
            "fewer --workers or --cores-per-job"
        )
    raise UsageError(f"{count} workers on a cluster of {total} cores; expected at most one a core: --workers {total}")


def _alive(ray: Any, nodes: Sequence[Node]) -> list[Node]:
    """Of these machines those that are still there."""
    with ray_errors("the cluster"):
        there = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    found = [node for node in nodes if node.id in there]
    if not found:
        raise EdgeleukError("no machine of the cluster is left")
    return found
