"""The record of a benchmark: everything that was measured, raw, with where and how. It knows nothing of display."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from edgeleuk.bench.measured import (
    END_TO_END,
    FIRST_MODEL,
    LARGE_MODEL,
    Condition,
    ModelFacts,
    OperatorTime,
    ProcessRun,
    Protocol,
    Sustained,
)
from edgeleuk.codec import Form, decode, read_json
from edgeleuk.device.delegate import Coverage
from edgeleuk.errors import DataError, reading_what_was_named
from edgeleuk.statistics.latency import Latency, latency, ratio_of_medians, typical_ms
from edgeleuk.text import counted

Samples = Sequence[Sequence[float]]
SCHEMA_VERSION = 1
KIND = "edgeleuk benchmark"
_DERIVED = ("summary", "decision")  # of each result
_FORM = Form(
    KIND,
    SCHEMA_VERSION,
    "a benchmark record; expected what 'edgeleuk benchmark -o FILE.json' writes",
    "measure again with this edgeleuk",
)


@dataclass(frozen=True)
class Summary(Latency):
    """Latency of bare invoke, then the medians over processes of load and first inference; peak memory of any.

    `throughput_per_s`: of queries that each take the median, one after the other.
    """

    throughput_per_s: float
    load_ms: float
    first_ms: float
    peak_memory_mib: float | None
    arena_bytes: int | None


def summarise(
    samples: Samples,
    load_ms: Sequence[float],
    first_ms: Sequence[float],
    peak_memory_mib: Sequence[float | None],
    arena_bytes: int | None,
) -> Summary:
    """One value a process in each sequence. Raises ValueError without any."""
    found = latency(samples)
    peaks = [peak for peak in peak_memory_mib if peak is not None]
    return Summary(
        **vars(found),
        throughput_per_s=1000 / found.p50_ms,
        load_ms=median(load_ms),
        first_ms=median(first_ms),
        peak_memory_mib=max(peaks, default=None),
        arena_bytes=arena_bytes,
    )


def fewest_threads(by_threads: Mapping[int, Samples]) -> int | None:
    """The fewest threads than which no other number is shown to be faster; None if too few processes show nothing.

    "Shown" is an interval of the ratio of medians that lies below 1.
    """
    for threads, samples in sorted(by_threads.items()):
        ratios = [ratio_of_medians(samples, other) for number, other in by_threads.items() if number != threads]
        highs = [ratio.high for ratio in ratios if ratio.high is not None]
        if len(highs) < len(ratios):
            return None
        if all(high >= 1 for high in highs):
            return threads
    return min(by_threads, key=lambda threads: typical_ms(by_threads[threads]), default=None)


@dataclass(frozen=True)
class Result:
    """One model under one interpreter with one number of threads. `notes` say what could not be filled, and why.

    `arena_bytes`: memory that the interpreter planned for activations; what a delegate takes besides is not reported.
    `operators` are medians over `profiled_runs` inferences; in older records, where that is None, means over 30.
    """

    model: ModelFacts
    backend: str
    backend_version: str
    threads: int
    processes: tuple[ProcessRun, ...] = ()
    arena_bytes: int | None = None
    coverage: Coverage | None = None
    operators: tuple[OperatorTime, ...] = ()
    sustained: Sustained | None = None
    notes: tuple[str, ...] = ()
    profiled_runs: int | None = None

    @property
    def samples(self) -> list[tuple[float, ...]]:
        """Milliseconds of bare invoke, process by process."""
        return [process.samples_ms for process in self.processes]

    @property
    def latency(self) -> Latency:
        """Of bare invoke."""
        return latency(self.samples)

    @property
    def decision(self) -> Latency | None:
        """From image file to decision; None if no images were put through it."""
        whole = [stage.samples_ms for run in self.processes for stage in run.stages if stage.name == END_TO_END]
        return latency(whole) if whole else None

    @property
    def summary(self) -> Summary:
        """The samples in a few figures."""
        runs = self.processes
        loads, firsts, peaks = zip(*((run.load_ms, run.first_ms, run.peak_memory_mib) for run in runs), strict=True)
        return summarise(self.samples, loads, firsts, peaks, self.arena_bytes)

    @property
    def title(self) -> str:
        """Model, interpreter and threads, for people."""
        return f"{self.model.name}, {self.backend}, {counted(self.threads, 'thread')}"

    def part_ms(self, name: str) -> float | None:
        """Median of one model of a cascade on its own, FIRST_MODEL or LARGE_MODEL; None if it was not measured."""
        samples = [part.samples_ms for process in self.processes for part in process.parts if part.name == name]
        return latency(samples).p50_ms if samples else None

    @property
    def expected_ms(self) -> float | None:
        """Of a cascade's bare inference, if the first model answers as many images as on validation."""
        first, large, cascade = self.part_ms(FIRST_MODEL), self.part_ms(LARGE_MODEL), self.model.cascade
        if first is None or large is None or cascade is None:
            return None
        return first + (1 - cascade.share_first) * large

    @property
    def share_first(self) -> float | None:
        """Share of the images put through it that the first model of a cascade answered."""
        counts = [run.answered_first for run in self.processes if run.answered_first is not None]
        timed = sum(len(run.stages[0].samples_ms) for run in self.processes if run.stages)
        return sum(counts) / timed if counts and timed else None

    def stage_samples(self) -> dict[str, list[float]]:
        """Milliseconds by stage in order, over all processes."""
        joined: dict[str, list[float]] = {}
        for process in self.processes:
            for stage in process.stages:
                joined.setdefault(stage.name, []).extend(stage.samples_ms)
        return joined


