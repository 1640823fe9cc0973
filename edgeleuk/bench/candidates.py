"""What a benchmark is asked to measure, looked up before anything runs: models, interpreters, threads, images."""

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from pathlib import Path
from typing import Any

from edgeleuk.bench.compare import compare
from edgeleuk.bench.measured import CascadeFacts, ModelFacts, ProcessRun, Protocol
from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.worker import ProcessDiedError, Task, run_task
from edgeleuk.codec import decode
from edgeleuk.errors import DataError, UsageError
from edgeleuk.runtime.backend import interpreter_class
from edgeleuk.runtime.bundle import Bundle, read_bundle
from edgeleuk.sources.files import named_images
from edgeleuk.statistics.latency import FEWEST_FOR_RATIO

MAX_IMAGES = 256
Run = Callable[[Task], Any]  # run_task, or what stands for it
_PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}


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
class Candidate:
    """One model under one interpreter with one number of threads, while it is measured."""

    path: Path
    result: Result
    runs: list[ProcessRun] = dataclasses.field(default_factory=list)

    def finished(self) -> Result:
        """The result with its processes."""
        return dataclasses.replace(self.result, processes=tuple(self.runs))

    def task(self, do: str, protocol: Protocol) -> Task:
        """For a worker."""
        result, path = self.result, str(self.path.absolute())
        return Task(do, path, result.backend, result.threads, protocol=protocol, sha256=result.model.sha256)


def candidates(request: Request) -> list[Candidate]:
    """In the order in which they take turns. Raises ModelError, UsageError, EdgeleukError for what is not there."""
    backends = tuple(dict.fromkeys(interpreter_class(name)[1] for name in request.backends))
    made = []
    for path, facts in zip(request.models, model_facts(request.models, bool(request.images)), strict=True):
        for backend in backends:
            for threads in request.threads:
                made.append(Candidate(path, Result(facts, backend, _version(backend), threads)))
    return made


def refuse_incomparable(baseline: Record, request: Request, elsewhere: bool = False) -> None:
    """Raise DataError if nothing in `baseline` can be a pair with what `request` measures, as `compare` would.

    Also if either side has too few processes for an interval: nothing could be told, after minutes of measuring.

    `elsewhere`: on another device, of which it is not known what interpreter "auto" takes there.
    """
    known = tuple(dict.fromkeys(result.backend for result in baseline.results))
    backends: dict[str, None] = {}
    for name in request.backends:
        here = (name,) if elsewhere else (interpreter_class(name)[1],)
        backends |= dict.fromkeys(known if elsewhere and name == "auto" else here)
    processes = max((result.processes for result in baseline.results), key=len, default=())  # as if there were enough
    planned = tuple(
        Result(facts, backend, "", threads, processes)
        for facts in model_facts(request.models)
        for backend in backends
        for threads in request.threads
    )
    pairs = compare(baseline, dataclasses.replace(baseline, results=planned)).pairs
    few = "this measurement" if request.protocol.processes < FEWEST_FOR_RATIO else None
    few = few or next((f"{pair.title} of the baseline" for pair in pairs if not pair.judged), None)
    if few:
        raise DataError(
            f"{few} has too few processes: to tell a regression from noise takes {FEWEST_FOR_RATIO} on each side; "
            f"measure with --processes {FEWEST_FOR_RATIO} or more"
        )


def model_facts(paths: Sequence[Path], with_images: bool = False) -> list[ModelFacts]:
    """Hash, spec and proof; a name is the file's, with as many folders above it as tell two files apart.

    Raises ModelError for a file that is not a model, SpecError if there are images and nothing says how to prepare
    them, UsageError if one is named twice.
    """
    if len({path.absolute() for path in paths}) != len(paths):
        raise UsageError("a model is named twice; name each once (--threads and --backend take several values)")
    made = []
    for path, name in zip(paths, _names(paths), strict=True):
        bundle = read_bundle(path)
        spec = bundle.require_spec(path) if with_images else bundle.spec
        described = None if spec is None else json.loads(spec.to_json())
        facts = ModelFacts(_unicode(name), bundle.sha256, len(bundle.content), spec=described, proof=bundle.proof)
        made.append(dataclasses.replace(facts, cascade=_cascade_facts(bundle)))
    return made


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell them apart; the folder that they share is not recorded."""
    parts = [path.absolute().parts for path in paths]
    depths = (
        next(depth for depth in range(1, len(own) + 1) if sum(other[-depth:] == own[-depth:] for other in parts) == 1)
        for own in parts
    )
    return ["/".join(own[-depth:]) for own, depth in zip(parts, depths, strict=True)]


def _cascade_facts(bundle: Bundle) -> CascadeFacts | None:
    if bundle.cascade is None:
        return None
    rule = bundle.cascade.rule
    return CascadeFacts(rule.temperature, rule.threshold, rule.answered_first, rule.images)


def _unicode(name: str) -> str:
    """A name with what is not UTF-8 written as \\xff: JSON text cannot hold it."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _version(backend: str) -> str:
    try:
        return version(_PACKAGES[backend])
    except PackageNotFoundError:
        return "unknown version"


def image_files(names: Sequence[str]) -> tuple[list[Path], bool]:
    """The first `MAX_IMAGES` files that `names` stand for, and whether there are more.

    Raises UsageError or DataError for names that stand for nothing.
    """
    found = list(islice(chain.from_iterable(named_images(names)), MAX_IMAGES + 1))
    if names and not found:
        raise DataError("--images names no image; expected files, folders or patterns")
    return found[:MAX_IMAGES], len(found) > MAX_IMAGES


def examined(candidate: Candidate, protocol: Protocol, images: tuple[str, ...] = (), run: Run = run_task) -> Result:
    """The result with facts about the model; without time by operator if asking for it ends the process.

    Raises ModelError if it cannot be run, or an image cannot be put through it.
    """
    task = dataclasses.replace(candidate.task("examine", protocol), images=images)
    try:
        found = run(task)
    except ProcessDiedError as error:
        found = run(dataclasses.replace(task, do="outline"))  # the model's own fault is raised again by this
        found["notes"].append(f"time by operator: {error}")
    if candidate.result.model.spec is None:
        found["notes"].append("spec: the file holds none, so images cannot be put through it")
    result = candidate.result
    tensors = {key: found.pop(key) for key in ("inputs", "outputs")}
    identity = {"backend": result.backend, "backend_version": result.backend_version, "threads": result.threads}
    answer = {"model": dataclasses.asdict(result.model) | tensors, **identity, **found}
    made: Result = decode(Result, answer, "the worker's answer")
    return made
