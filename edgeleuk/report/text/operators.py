"""Time by operator, compared with that of a whole inference: what is missing is reported, not spread over the rest."""

from dataclasses import dataclass

from edgeleuk.bench.record import Result

MOST_MISSING = 0.2  # of the median: if more is missing, or more is told than there was, there are no shares
REST = "not accounted for"


@dataclass(frozen=True)
class OperatorRow:
    """One type of operator, or the rest, whose `calls` and `place` are None; `share` of the median inference."""

    name: str
    place: str | None
    calls: float | None
    ms: float
    share: float | None


@dataclass(frozen=True)
class OperatorTimes:
    """Rows, the longest first and the rest last; `how` says in words how good they are."""

    rows: tuple[OperatorRow, ...]
    how: tuple[str, ...]


def operator_times(result: Result) -> OperatorTimes | None:
    """None if no operator was timed."""
    if not result.operators:
        return None
    whole = result.summary.p50_ms
    total = sum(operator.ms for operator in result.operators)
    shared = abs(whole - total) <= MOST_MISSING * whole
    rows = [
        OperatorRow(
            operator.name,
            "delegate" if operator.delegated else "interpreter",
            operator.calls,
            operator.ms,
            operator.ms / whole if shared else None,
        )
        for operator in result.operators
    ]
    rest = whole - total
    rows.append(OperatorRow(REST, None, None, rest, rest / whole if shared else None))
    return OperatorTimes(tuple(rows), tuple(_how(result, whole, total, shared)))


def _how(result: Result, whole: float, total: float, shared: bool) -> list[str]:
    runs = result.profiled_runs
    made = "mean of 30 profiled inferences, as an older edgeleuk measured, which one disturbance can spoil"
    if runs is not None:
        made = f"median of {runs:,} profiled inferences"
    told = [f"time by operator: {made}, in whole microseconds, so that what is shorter counts nothing"]
    if not shared:
        least = f"{abs(whole - total) / whole:.0%}"
        told.append(f"no shares: the sum, {total:.4g} ms, is {least} off the median inference, {whole:.4g} ms")
    return told
