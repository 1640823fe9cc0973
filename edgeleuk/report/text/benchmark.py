"""A benchmark record as text for a terminal."""

from collections.abc import Iterator
from statistics import median

from edgeleuk.bench.compare import Comparisons, threads_advice
from edgeleuk.bench.family import Speed, speeds
from edgeleuk.bench.measured import Condition
from edgeleuk.bench.record import Record, Result, Summary
from edgeleuk.bench.validity import sustained_findings
from edgeleuk.device.delegate import Coverage
from edgeleuk.report.text.cascade import cascade_lines
from edgeleuk.report.text.operators import operator_times
from edgeleuk.statistics.latency import Interval, Latency, Ratio
from edgeleuk.text import counted, table, tally

_MOST_OPERATORS = 8


def render_record(record: Record) -> str:
    """The whole record, ending in a newline."""
    within = speeds(record.results)
    details = (_details(result, speed) for result, speed in zip(record.results, within, strict=True))
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


def speed_text(speed: Speed) -> str:
    """ "2.52 times as fast (2.45 to 2.58)", or as slow."""
    slower = speed.value < 1
    values = [speed.value, speed.low, speed.high]
    value, low, high = (None if each is None else 1 / each if slower else each for each in values)
    bounds = "no interval" if low is None or high is None else f"{min(low, high):.3g} to {max(low, high):.3g}"
    return f"{value:.3g} times as {'slow' if slower else 'fast'} ({bounds})"


def rate_text(per_s: float) -> str:
    """ "293.8", "16,310"."""
    return f"{per_s:.4g}" if per_s < 1000 else f"{per_s:,.0f}"


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
    """Ranges of temperature, clock and load, and what throttled; what the machine does not report is said."""
    temperatures = [c.temperature_c for c in conditions if c.temperature_c is not None]
    clocks = [clock for c in conditions for clock in c.clocks_mhz]
    loads = [c.load_average for c in conditions if c.load_average is not None]
    causes = [c.throttled for c in conditions if c.throttled is not None]
    return ", ".join(
        [
            f"{min(temperatures):.0f} to {max(temperatures):.0f} °C" if temperatures else "temperature not reported",
            f"{min(clocks):,.0f} to {max(clocks):,.0f} MHz" if clocks else "clock not reported",
            f"load {min(loads):.2f} to {max(loads):.2f}" if loads else "load not reported",
            "; ".join(sorted({x for c in causes for x in c}))
            or ("not throttled" if causes else "throttling not reported"),
        ]
    )


def _table(record: Record) -> Iterator[str]:
    """One line a result: milliseconds from image file to decision, if there were images, and of bare invoke."""
    if not record.results:
        yield "nothing was measured"
        return
    decisions = [(result.title, found) for result in record.results if (found := result.decision) is not None]
    if decisions:
        rows = [_percentiles(found) for _, found in decisions]
        named = ([title, *row.values()] for (title, _), row in zip(decisions, rows, strict=True))
        yield from table([["ms from image file to decision", *rows[0]], *named])
        yield ""
    rows = [_cells(result.summary) for result in record.results]
    titled = ([result.title, *row.values()] for result, row in zip(record.results, rows, strict=True))
    yield from table([["ms of bare invoke", *rows[0]], *titled])
    yield from threads_advice(record.results)


def _percentiles(found: Latency) -> dict[str, str]:
    return {
        "median": f"{found.p50_ms:.4g}",
        "95 % interval": interval_text(found.p50_interval),
        "p90": f"{found.p90_ms:.4g}",
        "p95": f"{found.p95_ms:.4g}",
        "p99": f"{found.p99_ms:.4g}",
    }


def _cells(found: Summary) -> dict[str, str]:
    return {
        **_percentiles(found),
        "load": f"{found.load_ms:.4g}",
        "first": f"{found.first_ms:.4g}",
        "MiB": "-" if found.peak_memory_mib is None else f"{found.peak_memory_mib:.1f}",
        "runs": f"{found.runs:,}",
    }


def _details(result: Result, speed: Speed | None) -> Iterator[str]:
    yield result.title
    if speed is not None:
        yield f"  {speed_text(speed)} as {speed.base.title}"
    arena = "" if result.arena_bytes is None else f"; {result.arena_bytes / 1024:,.0f} KiB planned for activations"
    yield f"  {rate_text(result.summary.throughput_per_s)} inferences/s one after the other (1,000 / median){arena}"
    yield from (f"  {line}" for line in cascade_lines(result))
    if result.coverage is not None:
        yield f"  {delegate_text(result.coverage)}"
    yield from _operators(result)
    stages = result.stage_samples()
    if stages:
        told = ", ".join(f"{name} {median(ms):.4g}" for name, ms in stages.items())
        yield f"  ms an image, a median each, which need not add up: {told}"
    yield from _energy(result)
    yield from (f"  {remark}" for remark in remarks(result))


def delegate_text(found: Coverage) -> str:
    """ "delegate: 133 of 134 operators in 1 partition; outside: 1 SOFTMAX"."""
    covered = f"{found.delegated} of {found.operators} operators in {counted(found.partitions, 'partition')}"
    return f"delegate: {covered}; outside: {tally(found.outside)}"


def remarks(result: Result) -> Iterator[str]:
    """What a long run found, and the notes."""
    if result.sustained is not None:
        for finding in sustained_findings(result.sustained):
            yield f"{result.sustained.minutes:g} minutes without a pause: {finding}"
    yield from (f"note: {note}" for note in result.notes)


def _operators(result: Result) -> Iterator[str]:
    table = operator_times(result)
    if table is None:
        return
    yield from (f"  {part}" for part in table.how)
    for row in (*table.rows[:_MOST_OPERATORS], *table.rows[_MOST_OPERATORS:][-1:]):
        share = "" if row.share is None else f"  {row.share:5.1%}"
        calls = "" if row.calls is None else f"{row.calls:4g} x "
        place = "" if row.place is None else f" ({row.place})"
        yield f"  {row.ms:9.3f} ms{share}  {calls}{row.name}{place}"


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
        yield "valid: not throttled as far as the machine reports, not disturbed, intervals narrow enough"
    refused = record.device.get("energy_refused")
    if refused:
        yield f"energy was not measured: {refused}"
