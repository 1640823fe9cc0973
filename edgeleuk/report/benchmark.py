"""A benchmark record as text for a terminal."""

from collections.abc import Iterator
from statistics import median

from edgeleuk.bench.compare import Comparisons, ratios_to_first, threads_advice
from edgeleuk.bench.record import Condition, Record, Result
from edgeleuk.bench.statistics import Interval, Ratio
from edgeleuk.bench.summary import Summary
from edgeleuk.bench.validity import sustained_findings
from edgeleuk.report.cascade_times import cascade_lines

_MOST_OPERATORS = 8


def render_record(record: Record) -> str:
    """The whole record, ending in a newline."""
    ratios = ratios_to_first(record.results)
    details = (_details(result, ratio) for result, ratio in zip(record.results, ratios, strict=True))
    parts = [_head(record), _table(record), *details, _verdict(record)]
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def render_comparisons(comparisons: Comparisons) -> str:
    """One line a pair, then the notes, ending in a newline."""
    lines = []
    for pair in comparisons.pairs:
        lines.append(f"{pair.title}")
        lines.append(
            f"  {pair.first_ms:.4g} -> {pair.second_ms:.4g} ms, ratio {ratio_text(pair.ratio)}: {pair.verdict}"
        )
    lines += [f"note: {note}" for note in comparisons.notes]
    return "\n".join(lines) + "\n"


def ratio_text(ratio: Ratio) -> str:
    """ "1.100 (95 % interval 1.080 to 1.120)"."""
    if ratio.low is None:
        return f"{ratio.value:.3f}"
    return f"{ratio.value:.3f} ({ratio.confidence:.0%} interval {ratio.low:.3f} to {ratio.high:.3f})"


def short_ratio_text(ratio: Ratio | None) -> str:
    """ "2.10 (2.05 to 2.14)" for a table; of the first result itself "1"."""
    if ratio is None:
        return "1"
    bounds = "no interval" if ratio.low is None else f"{ratio.low:.3g} to {ratio.high:.3g}"
    return f"{ratio.value:.3g} ({bounds})"


def interval_text(interval: Interval | None, digits: int = 4) -> str:
    """ "1.45 to 1.49", or a dash."""
    return "-" if interval is None else f"{interval.low:.{digits}g} to {interval.high:.{digits}g}"


def _head(record: Record) -> Iterator[str]:
    device, protocol = record.device, record.protocol
    yield f"device    {record.label}: {device.get('processor')}, {device.get('cores')} cores, {device.get('system')}"
    libraries = ", ".join(f"{name} {version}" for name, version in (device.get("libraries") or {}).items())
    yield f"software  Python {device.get('python')}, {libraries}"
    least = f"at least {protocol.runs} runs and {protocol.seconds:g} s of each model"
    yield f"protocol  {protocol.processes} processes in turn, {least}; {protocol.scenario}"
    conditions = [*record.conditions, *(c for result in record.results for p in result.processes for c in p.conditions)]
    yield f"machine   {conditions_text(conditions)}"


def conditions_text(conditions: list[Condition]) -> str:
    """Ranges of temperature, clock and load, and what throttled; what the machine does not tell is said."""
    temperatures = [c.temperature_c for c in conditions if c.temperature_c is not None]
    clocks = [clock for c in conditions for clock in c.clocks_mhz]
    loads = [c.load_average for c in conditions if c.load_average is not None]
    causes = [c.throttled for c in conditions if c.throttled is not None]
    return ", ".join(
        [
            f"{min(temperatures):.0f} to {max(temperatures):.0f} °C" if temperatures else "temperature not told",
            f"{min(clocks):,.0f} to {max(clocks):,.0f} MHz" if clocks else "clock not told",
            f"load {min(loads):.2f} to {max(loads):.2f}" if loads else "load not told",
            ("; ".join(sorted({x for c in causes for x in c})) or "not throttled") if causes else "throttling not told",
        ]
    )


