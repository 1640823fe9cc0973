"""The child's side: one model in a process of its own. Does what the last argument asks, prints one line of JSON."""

import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeleuk.bench.conditions import Watch, usage
from edgeleuk.bench.energy import find_counter
from edgeleuk.bench.queries import timed, warm_up
from edgeleuk.bench.record import Energy, ProcessRun, Protocol, Stage, Sustained
from edgeleuk.bench.subject import Subject
from edgeleuk.device.delegate import coverage
from edgeleuk.device.reading import read_text
from edgeleuk.errors import EdgeleukError

_PROFILED_RUNS = 30
_WINDOW_S = 10.0


@dataclasses.dataclass(frozen=True)
class Task:
    """What to do (see `_ACTIONS`) with which model; runs and seconds are this process's share."""

    do: str
    model: str
    backend: str
    threads: int
    origin_s: float = 0.0
    runs: int = 1
    seconds: float = 0.0
    images: tuple[str, ...] = ()
    protocol: Protocol = dataclasses.field(default_factory=Protocol)


def main() -> None:
    """Answer the task in the last argument."""
    raw = json.loads(sys.argv[-1])
    task = Task(**raw | {"protocol": Protocol(**raw["protocol"]), "images": tuple(raw["images"])})
    try:
        answer: tuple[dict[str, Any] | None, str | None] = _ACTIONS[task.do](task), None
    except EdgeleukError as error:
        answer = None, str(error)
    print(json.dumps(answer))


def measure(task: Task) -> dict[str, Any]:
    """A `ProcessRun`: cold load, first inference, warm-up, queries, and the stages where there are images."""
    watch = Watch(task.origin_s)
    watch()
    subject, load_ms = _loaded(task)
    started = time.perf_counter_ns()
    subject.invoke()
    first_ms = (time.perf_counter_ns() - started) / 1e6
    warm = warm_up(subject.invoke, task.protocol, time.perf_counter_ns)
    counter, _ = find_counter()
    joules, before = counter.read_j() if counter else None, usage()
    samples = timed(subject.invoke, task.runs, task.seconds, time.perf_counter_ns, watch)
    after, spent = usage(), counter.read_j() if counter else None
    watch()
    energy = None
    if counter is not None and joules is not None and spent is not None:
        energy = Energy(counter.source, counter.used(joules, spent), after.wall_s - before.wall_s, len(samples))
    others, steal = after.others_since(before)
    peak = peak_memory_mib()
    run = ProcessRun(
        started_s=watch.taken[0].time_s,
        load_ms=round(load_ms, 3),
        first_ms=round(first_ms, 4),
        warm_up_ms=warm.samples_ms,
        settled=warm.settled,
        samples_ms=samples,
        peak_memory_mib=peak,
        other_cores=None if others is None else round(others, 4),
        steal_cores=None if steal is None else round(steal, 4),
        conditions=tuple(watch.taken),
        energy=energy,
        stages=_stages(task),
    )
    return dataclasses.asdict(run)


def outline(task: Task) -> dict[str, Any]:
    """What the model is and how the interpreter takes it; what could not be found out is said in "notes"."""
    return _outline(_ran(task))


def examine(task: Task) -> dict[str, Any]:
    """The outline with time by operator."""
    subject = _ran(task)
    found = _outline(subject)
    try:
        found["operators"] = [dataclasses.asdict(operator) for operator in _profiled(task, subject)]
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
        "notes": [note for note, value in told.items() if value is None],
    }


def sustain(task: Task) -> dict[str, Any]:
    """A `Sustained`: queries for `seconds`, in windows."""
    watch = Watch(task.origin_s)
    subject, _ = _loaded(task)
    warm_up(subject.invoke, task.protocol, time.perf_counter_ns)
    window = min(_WINDOW_S, task.seconds / 6)
    medians = tuple(statistics.median(samples) for samples in _windows(subject, task.seconds, window, watch))
    return dataclasses.asdict(Sustained(task.seconds / 60, window, medians, tuple(watch.taken)))


def peak_memory_mib() -> float | None:
    """Greatest resident memory of this process; getrusage(2) would count the parent's, too."""
    for line in (read_text(Path("/proc/self/status")) or "").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None


_ACTIONS = {"measure": measure, "outline": outline, "examine": examine, "sustain": sustain}


def _loaded(task: Task) -> tuple[Subject, float]:
    """The model, and the milliseconds it took to read it, build its interpreter and prepare its graph."""
    from edgeleuk.runtime.backend import interpreter_class

    interpreter_class(task.backend)  # imported before the clock starts
    path = Path(task.model)
    started = time.perf_counter_ns()
    content = path.read_bytes()
    subject = Subject(content, path, task.threads, task.backend)
    return subject, (time.perf_counter_ns() - started) / 1e6


def _stages(task: Task) -> tuple[Stage, ...]:
    if not task.images:
        return ()
    from edgeleuk.bench.stages import timed_stages
    from edgeleuk.runtime.classifier import Classifier

    classifier = Classifier.load(task.model, task.threads, task.backend)
    files = [Path(image) for image in task.images]
    return timed_stages(classifier, files, task.runs, task.seconds, time.perf_counter_ns)


def _profiled(task: Task, subject: Subject) -> tuple[Any, ...]:
    from edgeleuk.bench.native_profile import profile_operators

    if task.backend != "litert":
        raise EdgeleukError(f"{task.backend} has no profiler that can be asked")
    interpreter = subject.interpreter
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return profile_operators(Path(task.model), inputs, outputs, task.threads, _PROFILED_RUNS)


def _windows(subject: Subject, seconds: float, window: float, watch: Watch) -> Iterator[tuple[float, ...]]:
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds - window / 2:
        watch()
        yield timed(subject.invoke, 1, window, time.perf_counter_ns)
    watch()
