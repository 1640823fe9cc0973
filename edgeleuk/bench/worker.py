"""One model in its own process: the request, the work there, and the answer."""

import dataclasses
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeleuk.bench.conditions import Watch
from edgeleuk.bench.energy import find_meter, metered
from edgeleuk.bench.measured import FIRST_MODEL, LARGE_MODEL, Energy, OperatorTime, Protocol, Stage, Sustained
from edgeleuk.bench.queries import peak_memory_mib, process_run, timed, warm_up
from edgeleuk.bench.subject import CascadeSubject, Subject, open_subject
from edgeleuk.device.delegate import coverage
from edgeleuk.errors import EdgeleukError, ModelError
from edgeleuk.files import sha256_bytes
from edgeleuk.processes.child import ISOLATED, answer, run_module
from edgeleuk.text import counted

_WINDOW_S = 10.0
_METERED_S = 1.0
_START_S, _QUERY_S, _UNCOUNTED_QUERIES = 120.0, 60.0, 30


@dataclasses.dataclass(frozen=True)
class Task:
    """What to do (see `_ACTIONS`) with which model; runs and seconds are this process's share.

    A file with another hash than `sha256` is refused.
    """

    do: str
    model: str
    backend: str
    threads: int
    origin_s: float = 0.0
    runs: int = 1
    seconds: float = 0.0
    images: tuple[str, ...] = ()
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    sha256: str | None = None


class ProcessDiedError(ModelError):
    """The process that ran a model ended without an answer: a crash, a signal, too little memory."""


def run_task(task: Task, python: Sequence[str] = ISOLATED, patience_s: float | None = None) -> Any:
    """What a worker answers, a JSON object.

    Raises ModelError if the model cannot be run, ProcessDiedError if its process crashed or hangs.
    """
    # A minute for each query that has to be.
    patience_s = patience_s or _START_S + 20 * task.seconds + _QUERY_S * (task.runs + _UNCOUNTED_QUERIES)
    outcome = run_module(__name__, dataclasses.asdict(task), python, patience_s)
    if outcome.failure is None:
        return outcome.answer
    if outcome.died:
        who = f"{task.model} under {task.backend}, {counted(task.threads, 'thread')}"
        raise ProcessDiedError(f"{who}: {outcome.failure}")
    refused = ModelError(outcome.failure)
    refused.of_name = outcome.of_name
    raise refused


def main() -> None:
    """The worker's side."""
    answer(_do)


def _do(raw: dict[str, Any]) -> dict[str, Any]:
    task = Task(**raw | {"protocol": Protocol(**raw["protocol"]), "images": tuple(raw["images"])})
    return _ACTIONS[task.do](task)


def measure(task: Task) -> dict[str, Any]:
    """A `ProcessRun`: cold load, first inference, warm-up, queries, and the stages if there are images."""
    watch = Watch(task.origin_s)
    watch()
    _import_interpreter(task)
    start_memory_mib = peak_memory_mib()
    subject, load_ms = _loaded(task)
    run, _ = process_run(subject.invoke, load_ms, watch, task)
    stages, answered_first = _stages(task)
    run = dataclasses.replace(
        run,
        start_memory_mib=start_memory_mib,
        energy=run.energy or _metered(subject),
        stages=stages,
        parts=_parts(subject, task),
        answered_first=answered_first,
    )
    return dataclasses.asdict(run)


def _parts(subject: Subject, task: Task) -> tuple[Stage, ...]:
    """Both models of a cascade on their own."""
    if not isinstance(subject, CascadeSubject):
        return ()
    queries = {FIRST_MODEL: subject.first.invoke, LARGE_MODEL: subject.invoke_large}
    seconds = task.seconds / 2
    return tuple(Stage(name, timed(query, task.runs, seconds, time.perf_counter_ns)) for name, query in queries.items())


def _metered(subject: Subject) -> Energy | None:
    meter = find_meter()
    return None if meter is None else metered(subject.invoke, meter, _METERED_S)


