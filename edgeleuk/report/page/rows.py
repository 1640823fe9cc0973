"""Every result of a report with what is shown of it, worked out once, under a name that tells it from the others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from edgeleuk.bench.family import Speed, speeds
from edgeleuk.bench.record import Record, Result, Summary
from edgeleuk.text import counted, shortened

_LONGEST = 56


@dataclass(frozen=True)
class Row:
    """One result. `name` holds what differs among the rows; `speed`: against another of its record and family.

    It is None for that other one.
    """

    record: Record
    result: Result
    name: str
    summary: Summary
    speed: Speed | None

    @property
    def valid(self) -> bool:
        """Whether its record is."""
        return not self.record.invalid

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why its record is not valid, without what is said of other results."""
        others = tuple(f"{other.title}: " for other in self.record.results if other.title != self.result.title)
        return tuple(reason for reason in self.record.invalid if not reason.startswith(others))

    @cached_property
    def stage_medians_ms(self) -> dict[str, float]:
        """From file to decision, by stage and end to end; empty if no images were given."""
        return {name: median(samples) for name, samples in self.result.stage_samples().items() if samples}

    @property
    def start_memory_mib(self) -> float | None:
        """Greatest resident memory of a process before there was a model; None if no record tells."""
        known = [run.start_memory_mib for run in self.result.processes if run.start_memory_mib is not None]
        return max(known, default=None)

    @property
    def millijoules(self) -> float | None:
        """Energy of one inference; None without a counter."""
        used = [process.energy for process in self.result.processes if process.energy is not None]
        queries = sum(energy.queries for energy in used)
        return 1000 * sum(energy.joules for energy in used) / queries if queries else None


def rows_of(records: Sequence[Record]) -> tuple[Row, ...]:
    """One row a result, in the order of the records. Speeds are within a record: two machines or days tell no ratio."""
    pairs = [(record, result) for record in records for result in record.results]
    within = [speed for record in records for speed in speeds(record.results)]
    return tuple(
        Row(record, result, name, result.summary, speed)
        for (record, result), name, speed in zip(pairs, _names(pairs), within, strict=True)
    )


def rows_of_record(record: Record, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Those of one record, with names that tell them from each other only."""
    own = [row for row in rows if row.record is record]
    names = _names([(row.record, row.result) for row in own])
    return tuple(replace(row, name=name) for row, name in zip(own, names, strict=True))


def _names(pairs: Sequence[tuple[Record, Result]]) -> list[str]:
    """Model, then interpreter, threads and device if they differ, then the time if that is not enough."""
    parts = [
        (
            shortened(result.model.name.removesuffix(".tflite")),
            result.backend,
            counted(result.threads, "thread"),
            shortened(record.label, 32),
        )
        for record, result in pairs
    ]
    differing = [number for number in range(4) if number == 0 or len({each[number] for each in parts}) > 1]
    names = [", ".join(each[number] for number in differing) for each in parts]
    counts = Counter(names)
    return [
        name if counts[name] == 1 else f"{name}, {record.created[:19].replace('T', ' ')}"
        for name, (record, _) in zip(names, pairs, strict=True)
    ]
