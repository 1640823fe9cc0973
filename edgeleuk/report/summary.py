"""A report's tables as plain rows, which every format renders: what stands in the page stands in Markdown and CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.statistics import Interval
from edgeleuk.report.benchmark import conditions_text, median
from edgeleuk.report.reading import Material

METHOD = (
    "Each model is loaded in fresh processes, in turn with the others (A B C A B C), so that what slows the "
    "machine for a while slows all alike.",
    "Load is the time to read the file, build the interpreter and prepare its graph in a new process (files "
    "cached by the system, Python's imports left out); first is the first inference after it.",
    "A process warms up until the medians of its last blocks agree, and those queries do not count. Then the next "
    "query starts when the last is done (MLPerf's single stream, whose figure is the 90th percentile).",
    "Percentiles are over all queries of all processes. Intervals are order statistics of the processes' own "
    "medians and 90th percentiles, free of any assumption about a distribution; queries of one process are not "
    "independent, processes are.",
    "Memory is the greatest resident memory of such a process, Python and the interpreter's libraries included.",
    "A measurement is not valid where the firmware throttled, a clock changed, other programs or the hypervisor "
    "took the processor, a warm-up did not settle, or the interval is wide. What a device does not tell is not "
    "assumed to be well.",
)


@dataclass(frozen=True)
class Table:
    """Head and rows of text; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


_MEASURED = ("median ms", "95 % interval", "p90", "p95", "p99", "load", "first", "peak MiB", "file MB", "inferences/s")


def results_table(material: Material) -> Table:
    """One row a result of any record, with the accuracy of its model where it is known."""
    head = ("model", "device", "interpreter", "threads", *_MEASURED, "partitions", "valid")
    rows = [
        (
            result.model.name,
            record.label,
            f"{result.backend} {result.backend_version}",
            str(result.threads),
            *_figures(result),
            "no" if record.invalid else "yes",
        )
        for record, result in results(material)
    ]
    if not material.accuracies:
        return Table(head, tuple(rows))
    accuracies = [_accuracy(material, result) for _, result in results(material)]
    return Table((*head, "accuracy"), tuple((*row, found) for row, found in zip(rows, accuracies, strict=True)))


def results(material: Material) -> Iterator[tuple[Record, Result]]:
    """Every result with its record."""
    return ((record, result) for record in material.records for result in record.results)


def side_by_side(material: Material) -> Table | None:
    """Median by model and interpreter, one column a device; None where there is one device only."""
    devices = list(dict.fromkeys(record.label for record in material.records))
    if len(devices) < 2:
        return None
    cells: dict[str, dict[str, float]] = {}
    for record, result in results(material):
        cells.setdefault(result.title, {})[record.label] = result.latency.p50_ms
    rows = (
        (title, *(f"{found[device]:.4g}" if device in found else "-" for device in devices))
        for title, found in cells.items()
    )
    return Table(("median, ms", *devices), tuple(rows))


def operators_table(result: Result) -> Table:
    """Time by type of operator, the longest first."""
    total = sum(operator.ms for operator in result.operators) or 1
    rows = (
        (
            operator.name,
            "delegate" if operator.delegated else "interpreter",
            f"{operator.calls:g}",
            f"{operator.ms:.3f}",
            f"{operator.ms / total:.1%}",
        )
        for operator in result.operators
    )
    return Table(("operator", "run by", "calls", "ms an inference", "share"), tuple(rows))


def stages_table(record: Record) -> Table | None:
    """Median milliseconds an image by stage; None where no record has stages."""
    rows = [(result.title, result.stage_samples()) for result in record.results if result.stage_samples()]
    if not rows:
        return None
    names = tuple(rows[0][1])
    body = tuple((title, *(f"{median(samples[name]):.4g}" for name in names)) for title, samples in rows)
    return Table(("ms an image, median", *names), body)


def device_rows(record: Record) -> tuple[tuple[str, str], ...]:
    """Facts about the device; those it does not tell are left out."""
    facts = [(name.replace("_", " "), _fact(value)) for name, value in record.device.items()]
    measured = (
        ("measured", record.created),
        ("edgeleuk", record.edgeleuk_version),
        ("conditions", _conditions(record)),
    )
    return (*measured, *((name, text) for name, text in facts if text))


def protocol_rows(record: Record) -> tuple[tuple[str, str], ...]:
    """The protocol, in words a reader can check."""
    protocol = record.protocol
    blocks = f"{protocol.warm_up_blocks} blocks of {protocol.warm_up_block_s:g} s"
    return (
        ("scenario", protocol.scenario),
        ("processes", f"{protocol.processes} of each model, in turn"),
        ("queries", f"at least {protocol.runs} and {protocol.seconds:g} s of each model, over all processes"),
        (
            "warm-up",
            f"until the medians of the last {blocks} differ by at most {protocol.warm_up_tolerance:.0%}, "
            f"at most {protocol.warm_up_limit_s:g} s",
        ),
    )


def suite_table(timings: Sequence[Any]) -> Table:
    """Of pytest-benchmark."""
    rows = ((t.name, f"{t.min_ms:.4g}", f"{t.median_ms:.4g}", f"{t.iqr_ms:.3g}", f"{t.rounds:,}") for t in timings)
    return Table(("test", "min ms", "median ms", "IQR ms", "rounds"), tuple(rows))


def figures_table(rows: Sequence[Any]) -> Table:
    """Of a script in benchmarks/."""
    passed = {True: "met", False: "MISSED", None: ""}
    body = ((r.name, f"{r.value:.4g} {r.unit}", "" if r.bar is None else f"{r.bar:g}", passed[r.met]) for r in rows)
    return Table(("figure", "measured", "bar", ""), tuple(body))


def accuracy_points(material: Material) -> list[tuple[str, float, float, float | None, float | None]]:
    """(name, median ms, accuracy, low, high) of each result whose model was evaluated."""
    points = []
    for _, result in results(material):
        found = material.accuracy_of(result.model.sha256)
        if found is not None:
            points.append((result.title, result.latency.p50_ms, found.value, found.low, found.high))
    return points


def _figures(result: Result) -> tuple[str, ...]:
    found = result.latency
    peaks = [process.peak_memory_mib for process in result.processes if process.peak_memory_mib is not None]
    return (
        f"{found.p50_ms:.4g}",
        _interval(found.p50_interval),
        *(f"{value:.4g}" for value in (found.p90_ms, found.p95_ms, found.p99_ms)),
        f"{median([process.load_ms for process in result.processes]):.4g}",
        f"{median([process.first_ms for process in result.processes]):.4g}",
        f"{max(peaks):.1f}" if peaks else "-",
        f"{result.model.size_bytes / 1e6:.2f}",
        f"{1000 * found.runs / sum(map(sum, result.samples)):.4g}",
        "-" if result.coverage is None else str(result.coverage.partitions),
    )


def _interval(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.low:.4g} to {interval.high:.4g}"


def _accuracy(material: Material, result: Result) -> str:
    found = material.accuracy_of(result.model.sha256)
    if found is None:
        return "-"
    return f"{found.value:.3f}" + ("" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})")


def _conditions(record: Record) -> str:
    during = [c for result in record.results for process in result.processes for c in process.conditions]
    return conditions_text([*record.conditions, *during])


def _fact(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)
