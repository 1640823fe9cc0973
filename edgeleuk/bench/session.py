"""A benchmark from request to record: fresh processes, round after round, every model in each round.

A B C A B C: what slows the machine for a while slows all alike.
"""

import dataclasses
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import edgeleuk
from edgeleuk.bench.candidates import MAX_IMAGES, Candidate, Request, Run, candidates, examined, image_files
from edgeleuk.bench.conditions import Watch
from edgeleuk.bench.machine import describe_machine
from edgeleuk.bench.measured import Condition, ProcessRun, Protocol, Sustained
from edgeleuk.bench.record import Record
from edgeleuk.bench.validity import faults
from edgeleuk.bench.worker import run_task
from edgeleuk.codec import decode
from edgeleuk.errors import EdgeleukError

Progress = Callable[[str], None]


class StoppedError(EdgeleukError):
    """A benchmark that failed partway; `record` holds what was measured before."""

    def __init__(self, message: str, record: Record) -> None:
        super().__init__(message)
        self.record = record


def benchmark(request: Request, progress: Progress = lambda _: None, run: Run = run_task) -> Record:
    """Measure; a KeyboardInterrupt ends it early with what was measured, as a partial record.

    Raises ModelError for a model that cannot be run, UsageError or DataError for images that are not there, all before
    the first round; after it StoppedError, with a partial record, for whatever fails.
    """
    watch, machine = Watch(origin_s := time.time()), describe_machine()
    watch()
    chosen = candidates(request)
    session = _Session(request, _images(request, progress), origin_s, progress, run)
    ended: str | None = None
    failure: EdgeleukError | None = None
    try:
        session.look_into(chosen)
        session.rounds(chosen)
        session.sustain(chosen)
    except KeyboardInterrupt:
        ended = "interrupted"
    except EdgeleukError as error:
        if not any(candidate.runs for candidate in chosen):
            raise
        ended, failure = f"stopped by a failure: {error}", error
    watch()
    record = _record(request, machine, chosen, tuple(watch.taken), ended)
    if failure is not None:
        raise StoppedError(str(failure), record) from failure
    return record


def benchmark_contents(
    models: Mapping[str, bytes], threads: int, protocol: Protocol, images: tuple[str, ...] = ()
) -> Record:
    """The record of models by name, in their order; a name ends in .tflite. `images`: as in a `Request`.

    Raises ModelError if one cannot be run; KeyboardInterrupt after Ctrl-C, which a benchmark takes for "enough".
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = tuple(Path(folder) / name for name in models)
        for path, content in zip(paths, models.values(), strict=True):
            path.write_bytes(content)
        record = benchmark(Request(paths, threads=(threads,), images=images, protocol=protocol))
    if record.partial:
        raise KeyboardInterrupt
    return record


def _record(
    request: Request,
    machine: dict[str, Any],
    chosen: Sequence[Candidate],
    conditions: tuple[Condition, ...],
    ended: str | None,
) -> Record:
    results = tuple(candidate.finished() for candidate in chosen if candidate.runs)
    cut_short = () if ended is None else (f"{ended}; not all that was asked for was measured",)
    return Record(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        edgeleuk_version=edgeleuk.__version__,
        label=request.label or str(machine["board"] or machine["processor"] or machine["architecture"]),
        device=machine,
        protocol=request.protocol,
        results=results,
        partial=ended is not None,
        invalid=(*cut_short, *faults(results)),
        conditions=conditions,
    )


def _images(request: Request, progress: Progress) -> tuple[str, ...]:
    files, more = image_files(request.images)
    if more:
        progress(f"more than {MAX_IMAGES} images; the first {MAX_IMAGES} are used")
    return tuple(str(path.absolute()) for path in files)


@dataclass(frozen=True)
class _Session:
    """The parts of a benchmark; each puts what it finds into the candidates."""

    request: Request
    images: tuple[str, ...]
    origin_s: float
    progress: Progress
    run: Run

    def look_into(self, chosen: Sequence[Candidate]) -> None:
        for candidate in chosen:
            self.progress(f"inspect {candidate.result.title}")
            candidate.result = examined(candidate, self.request.protocol, self.images, self.run)

    def rounds(self, chosen: Sequence[Candidate]) -> None:
        protocol = self.request.protocol
        for number in range(protocol.processes):
            for candidate in chosen:
                self.progress(f"round {number + 1} of {protocol.processes}: {candidate.result.title}")
                found = self._measured(
                    candidate,
                    "measure",
                    runs=math.ceil(protocol.runs / protocol.processes),
                    seconds=protocol.seconds / protocol.processes,
                    images=self.images,
                )
                candidate.runs.append(decode(ProcessRun, found, "the worker's answer"))

    def sustain(self, chosen: Sequence[Candidate]) -> None:
        minutes = self.request.sustained_minutes
        for candidate in chosen if minutes else ():
            self.progress(f"{minutes:g} minutes of continuous load: {candidate.result.title}")
            found = self._measured(candidate, "sustain", seconds=60 * (minutes or 0.0))
            sustained = decode(Sustained, found, "the worker's answer")
            candidate.result = dataclasses.replace(candidate.result, sustained=sustained)

    def _measured(self, candidate: Candidate, do: str, **more: Any) -> Any:
        task = candidate.task(do, self.request.protocol)
        return self.run(dataclasses.replace(task, origin_s=self.origin_s, **more))
