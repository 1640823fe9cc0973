"""A benchmark from request to record: fresh processes, round after round, every model in each round.

A B C A B C: what slows the machine for a while slows all alike.
"""

import dataclasses
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from pathlib import Path

import edgeleuk
from edgeleuk.bench.child import run_task
from edgeleuk.bench.codec import decode
from edgeleuk.bench.conditions import Watch
from edgeleuk.bench.machine import describe_machine
from edgeleuk.bench.record import Condition, ModelFacts, ProcessRun, Protocol, Record, Result, Sustained
from edgeleuk.bench.validity import faults
from edgeleuk.bench.worker import Task
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.runtime.backend import interpreter_class
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.sources.files import named_images

MAX_IMAGES = 256
_PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What to measure. `images`: names of files, folders or patterns, for the way from file to decision."""

    models: tuple[Path, ...]
    backends: tuple[str, ...] = ("auto",)
    threads: tuple[int, ...] = (1,)
    images: tuple[str, ...] = ()
    label: str | None = None
    sustained_minutes: float | None = None
    protocol: Protocol = dataclasses.field(default_factory=Protocol)


@dataclass
class _Candidate:
    """One model under one interpreter with one number of threads, while it is measured."""

    path: Path
    result: Result
    runs: list[ProcessRun] = dataclasses.field(default_factory=list)

    def finished(self) -> Result:
        return dataclasses.replace(self.result, processes=tuple(self.runs))


def benchmark(request: Request, progress: Progress = lambda _: None) -> Record:
    """Measure; a KeyboardInterrupt ends it early with what was measured, as a partial record.

    Raises ModelError for a model that cannot be run, UsageError or DataError for images that are not there.
    """
    origin_s = time.time()
    watch, machine = Watch(origin_s), describe_machine()
    watch()
    images = _images(request)
    candidates = _candidates(request, bool(images))
    partial = False
    try:
        for candidate in candidates:
            progress(f"look into {candidate.result.title}")
            candidate.result = _examined(candidate, request.protocol)
        _rounds(candidates, request, images, origin_s, progress)
        _sustain(candidates, request, origin_s, progress)
    except KeyboardInterrupt:
        partial = True
    watch()
    results = tuple(candidate.finished() for candidate in candidates if candidate.runs)
    return _record(request, machine, results, tuple(watch.taken), partial)


def _record(
    request: Request,
    machine: dict[str, object],
    results: tuple[Result, ...],
    conditions: tuple[Condition, ...],
    partial: bool,
) -> Record:
    cut_short = ("interrupted: fewer processes than asked for",) if partial else ()
    return Record(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        edgeleuk_version=edgeleuk.__version__,
        label=request.label or str(machine["board"] or machine["processor"] or machine["architecture"]),
        device=machine,
        protocol=request.protocol,
        results=results,
        partial=partial,
        invalid=(*cut_short, *faults(results)),
        conditions=conditions,
    )


def _images(request: Request) -> tuple[str, ...]:
    found = chain.from_iterable(named_images(request.images))
    return tuple(str(path.absolute()) for path in islice(found, MAX_IMAGES))


def _candidates(request: Request, with_images: bool) -> list[_Candidate]:
    models = dict(zip(request.models, _model_facts(request.models, with_images), strict=True))
    made = []
    for path, facts in models.items():
        for backend in dict.fromkeys(interpreter_class(name)[1] for name in request.backends):
            for threads in request.threads:
                made.append(_Candidate(path, Result(facts, backend, _version(backend), threads)))
    return made


def _model_facts(paths: Sequence[Path], with_images: bool) -> list[ModelFacts]:
    """Hash, spec and proof; a name is the file's, with its folder where two files share it."""
    if len(set(paths)) != len(paths):
        raise UsageError("a model is named twice; name each once (--threads and --backend take several values)")
    counts = Counter(path.name for path in paths)
    made = []
    for path in paths:
        bundle = read_bundle(path)
        spec = bundle.require_spec(path) if with_images else bundle.spec
        name = path.name if counts[path.name] == 1 else str(path)
        described = None if spec is None else json.loads(spec.to_json())
        made.append(
            ModelFacts(name, bundle.sha256, len(bundle.content), spec=described, proof=bundle.proof),
        )
    return made


def _version(backend: str) -> str:
    try:
        return version(_PACKAGES[backend])
    except PackageNotFoundError:
        return "unknown version"


def _task(do: str, candidate: _Candidate, protocol: Protocol) -> Task:
    result = candidate.result
    return Task(do, str(candidate.path.absolute()), result.backend, result.threads, protocol=protocol)


def _examined(candidate: _Candidate, protocol: Protocol) -> Result:
    """The result with what the model is; without time by operator where asking for it ends the process."""
    task = _task("examine", candidate, protocol)
    try:
        found = run_task(task)
    except ModelError as error:
        found = run_task(dataclasses.replace(task, do="outline"))  # the model's own fault is raised again by this
        found["notes"].append(f"time by operator: {error}")
    if candidate.result.model.spec is None:
        found["notes"].append("spec: the file holds none, so images cannot be put through it")
    result = candidate.result
    tensors = {key: found.pop(key) for key in ("inputs", "outputs")}
    identity = {"backend": result.backend, "backend_version": result.backend_version, "threads": result.threads}
    examined: Result = decode(
        Result, {"model": dataclasses.asdict(result.model) | tensors, **identity, **found}, "the worker's answer"
    )
    return examined


def _rounds(
    candidates: Sequence[_Candidate], request: Request, images: tuple[str, ...], origin_s: float, progress: Progress
) -> None:
    protocol = request.protocol
    for number in range(protocol.processes):
        for candidate in candidates:
            progress(f"round {number + 1} of {protocol.processes}: {candidate.result.title}")
            task = dataclasses.replace(
                _task("measure", candidate, protocol),
                origin_s=origin_s,
                runs=math.ceil(protocol.runs / protocol.processes),
                seconds=protocol.seconds / protocol.processes,
                images=images,
            )
            candidate.runs.append(decode(ProcessRun, run_task(task), "the worker's answer"))


def _sustain(candidates: Sequence[_Candidate], request: Request, origin_s: float, progress: Progress) -> None:
    if request.sustained_minutes is None:
        return
    for candidate in candidates:
        progress(f"{request.sustained_minutes:g} minutes without a pause: {candidate.result.title}")
        seconds = 60 * request.sustained_minutes
        task = dataclasses.replace(_task("sustain", candidate, request.protocol), origin_s=origin_s, seconds=seconds)
        found = decode(Sustained, run_task(task), "the worker's answer")
        candidate.result = dataclasses.replace(candidate.result, sustained=found)