def outline(task: Task) -> dict[str, Any]:
    """What the model is and how the interpreter takes it; what could not be found out is said in "notes"."""
    return _outline(_ran(task))


def examine(task: Task) -> dict[str, Any]:
    """The outline with time by operator. Images are put through once, so that a bad one is found before the rounds."""
    subject = _ran(task)
    found = _outline(subject)
    if task.images:
        classifier = _classifier(task)
        for image in task.images:
            classifier.predict(image)
    try:
        operators, found["profiled_runs"] = _profiled(task, subject)
        found["operators"] = [dataclasses.asdict(operator) for operator in operators]
    except EdgeleukError as error:
        found["notes"].append(f"time by operator: {error}")
    return found


def _ran(task: Task) -> Subject:
    subject, _ = _loaded(task)
    subject.invoke()
    return subject


def _outline(subject: Subject) -> dict[str, Any]:
    found, arena = coverage(subject.operations()), subject.arena_bytes()
    told = {
        "delegate: the interpreter does not report what its delegate runs": found,
        "memory: the interpreter does not report where its activations lie": arena,
    }
    return {
        "inputs": [dataclasses.asdict(tensor) for tensor in subject.inputs],
        "outputs": [dataclasses.asdict(tensor) for tensor in subject.outputs],
        "arena_bytes": arena,
        "coverage": None if found is None else dataclasses.asdict(found),
        "operators": [],
        "notes": [*subject.notes(), *(note for note, value in told.items() if value is None)],
    }


def sustain(task: Task) -> dict[str, Any]:
    """A `Sustained`: queries for `seconds`, in windows."""
    watch = Watch(task.origin_s)
    subject, _ = _loaded(task)
    warm_up(subject.invoke, task.protocol, time.perf_counter_ns)
    window = min(_WINDOW_S, task.seconds / 6)
    medians = tuple(statistics.median(samples) for samples in _windows(subject, task.seconds, window, watch))
    return dataclasses.asdict(Sustained(task.seconds / 60, window, medians, tuple(watch.taken)))


_ACTIONS = {"measure": measure, "outline": outline, "examine": examine, "sustain": sustain}


def _loaded(task: Task) -> tuple[Subject, float]:
    """The model, and the milliseconds it took to read it, build its interpreter and prepare its graph."""
    _import_interpreter(task)  # before the clock starts
    path = Path(task.model)
    started = time.perf_counter_ns()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    subject = open_subject(content, path, task.threads, task.backend)
    load_ms = (time.perf_counter_ns() - started) / 1e6
    if task.sha256 not in (None, sha256_bytes(content)):
        raise ModelError(f"{path} was changed while it was measured; measure again")
    return subject, load_ms


def _import_interpreter(task: Task) -> None:
    from edgeleuk.runtime.backend import interpreter_class

    interpreter_class(task.backend)


def _stages(task: Task) -> tuple[tuple[Stage, ...], int | None]:
    """The stages, and how many images the first model of a cascade answered."""
    if not task.images:
        return (), None
    from edgeleuk.bench.stages import timed_way

    files = [Path(image) for image in task.images]
    return timed_way(_classifier(task), files, task.runs, task.seconds, time.perf_counter_ns)


def _classifier(task: Task) -> Any:
    from edgeleuk.runtime.models import open_model

    return open_model(task.model, task.threads, task.backend)


def _profiled(task: Task, subject: Subject) -> tuple[tuple[OperatorTime, ...], int]:
    from edgeleuk.bench.native_profile import profile_operators

    if task.backend != "litert":
        raise EdgeleukError(f"{task.backend} has no profiler to query")
    interpreter = subject.interpreter
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return profile_operators(Path(task.model), inputs, outputs, task.threads)


def _windows(subject: Subject, seconds: float, window: float, watch: Watch) -> Iterator[tuple[float, ...]]:
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds - window / 2:
        watch()
        yield timed(subject.invoke, 1, window, time.perf_counter_ns)
    watch()
