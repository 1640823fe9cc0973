"""Which pictures a page shows of all results and of each record, with words on how to read them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from edgeleuk.bench.measured import Condition
from edgeleuk.bench.record import Record
from edgeleuk.report.page import bars, charts, timeline
from edgeleuk.report.page.charts import Point
from edgeleuk.report.page.rows import Row

_MEMORY = (
    "Greatest resident memory of a fresh process. Python, numpy and the interpreter's libraries are in it: grey, if "
    "the record tells, is what they took before there was a model."
)
MOST_ROWS = 40  # a picture of more is longer than anybody looks at


@dataclass(frozen=True)
class Picture:
    """An SVG element with its title and how to read it."""

    title: str
    svg: str
    caption: str


def overview_pictures(rows: Sequence[Row], points: Sequence[Point]) -> tuple[Picture, ...]:
    """Of all results."""
    return tuple(_overview(rows, points))


def _overview(rows: Sequence[Row], points: Sequence[Point]) -> Iterator[Picture]:
    few = 0 < len(rows) <= MOST_ROWS
    if few:
        yield _distributions(rows, "all-distributions")
    if points:
        yield Picture(
            "Accuracy beside latency",
            charts.pareto(points),
            "Up and left is better. The line joins the models that no other beats in both (filled). Each stands there "
            "with the number of threads that is fastest; thick lines are the intervals of the accuracy, over as many "
            "subjects as stand behind the name.",
        )
    if few and any(row.summary.peak_memory_mib is not None for row in rows):
        yield Picture("Memory", bars.memory(rows, "all-memory"), _MEMORY)


def record_pictures(record: Record, rows: Sequence[Row], name: str, alone: bool) -> tuple[Picture, ...]:
    """Of one record; `alone`: it is the only one, whose distributions stand above already."""
    return tuple(_of_record(record, rows, name, alone))


def _of_record(record: Record, rows: Sequence[Row], name: str, alone: bool) -> Iterator[Picture]:
    if rows and not (alone and len(rows) <= MOST_ROWS):
        yield _distributions(rows, f"{name}-distributions")
    if len({row.result.threads for row in rows}) > 1:
        caption = "Medians with their intervals. A line that rises: more threads cost more than they bring."
        yield Picture("Threads", charts.thread_scaling(rows, f"{name}-threads"), caption)
    staged = [row for row in rows if row.stage_medians_ms]
    if staged:
        caption = (
            "Where the time of one image goes, from its file to the decision. The number is the median of the whole, "
            "to which the medians of the stages need not add up."
        )
        yield Picture("From image file to decision", bars.stages(staged, f"{name}-stages"), caption)
    profiled = [row for row in rows if row.result.operators]
    if profiled:
        made = sorted({f"{row.result.profiled_runs or 30:,}" for row in profiled})
        old = any(row.result.profiled_runs is None for row in profiled)
        caption = (
            f"Where the time of one inference goes: {'means' if old else 'medians'} over {', '.join(made)} profiled "
            "inferences, in whole microseconds, beside the median inference; what no operator accounts for is pale."
        )
        yield Picture("Operators", bars.operators(profiled, f"{name}-operators"), caption)
    long = [row for row in rows if row.result.sustained is not None and row.result.sustained.medians_ms]
    if long:
        caption = "Whether the device holds its speed when it is warm: 100 % is the median of the first window."
        yield Picture("Without a pause", timeline.sustained(long, f"{name}-sustained"), caption)
    drawn = timeline.over_time(_conditions(record), f"{name}-time")
    if drawn is not None:
        caption = "What the device reported meanwhile; dotted lines are moments in which it throttled."
        yield Picture("The device meanwhile", drawn, caption)


def untold(record: Record) -> str:
    """Which of temperature, clock and throttling the device does not report, as a sentence; empty if it reports all."""
    conditions = _conditions(record)
    told = {
        "temperature": any(c.temperature_c is not None for c in conditions),
        "clock": any(c.clocks_mhz for c in conditions),
        "throttling": any(c.throttled is not None for c in conditions),
        "power": any(c.power_w is not None for c in conditions),
    }
    missing = [name for name, known in told.items() if not known]
    return f"This device does not report: {', '.join(missing)}." if missing else ""


def _conditions(record: Record) -> list[Condition]:
    during = (process.conditions for result in record.results for process in result.processes)
    later = (result.sustained.conditions for result in record.results if result.sustained is not None)
    return list(chain(record.conditions, *during, *later))


def _distributions(rows: Sequence[Row], name: str) -> Picture:
    caption = (
        "Shape: all queries, from the least to the 99th percentile. Dot: their median (hollow: not valid), thick line: "
        "its 95 % interval, upright bar: 90th percentile, small ticks: the median of each process."
    )
    return Picture("Latency", charts.distributions(rows, name), caption)
