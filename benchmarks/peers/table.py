"""The table: one line a row and number of threads, beside edgeleuk's int8."""

from collections.abc import Iterator, Sequence

from benchmarks.peers.rows import BASELINE
from benchmarks.peers.session import Candidate, Outcome
from edgeleuk.bench.record import Result
from edgeleuk.statistics.latency import Ratio, ratio_of_medians

_HEAD = (
    "engine",
    "version",
    "precision",
    "threads",
    "p50 ms",
    "95 % interval",
    "p90 ms",
    "peak MiB",
    "file MB",
    "over edgeleuk's int8",
    "labels as float",
)
_TEXT_COLUMNS = 3
_NOT_EQUAL = "*"


def render(outcome: Outcome) -> str:
    """The table, then what a reader has to know, ending in a newline."""
    measured = outcome.measured
    lines = [*_columns([_HEAD, *(_cells(candidate, _baseline(measured, candidate)) for candidate in measured)])]
    if not measured:
        lines = ["nothing was measured"]
    lines += [*_notes(measured), *(f"{name}: {reason}" for name, reason in outcome.failures.items())]
    return "\n".join(lines) + "\n"


def _baseline(measured: Sequence[Candidate], candidate: Candidate) -> Result | None:
    """edgeleuk's int8 with as many threads."""
    threads = candidate.result.threads
    found = (c for c in measured if c.row.name == BASELINE and c.result.threads == threads)
    return next((each.finished() for each in found), None)


def _cells(candidate: Candidate, baseline: Result | None) -> tuple[str, ...]:
    result, latency = candidate.finished(), candidate.finished().latency
    interval, peaks = latency.p50_interval, [run.peak_memory_mib for run in candidate.runs]
    known = [peak for peak in peaks if peak is not None]
    ratio = "-" if baseline is None else ratio_text(ratio_of_medians(baseline.samples, result.samples))
    return (
        candidate.row.title + (f" {_NOT_EQUAL}" if candidate.faults else ""),
        f"{result.backend} {result.backend_version}",
        candidate.row.precision,
        str(result.threads),
        f"{latency.p50_ms:.4g}",
        "-" if interval is None else f"{interval.low:.4g} to {interval.high:.4g}",
        f"{latency.p90_ms:.4g}",
        f"{max(known):.0f}" if known else "-",
        f"{result.model.size_bytes / 1e6:.2f}",
        "1" if candidate.row.name == BASELINE else ratio,
        f"{candidate.agreement.labels:.1%}",
    )


def ratio_text(ratio: Ratio) -> str:
    """ "1.23 (1.20 to 1.26)"; above 1 is slower than edgeleuk."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.2f}"
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.ljust(width) if number < _TEXT_COLUMNS else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _notes(measured: Sequence[Candidate]) -> Iterator[str]:
    if not measured:
        return
    yield ""
    yield "run alone, with the input set before and the output read after; a ratio over 1 is slower than edgeleuk"
    faults = (f"{_NOT_EQUAL} {candidate.row.title}: {fault}" for candidate in measured for fault in candidate.faults)
    yield from dict.fromkeys(faults)
