"""From rows to a benchmark record: prepare and check each engine, then measure all in turn, in fresh processes."""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import edgeleuk
from benchmarks.peers.agreement import Agreement, agreement
from benchmarks.peers.environment import UnavailableError
from benchmarks.peers.models import parts
from benchmarks.peers.rows import Row
from benchmarks.peers.worker import Task
from edgeleuk.bench.conditions import Watch
from edgeleuk.bench.machine import describe_machine
from edgeleuk.bench.measured import Condition, ModelFacts, ProcessRun, Protocol, TensorFacts
from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.validity import faults
from edgeleuk.codec import decode
from edgeleuk.device.delegate import Coverage
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.bundle import read_bundle

_CORES_TOLERANCE = 0.15  # the clock of processor time ticks in hundredths of a second
Answer = Callable[[Task, str], dict[str, Any]]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a row's model lies, and the Python of its engine."""

    model: Path
    python: str


@dataclass
class Candidate:
    """A row with one number of threads, while it is measured; `cores`: those in use in each process."""

    row: Row
    place: Place
    result: Result
    agreement: Agreement
    runs: list[ProcessRun] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why its time cannot stand beside the others'."""
        found = []
        if not self.agreement.same(self.row.precision):
            known = f": {self.row.expected_fault}" if self.row.expected_fault else ""
            found.append(f"computes something else{known}; {self.agreement.text()}")
        if self.cores and median(self.cores) > self.result.threads + _CORES_TOLERANCE:
            found.append(f"used {median(self.cores):.2f} cores, told to use {self.result.threads}")
        return tuple(found)

    @property
    def unexpected(self) -> bool:
        """Whether any fault is not one that the row is known for."""
        return bool(self.faults) and not (self.row.expected_fault and len(self.faults) == 1)

    def finished(self) -> Result:
        """With what was measured, and notes on agreement and cores."""
        used = f"processor time over wall time: {median(self.cores):.2f} of {self.result.threads} cores"
        faulty = tuple(f"FAULT: {fault}" for fault in self.faults)
        notes = (self.row.title, self.agreement.text(), used, *faulty)
        return dataclasses.replace(self.result, processes=tuple(self.runs), notes=notes)


@dataclass(frozen=True)
class Plan:
    """What to measure. `folder`: the images and the float network's answers; `size`: name of the network's shape."""

    size: str
    folder: Path
    threads: tuple[int, ...]
    protocol: Protocol


@dataclass
class Outcome:
    """All that came of it; `failures`: reason by what could not be measured."""

    candidates: list[Candidate] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    partial: bool = False

    @property
    def measured(self) -> list[Candidate]:
        """Those that have at least one process."""
        return [candidate for candidate in self.candidates if candidate.runs]

    @property
    def failed(self) -> bool:
        """Whether a row is missing, or has a fault that it is not known for."""
        return bool(self.failures) or any(candidate.unexpected for candidate in self.candidates)


def run_plan(
    plan: Plan, rows: Sequence[Row], locate: Callable[[Row], Place], answer: Answer, progress: Progress
) -> Outcome:
    """Prepare and measure; a KeyboardInterrupt ends it early with what was measured, as a partial outcome."""
    watch = Watch(origin_s := time.time())
    watch()
    outcome = Outcome()
    try:
        for row in rows:
            _prepare(plan, row, locate, answer, outcome, progress)
        outcome.candidates.sort(key=lambda candidate: plan.threads.index(candidate.result.threads))
        _rounds(plan, answer, outcome, origin_s, progress)
    except KeyboardInterrupt:
        outcome.partial = True
    watch()
    outcome.conditions = tuple(watch.taken)
    return outcome


def _prepare(
    plan: Plan, row: Row, locate: Callable[[Row], Place], answer: Answer, outcome: Outcome, progress: Progress
) -> None:
    """Add the row's candidates, or why there are none."""
    progress(f"prepare {row.title}")
    try:
        place = locate(row)
        found = answer(_task("check", plan, row, place, 1), place.python)
    except UnavailableError as error:
        outcome.failures[row.title] = f"not available: {error}"
        return
    inputs, outputs = (tuple(decode(TensorFacts, raw, key) for raw in found[key]) for key in ("inputs", "outputs"))
    model = dataclasses.replace(model_facts(place.model), inputs=inputs, outputs=outputs)
    agrees = agreement(np.load(plan.folder / "reference.npy"), np.array(found["scores"], np.float32))
    covered = None if found["coverage"] is None else decode(Coverage, found["coverage"], "coverage")
    for threads in plan.threads:
        result = Result(model, row.backend, found["version"], threads, coverage=covered)
        outcome.candidates.append(Candidate(row, place, result, agrees))


def _rounds(plan: Plan, answer: Answer, outcome: Outcome, origin_s: float, progress: Progress) -> None:
    """A B C A B C; one that fails is left out from then on."""
    processes = plan.protocol.processes
    for number in range(processes):
        for candidate in list(outcome.candidates):
            progress(f"round {number + 1} of {processes}: {candidate.result.title}")
            task = dataclasses.replace(
                _task("measure", plan, candidate.row, candidate.place, candidate.result.threads),
                origin_s=origin_s,
                runs=math.ceil(plan.protocol.runs / processes),
                seconds=plan.protocol.seconds / processes,
            )
            try:
                found = answer(task, candidate.place.python)
            except UnavailableError as error:
                outcome.candidates.remove(candidate)
                outcome.failures[f"{candidate.row.title}, threads: {candidate.result.threads}"] = str(error)
                continue
            candidate.runs.append(decode(ProcessRun, found["run"], "the worker's answer"))
            candidate.cores.append(found["cores"])


def _task(do: str, plan: Plan, row: Row, place: Place, threads: int) -> Task:
    model, folder = str(place.model.absolute()), str(plan.folder.absolute())
    return Task(do, model, row.backend, plan.size, folder, threads, protocol=plan.protocol)


def model_facts(path: Path) -> ModelFacts:
    """Name, hash and size of all the files that a model consists of, spec and proof where it has them."""
    content = b"".join(part.read_bytes() for part in parts(path))
    if path.suffix != ".tflite":
        return ModelFacts(path.name, sha256_bytes(content), len(content))
    bundle = read_bundle(path)
    spec = None if bundle.spec is None else json.loads(bundle.spec.to_json())
    return ModelFacts(path.name, bundle.sha256, len(content), spec=spec, proof=bundle.proof)


def record_of(plan: Plan, outcome: Outcome) -> Record:
    """What `edgeleuk report` and `edgeleuk compare` read."""
    results = tuple(candidate.finished() for candidate in outcome.measured)
    machine = describe_machine()
    peers = {result.backend: result.backend_version for result in results if result.backend != "litert"}
    cut_short = ("interrupted: fewer processes than asked for",) if outcome.partial else ()
    return Record(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        edgeleuk_version=edgeleuk.__version__,
        label=str(machine["board"] or machine["processor"] or machine["architecture"]),
        device=machine | {"libraries": machine["libraries"] | peers},
        protocol=plan.protocol,
        results=results,
        partial=outcome.partial,
        invalid=(*cut_short, *faults(results)),
        conditions=outcome.conditions,
    )
