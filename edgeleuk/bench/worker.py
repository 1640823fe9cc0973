"""The child's side: one model in a process of its own. Does what standard input asks, prints one line of JSON."""

import ctypes
import dataclasses
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeleuk.bench.conditions import Watch
from edgeleuk.bench.energy import find_meter, metered
from edgeleuk.bench.process import peak_memory_mib, process_run
from edgeleuk.bench.queries import timed, warm_up
from edgeleuk.bench.record import FIRST_MODEL, LARGE_MODEL, Energy, OperatorTime, Protocol, Stage, Sustained
from edgeleuk.bench.subject import CascadeSubject, Subject, open_subject
from edgeleuk.device.delegate import coverage
from edgeleuk.errors import EdgeleukError, ModelError
from edgeleuk.files import sha256_bytes

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_WINDOW_S = 10.0
_METERED_S = 1.0


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


def main() -> None:
    """Answer the task on standard input. The last argument is the process to end with."""
    _end_with(int(sys.argv[-1]))
    raw = json.load(sys.stdin)
    task = Task(**raw | {"protocol": Protocol(**raw["protocol"]), "images": tuple(raw["images"])})
    try:
        answer: tuple[dict[str, Any] | None, str | None, bool] = _ACTIONS[task.do](task), None, False
    except EdgeleukError as error:
        answer = None, str(error), error.of_name
    print(json.dumps(answer))


def _end_with(parent: int) -> None:
    """Have this process killed when its parent ends, whatever ends it; no one would read its answer."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was faster
        os._exit(1)


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
        "delegate: the interpreter does not tell what its delegate runs": found,
        "memory: the interpreter does not tell where its activations lie": arena,
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