@dataclass(frozen=True)
class Record:
    """One run of the benchmark on one device. `invalid` lists why its numbers should not be quoted; empty: valid."""

    created: str
    edgeleuk_version: str
    label: str
    device: dict[str, Any]
    protocol: Protocol
    results: tuple[Result, ...]
    partial: bool = False
    invalid: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())

    def to_json(self) -> str:
        """JSON text with a schema version and a hash of its content.

        Beside what was measured it holds what follows from it, for whoever reads the file without edgeleuk: a
        "summary" of each result, its "decision", and "best_threads" of a sweep. Reading derives them again.
        """
        plain = dataclasses.asdict(self)
        for row, result in zip(plain["results"], self.results, strict=True):
            row["summary"] = dataclasses.asdict(result.summary) if result.processes else None
            row["decision"] = None if result.decision is None else dataclasses.asdict(result.decision)
        plain["best_threads"] = [
            {"model": model, "backend": backend, "threads": threads}
            for (model, backend), threads in best_threads(self.results).items()
        ]
        return _FORM.dump(plain)


def best_threads(results: Iterable[Result]) -> dict[tuple[str, str], int | None]:
    """`fewest_threads` by model's name and interpreter, if several numbers of threads were measured."""
    groups: dict[tuple[str, str], dict[int, list[tuple[float, ...]]]] = {}
    for result in results:
        groups.setdefault((result.model.name, result.backend), {})[result.threads] = result.samples
    return {key: fewest_threads(group) for key, group in groups.items() if len(group) > 1}


@reading_what_was_named()
def read_record(path: Path) -> Record:
    """Read what `Record.to_json` wrote. Raises DataError if it is missing, cut off, changed or of another schema."""
    return parse_record(read_json(path, any_text=True), str(path))


def parse_record(raw: Any, name: str) -> Record:
    """A record from its JSON value. Raises DataError."""
    record: Record = decode(Record, _without_derived(_FORM.content(raw, name)), name)
    for number, result in enumerate(record.results):
        if not result.processes or not all(samples and min(samples) > 0 for samples in result.samples):
            raise DataError(f"{name}.results[{number}] lacks samples above 0 ms of some process; measure again")
    _FORM.check(raw, name)
    return record


def _without_derived(content: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that `Record.to_json` adds; the hash covers them, nothing else reads them."""
    kept = {key: value for key, value in content.items() if key != "best_threads"}
    if isinstance(kept.get("results"), list):
        kept["results"] = [
            {key: value for key, value in row.items() if key not in _DERIVED} if isinstance(row, dict) else row
            for row in kept["results"]
        ]
    return kept
