"""Pictures of latency: all results beside each other, against threads, against accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk.bench.record import Result
from edgeleuk.plots.colours import BLUE, GREEN, ORANGE
from edgeleuk.report.page.drawing import COLOURS, GRID, INK, ROOM, SIDE, Margins, name_above, svg
from edgeleuk.report.page.rows import Row
from edgeleuk.statistics.pareto import front_of
from edgeleuk.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 48
NAME_INCHES = 0.19  # from one name to the next beside a Pareto picture
_PEAK = 0.3  # height of the highest bin, in rows


@dataclass(frozen=True)
class Point:
    """One model on one device; bounds of its accuracy are None without an interval."""

    name: str
    ms: float
    accuracy: float
    low: float | None
    high: float | None


def distributions(rows: Sequence[Row], name: str) -> str:
    """One line a result: how its queries are spread, median with interval, p90, and each process's median."""
    logarithmic = _spans_decades([row.summary.min_ms for row in rows], [row.summary.p99_ms for row in rows])

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        if logarithmic:
            axes.set_xscale("log")
        for position, row in enumerate(rows):
            _distribution(axes, position, row, logarithmic)
        name_above(axes, [shortened(row.name, ROOM) for row in rows], 0.5)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(rows) - 0.6, -0.75)
        _finish_latency(axes, logarithmic)

    label = f"Latency of {len(rows)} results: " + "; ".join(
        f"{row.name}: median {row.summary.p50_ms:.4g} ms, p90 {row.summary.p90_ms:.4g} ms" for row in rows
    )
    return svg(name, label, 0.62 + 0.5 * len(rows), draw, margins=Margins(SIDE))


def _distribution(axes: "Axes", position: int, row: Row, logarithmic: bool) -> None:
    found = row.summary
    edges, heights = _density(row, logarithmic)
    # The row's own line is at `position`; upwards is towards smaller numbers.
    tops = np.repeat(position - _PEAK * heights, 2)
    axes.fill_between(np.repeat(edges, 2)[1:-1], tops, position, color=BLUE, alpha=0.35, linewidth=0)
    axes.plot([found.min_ms, found.p99_ms], [position] * 2, color=BLUE, linewidth=1)
    if found.p50_interval is not None:
        bounds = [found.p50_interval.low, found.p50_interval.high]
        axes.plot(bounds, [position] * 2, color=BLUE, linewidth=5, alpha=0.55, solid_capstyle="butt")
    medians = [float(np.median(samples)) for samples in row.result.samples]
    axes.plot(medians, [position + 0.13] * len(medians), "|", color=INK, markersize=4, markeredgewidth=0.8)
    face = BLUE if row.valid else "none"
    axes.plot(found.p50_ms, position, "o", color=BLUE, markerfacecolor=face, markersize=5)
    axes.plot(found.p90_ms, position, "|", color=ORANGE, markersize=10, markeredgewidth=2)


def _density(row: Row, logarithmic: bool) -> tuple[Any, Any]:
    """Edges, and shares with the highest as 1, between the least and the 99th percentile."""
    low, high = row.summary.min_ms, max(row.summary.p99_ms, row.summary.min_ms * 1.001)
    edges = np.geomspace(low, high, _BINS + 1) if logarithmic else np.linspace(low, high, _BINS + 1)
    counts = np.histogram(np.concatenate([np.asarray(each) for each in row.result.samples]), edges)[0]
    return edges, counts / max(1, counts.max())


def thread_scaling(rows: Sequence[Row], name: str) -> str:
    """Median with interval against threads, a line for each model and interpreter."""
    groups: dict[str, list[Row]] = {}
    backends = len({row.result.backend for row in rows})
    for row in sorted(rows, key=lambda row: row.result.threads):
        groups.setdefault(_without_threads(row.result, backends > 1), []).append(row)
    medians = [row.summary.p50_ms for row in rows]
    logarithmic = _spans_decades(medians, medians)

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        for (title, group), colour, marker in zip(groups.items(), cycle(COLOURS), cycle("osD^vP"), strict=False):
            threads = [row.result.threads for row in group]
            axes.plot(threads, [row.summary.p50_ms for row in group], f"{marker}-", color=colour, label=title)
            for row in group:
                bounds = row.summary.p50_interval
                if bounds is not None:
                    axes.plot([row.result.threads] * 2, [bounds.low, bounds.high], color=colour, linewidth=4, alpha=0.4)
        axes.set(xlabel="threads", ylabel="median, ms")
        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(_plain)
        else:
            axes.set_ylim(0, None)
        axes.set_xticks(sorted({row.result.threads for row in rows}))
        axes.grid(**GRID)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.08, 1.0), ncols=1 if len(groups) < 3 else 2)

    lines = len(groups) if len(groups) < 3 else (len(groups) + 1) // 2
    return svg(
        name,
        "Median latency against threads: " + _listed(rows),
        2.4 + 0.2 * lines,
        draw,
        margins=Margins(top=0.1 + 0.2 * lines),
    )


