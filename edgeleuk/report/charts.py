"""Pictures of a benchmark report as SVG: they take the page's font and colour, on light and dark ground alike."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk.bench.record import Condition, Record, Result
from edgeleuk.errors import MissingExtraError
from edgeleuk.report.panels import BLUE, GREEN, ORANGE
from edgeleuk.report.reading import Material

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK = "#123456"  # stands for the page's own colour, and is replaced by it
_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito 2008
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
}
_WIDTH = 6.4
_GRID: dict[str, Any] = {"alpha": 0.25, "color": _INK, "linewidth": 0.6}


def svg(name: str, height: float, draw: Callable[["Axes"], None], width: float = _WIDTH) -> str:
    """One picture, inches; `name` keeps its identifiers apart from those of others on the page."""
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a report page", "report") from error
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.subplots())
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inlined(stream.getvalue())


def distributions(material: Material) -> str:
    """Every result as one row: from the least to the 99th percentile, median with interval, 90th percentile."""
    rows = [(_row_name(record, result, material), result) for record in material.records for result in record.results]

    def draw(axes: "Axes") -> None:
        for position, (_, result) in enumerate(rows):
            found = result.latency
            axes.plot([found.min_ms, found.p99_ms], [position, position], color=BLUE, linewidth=1.5, alpha=0.6)
            if found.p50_interval is not None:
                bounds = [found.p50_interval.low, found.p50_interval.high]
                axes.plot(bounds, [position, position], color=BLUE, linewidth=6, alpha=0.5, solid_capstyle="butt")
            axes.plot(
                found.p50_ms,
                position,
                "o",
                color=BLUE,
                markersize=5,
                label="median, interval" if not position else None,
            )
            axes.plot(
                found.p90_ms,
                position,
                "|",
                color=ORANGE,
                markersize=11,
                markeredgewidth=2,
                label="p90" if not position else None,
            )
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        _latency_axis(axes, [result.latency.min_ms for _, result in rows], [r.latency.p99_ms for _, r in rows])
        axes.legend(frameon=False, loc="best")

    return svg("distributions", 1.0 + 0.32 * len(rows), draw, _WIDTH + 1.6)


def processes(result: Result, name: str) -> str:
    """Histogram of each process's queries: how much they differ is what the interval is made of."""

    def draw(axes: "Axes") -> None:
        pooled = np.concatenate([np.asarray(samples) for samples in result.samples])
        low, high = np.quantile(pooled, [0.0, 0.995])
        edges = np.linspace(low, max(high, low * 1.001), 50)
        for samples, colour in zip(result.samples, cycle(_COLOURS), strict=False):
            shares = np.histogram(samples, edges)[0] / len(samples)
            axes.stairs(shares, edges, color=colour, linewidth=1.2)
        axes.set(xlabel="ms of bare invoke, one colour a process", ylabel="share of queries")
        axes.grid(**_GRID)

    return svg(name, 2.2, draw)


def thread_scaling(record: Record, name: str) -> str:
    """Median with interval against threads, a line for each model and interpreter."""
    groups: dict[str, list[Result]] = {}
    for result in sorted(record.results, key=lambda result: result.threads):
        groups.setdefault(f"{result.model.name}, {result.backend}", []).append(result)

    def draw(axes: "Axes") -> None:
        for (title, group), colour in zip(groups.items(), cycle(_COLOURS), strict=False):
            medians = [result.latency.p50_ms for result in group]
            axes.plot([result.threads for result in group], medians, "o-", color=colour, label=title)
            for result in group:
                bounds = result.latency.p50_interval
                if bounds is not None:
                    axes.plot([result.threads] * 2, [bounds.low, bounds.high], color=colour, linewidth=4, alpha=0.4)
        axes.set(xlabel="threads", ylabel="median, ms", ylim=(0, None))
        axes.set_xticks(sorted({result.threads for result in record.results}))
        axes.grid(**_GRID)
        axes.legend(frameon=False)

    return svg(name, 2.8, draw)