def _table(record: Record) -> Iterator[str]:
    """One line a result: milliseconds of bare invoke."""
    if not record.results:
        yield "nothing was measured"
        return
    corner = "ms of bare invoke"
    rows = [_cells(result.summary) for result in record.results]
    side = max(len(corner), *(len(result.title) for result in record.results))
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    yield f"{corner:{side}}" + "".join(f"  {name:>{width}}" for name, width in widths.items())
    for result, row in zip(record.results, rows, strict=True):
        yield f"{result.title:{side}}" + "".join(f"  {row[name]:>{width}}" for name, width in widths.items())
    yield from threads_advice(record.results)


def _cells(found: Summary) -> dict[str, str]:
    return {
        "median": f"{found.p50_ms:.4g}",
        "95 % interval": interval_text(found.p50_interval),
        "p90": f"{found.p90_ms:.4g}",
        "p95": f"{found.p95_ms:.4g}",
        "p99": f"{found.p99_ms:.4g}",
        "load": f"{found.load_ms:.4g}",
        "first": f"{found.first_ms:.4g}",
        "MiB": "-" if found.peak_memory_mib is None else f"{found.peak_memory_mib:.1f}",
        "runs": f"{found.runs:,}",
    }


def _details(result: Result, ratio: Ratio | None) -> Iterator[str]:
    yield result.title
    if ratio is not None:
        yield f"  {ratio_text(ratio)} times as long as the first"
    arena = "" if result.arena_bytes is None else f", arena {result.arena_bytes / 1024:,.0f} KiB"
    yield f"  {result.summary.throughput_per_s:.4g} inferences/s{arena}"
    yield from (f"  {line}" for line in cascade_lines(result))
    if result.coverage is not None:
        outside = ", ".join(f"{count} {name}" for name, count in result.coverage.outside.items()) or "none"
        covered = f"{result.coverage.delegated} of {result.coverage.operators} operators"
        yield f"  delegate: {covered} in {result.coverage.partitions} partitions; outside: {outside}"
    yield from _operators(result)
    stages = result.stage_samples()
    if stages:
        yield "  ms an image, median: " + ", ".join(f"{name} {median(ms):.4g}" for name, ms in stages.items())
    yield from _energy(result)
    if result.sustained is not None:
        for finding in sustained_findings(result.sustained):
            yield f"  {result.sustained.minutes:g} minutes without a pause: {finding}"
    for note in result.notes:
        yield f"  note: {note}"


def _operators(result: Result) -> Iterator[str]:
    total = sum(operator.ms for operator in result.operators)
    for operator in result.operators[:_MOST_OPERATORS]:
        place = "delegate" if operator.delegated else "interpreter"
        share = f"{operator.ms / (total or 1):5.1%}"
        yield f"  {operator.ms:9.3f} ms  {share}  {operator.calls:4.0f} x {operator.name} ({place})"


def _energy(result: Result) -> Iterator[str]:
    used = [process.energy for process in result.processes if process.energy is not None]
    if used:
        each = 1000 * sum(energy.joules for energy in used) / sum(energy.queries for energy in used)
        yield f"  energy: {each:.4g} mJ an inference by {used[0].source}, all that the machine did meanwhile included"
    powers = [c.power_w for process in result.processes for c in process.conditions[1:] if c.power_w is not None]
    if powers:
        yield f"  power: {median(powers):.3g} W (median of {len(powers)} readings), all that the sensor feeds included"


def _verdict(record: Record) -> Iterator[str]:
    if record.invalid:
        yield "NOT VALID, do not quote these numbers:"
        yield from (f"  {reason}" for reason in record.invalid)
    else:
        yield "valid: not throttled as far as the machine tells, not disturbed, intervals narrow enough"
    refused = record.device.get("energy_refused")
    if refused:
        yield f"energy was not measured: {refused}"