def pareto(points: Sequence[Point]) -> str:
    """Accuracy against median latency, each with its name, and the line of those that none beats."""
    logarithmic = _spans_decades([point.ms for point in points], [point.ms for point in points])
    height = max(3.2, 0.7 + NAME_INCHES * len(points))

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        for point in points:
            if point.low is not None and point.high is not None:
                axes.plot([point.ms] * 2, [point.low, point.high], color=BLUE, alpha=0.35, linewidth=3)
        front = front_of([(point.ms, point.accuracy) for point in points])
        axes.step([ms for ms, _ in front], [value for _, value in front], where="post", color=GREEN, linewidth=1.4)
        on_front = set(front)
        for point in points:
            face = GREEN if (point.ms, point.accuracy) in on_front else "none"
            axes.plot(point.ms, point.accuracy, "o", color=GREEN if face == GREEN else BLUE, markerfacecolor=face)
        axes.set_ylabel("accuracy, 95 % interval")
        _finish_latency(axes, logarithmic)
        axes.margins(x=0.08)
        axes.figure.subplots_adjust(right=0.5)
        name_points(axes, points, axes.get_position().height * height)

    label = "Accuracy against latency: " + "; ".join(f"{p.name}: {p.accuracy:.3f} at {p.ms:.4g} ms" for p in points)
    return svg("pareto", label, height, draw)


def name_points(axes: "Axes", points: Sequence[Point], inches: float, longest: int = 36, **text: Any) -> None:
    """Names at the right, one below the other in order of accuracy, each with a thin line to its point.

    `inches` is the height of the axes, whose limits are to stay as they are.
    """
    low, high = axes.get_ylim()
    style: dict[str, Any] = {"fontsize": 8, "color": INK} | text
    ordered = sorted(points, key=lambda point: (point.accuracy, -point.ms))
    places = spread([(point.accuracy - low) / (high - low) for point in ordered], NAME_INCHES / inches)
    for point, place in zip(ordered, places, strict=True):
        axes.annotate(
            shortened(point.name, longest),
            (point.ms, point.accuracy),
            (1.03, place),
            textcoords="axes fraction",
            va="center",
            arrowprops={"arrowstyle": "-", "color": style["color"], "alpha": 0.35, "linewidth": 0.6, "shrinkB": 3},
            annotation_clip=False,
            **style,
        )


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Ascending values moved apart to at least `gap`, as a group around where they were: runs that touch are merged.

    Each run is the pool-adjacent-violators solution of the least squared movement.
    """
    runs: list[tuple[float, int]] = []  # (mean of value minus gap times position within all, how many)
    for position, value in enumerate(values):
        mean, count = value - gap * position, 1
        while runs and runs[-1][0] > mean:
            other, members = runs.pop()
            mean, count = (mean * count + other * members) / (count + members), count + members
        runs.append((mean, count))
    flat = [mean for mean, count in runs for _ in range(count)]
    return [mean + gap * position for position, mean in enumerate(flat)]


def _finish_latency(axes: "Axes", logarithmic: bool) -> None:
    if logarithmic:
        from matplotlib.ticker import LogLocator

        axes.set_xscale("log", subs=[])
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(_plain)
    axes.set_xlabel("ms of bare inference")
    axes.grid(axis="x", **GRID)


def _plain(value: float, _: Any) -> str:
    return f"{value:g}"


def _spans_decades(least: Sequence[float], most: Sequence[float]) -> bool:
    """Whether values differ tenfold, so that a linear axis hides the small ones."""
    return max(most) > 10 * min(least) > 0


def _without_threads(result: Result, with_backend: bool) -> str:
    name = shortened(result.model.name.removesuffix(".tflite"), 36)
    return f"{name}, {result.backend}" if with_backend else name


def _listed(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.name}: {row.summary.p50_ms:.4g} ms" for row in rows)