def stages(record: Record, name: str) -> str:
    """From image file to decision: medians of the steps, one bar a result."""
    rows = [(result, result.stage_samples()) for result in record.results if result.stage_samples()]

    def draw(axes: "Axes") -> None:
        left = np.zeros(len(rows))
        for stage, colour in zip([key for key in rows[0][1] if key != "end to end"], cycle(_COLOURS), strict=False):
            widths = np.array([np.median(samples[stage]) for _, samples in rows])
            axes.barh(range(len(rows)), widths, left=left, color=colour, label=stage, height=0.6)
            left += widths
        axes.set_yticks(range(len(rows)), [result.title for result, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("ms an image, medians")
        axes.legend(frameon=False, ncols=5, loc="lower center", bbox_to_anchor=(0.4, 1.0), fontsize=9, handlelength=1)

    return svg(name, 1.3 + 0.36 * len(rows), draw, _WIDTH + 1.6)


def over_time(conditions: Sequence[Condition], name: str) -> str | None:
    """Temperature, clock and load against time; None where the machine tells none of them."""
    series: dict[str, list[tuple[float, float]]] = {
        "temperature, °C": [],
        "clock, MHz (slowest core)": [],
        "load average": [],
    }
    for condition in sorted(conditions, key=lambda condition: condition.time_s):
        for values, value in zip(series.values(), _readings(condition), strict=True):
            if value is not None:
                values.append((condition.time_s, value))
    known = {title: values for title, values in series.items() if len(values) > 1}
    if not known:
        return None
    return "".join(
        svg(f"{name}-{number}", 1.5, _line(title, values, colour))
        for number, ((title, values), colour) in enumerate(zip(known.items(), _COLOURS, strict=False))
    )


def pareto(points: Sequence[tuple[str, float, float, float | None, float | None]]) -> str:
    """Accuracy against median latency of (name, ms, accuracy, low, high), and the line of those that none beats."""

    def draw(axes: "Axes") -> None:
        for name, ms, accuracy, low, high in points:
            if low is not None and high is not None:
                axes.plot([ms, ms], [low, high], color=BLUE, alpha=0.4, linewidth=3)
            axes.plot(ms, accuracy, "o", color=BLUE)
            axes.annotate(name, (ms, accuracy), (6, 5), textcoords="offset points", fontsize=9)
        front = front_of([(ms, accuracy) for _, ms, accuracy, _, _ in points])
        axes.step(
            [ms for ms, _ in front], [accuracy for _, accuracy in front], where="post", color=GREEN, linewidth=1.2
        )
        axes.set_ylabel("accuracy, 95 % interval")
        _latency_axis(axes, [point[1] for point in points], [point[1] for point in points])

    return svg("pareto", 3.4, draw)


def front_of(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those (ms, accuracy) that no other is at least as fast and as accurate as, the fastest first."""
    front: list[tuple[float, float]] = []
    for ms, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or accuracy > front[-1][1]:
            front.append((ms, accuracy))
    return front


def _readings(condition: Condition) -> tuple[float | None, float | None, float | None]:
    return condition.temperature_c, min(condition.clocks_mhz, default=None), condition.load_average


def _line(title: str, values: Sequence[tuple[float, float]], colour: str) -> Callable[["Axes"], None]:
    def draw(axes: "Axes") -> None:
        axes.plot([time for time, _ in values], [value for _, value in values], color=colour, linewidth=1.4)
        axes.set(xlabel="seconds", title=title)
        axes.title.set_fontsize(10)
        axes.grid(**_GRID)

    return draw


def _latency_axis(axes: "Axes", least: Sequence[float], most: Sequence[float]) -> None:
    """Logarithmic where the values differ tenfold."""
    if max(most) > 10 * min(least) > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("ms of bare invoke")
    axes.grid(axis="x", **_GRID)


def _row_name(record: Record, result: Result, material: Material) -> str:
    return result.title if len(material.records) == 1 else f"{result.title} ({record.label})"


def _inlined(text: str) -> str:
    """The svg element alone, without the style that would leak onto the page, as wide as its place allows."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    return body.replace(_INK, "currentColor").strip()
