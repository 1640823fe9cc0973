"""A search's pictures: accuracy against latency, for the page and as PNG, and accuracy by epoch."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.optimize.budget import DECISION
from edgeleuk.optimize.record import COMPLETE, FAILED, SearchRecord, Trial
from edgeleuk.plots.colours import BLUE, GREEN, ORANGE
from edgeleuk.plots.figures import new_figure, save_figure
from edgeleuk.report.page.charts import NAME_INCHES, Point, name_points
from edgeleuk.report.page.drawing import GRID, INK, svg
from edgeleuk.report.search.settings import names_of, words
from edgeleuk.report.search.verdict import verdict
from edgeleuk.report.search.words import milliseconds, search_title
from edgeleuk.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PNG_INK = "#222222"
_LEGEND_LINE = 0.19  # inches
_LONGEST_ON_PAGE, _LONGEST_IN_PNG = 36, 48
_TITLE = 104  # characters beside each other
_MOST_RUNGS = 8
_FEWEST_TICKS_SPAN = 5.0  # latencies nearer to each other than this have no 1, 2, 5 between them
_MOST_BELOW = 2.0  # of the height that the completed trials take is left to those below them
_PALE: dict[str, Any] = {"markersize": 4, "markerfacecolor": "none", "alpha": 0.4}
# What a trial came to, drawn in this order, the pale ones first; a mark without a colour has that of the page.
_MARKS: dict[str, dict[str, Any]] = {
    "stopped early": {"label": "stopped early: float, last rung", "marker": "o", **_PALE},
    "failed": {"label": "failed: float, last rung", "marker": "x", **_PALE},
    "complete": {"label": "complete: int8", "marker": "o", "markersize": 6, "markerfacecolor": "none", "color": BLUE},
    "front": {"label": "front: int8", "marker": "o", "markersize": 6.5, "color": GREEN},
    "chosen": {"label": "chosen: int8", "marker": "*", "markersize": 13, "color": ORANGE},
}
_BELOW: dict[str, Any] = {"label": "stopped or failed, lower than shown", "marker": "v", **_PALE}
_LINES: dict[str, dict[str, Any]] = {
    "stopped early": {"linewidth": 0.8, "alpha": 0.3},
    "failed": {"linewidth": 0.8, "alpha": 0.3},
    "complete": {"color": BLUE, "linewidth": 1.2, "alpha": 0.8},
    "front": {"color": GREEN, "linewidth": 1.8},
    "chosen": {"color": ORANGE, "linewidth": 2.4},
}


def front_picture(record: SearchRecord, name: str) -> str:
    """Accuracy against latency of all trials, those of the front with their names, as SVG."""
    points = front_points(record, _LONGEST_ON_PAGE)
    height = max(4.2, 1.7 + NAME_INCHES * len(points))

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        if points:
            axes.figure.subplots_adjust(right=0.56)
        draw_front(axes, record, INK)
        _legend(axes, -0.14 if points else -0.1, 2, height)
        name_points(axes, points, axes.get_position().height * height, longest=_LONGEST_ON_PAGE)

    told = "; ".join(f"trial {p.name}: {p.accuracy:.4f} at {milliseconds(p.ms)} ms" for p in points)
    label = f"Accuracy against latency of {counted(len(record.trials), 'trial')}, front: {told or 'none'}"
    return svg(name, label, height, draw)


def pareto_figure(record: SearchRecord, path: Path) -> None:
    """The same as PNG. Raises MissingExtraError without matplotlib, OutputError if path cannot be written."""
    points = front_points(record, _LONGEST_IN_PNG)
    inches = max(4.6, 1.4 * NAME_INCHES * len(points))
    figure = new_figure(11, inches + 2.2)
    axes = figure.subplots()
    draw_front(axes, record, _PNG_INK)
    name_points(axes, points, inches / 1.4, longest=_LONGEST_IN_PNG, fontsize=11, color=_PNG_INK)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, fontsize=10, columnspacing=1.4)
    axes.spines[["top", "right"]].set_visible(False)
    title = [f"search: {search_title(record)}", *textwrap.wrap(verdict(record).sentence, _TITLE)]
    figure.suptitle("\n".join(title), fontsize=12, parse_math=False)
    save_figure(figure, path)


def rungs_picture(record: SearchRecord, name: str) -> str:
    """Float accuracy by epoch at the rungs, a line a trial, as SVG. There has to be a rung."""
    height = 3.4
    epochs = sorted({rung.epoch for trial in record.trials for rung in trial.rungs})

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        for role, style in _LINES.items():
            for number, trial in enumerate(
                each for each in record.trials if each.rungs and _role(record, each) == role
            ):
                across, up = [rung.epoch for rung in trial.rungs], [rung.accuracy for rung in trial.rungs]
                size = 3 + style["linewidth"] / 2
                axes.plot(across, up, "o-", label="" if number else role, markersize=size, **{"color": INK} | style)
        if epochs[-1] > 6 * epochs[0] > 0:
            axes.set_xscale("log")
            axes.minorticks_off()
        if len(epochs) <= _MOST_RUNGS:
            axes.set_xticks(epochs, [str(epoch) for epoch in epochs])
        axes.set(xlabel="epoch of the rung", ylabel="float accuracy on validation")
        axes.margins(x=0.06)
        axes.grid(**GRID)
        _legend(axes, -0.1, 3, height)

    trials = counted(len(record.trials), "trial")
    label = f"Float accuracy on validation of {trials} at the epochs {', '.join(map(str, epochs))}"
    return svg(name, label, height, draw)


def draw_front(axes: "Axes", record: SearchRecord, ink: str) -> None:
    """int8 accuracy against latency on a logarithmic axis: front, budget, reference with its margin, and all others.

    A trial that was not completed is a pale mark at the float accuracy of its last rung; those far below the completed
    ones stand at the lower edge.
    """
    low, high = _limits(record)
    pad = 0.06 * (high - low)
    below: list[tuple[float, float]] = []
    for role, style in _MARKS.items():
        own = [trial for trial in record.trials if _role(record, trial) == role]
        places = [(trial.latency_ms or 0.0, value) for trial in own if (value := _accuracy(trial)) is not None]
        _marks(axes, [place for place in places if place[1] >= low], {"color": ink} | style)
        below += [(ms, low - pad) for ms, value in places if value < low]
    _marks(axes, below, {"color": ink} | _BELOW)
    _front_line(axes, record)
    _lines(axes, record, ink)
    axes.set_ylim(low - (2 * pad if below else pad), high + pad)
    axes.set_ylabel("accuracy on validation")
    every = [record.budget_ms, *(trial.latency_ms for trial in record.trials if trial.latency_ms)]
    _latency_axis(axes, every, record.budget)
    axes.grid(**GRID | {"color": ink})


def front_points(record: SearchRecord, longest: int) -> list[Point]:
    """The trials of the front under the names of what they differ in; a longer name lacks the last of that."""
    trials = [trial for trial in map(record.trial, record.front) if _is_placed(trial)]
    settings = [trial.settings for trial in trials]
    differing = [n for n in names_of(settings) if len({repr(each.get(n)) for each in settings}) > 1 or len(trials) == 1]
    return [
        Point(_name(trial, differing, longest), trial.latency_ms or 0.0, trial.accuracy or 0.0, None, None)
        for trial in trials
    ]


def _name(trial: Trial, differing: Sequence[str], longest: int) -> str:
    text = words(trial.settings, differing)
    name = f"{trial.number}: {text}" if text else str(trial.number)
    while len(name) > longest and ", " in name:
        name = name.rpartition(", ")[0]
    return name


def _role(record: SearchRecord, trial: Trial) -> str:
    if trial.state != COMPLETE:
        return "failed" if trial.state == FAILED else "stopped early"
    return "chosen" if trial.number == record.chosen else "front" if trial.number in record.front else "complete"


def _is_placed(trial: Trial) -> bool:
    return trial.state == COMPLETE and trial.latency_ms is not None and trial.accuracy is not None


def _accuracy(trial: Trial) -> float | None:
    """Where a trial stands: its int8 model, or what it had reached; None if neither is known, or no latency."""
    if trial.latency_ms is None:
        return None
    return trial.accuracy if _is_placed(trial) else (trial.rungs[-1].accuracy if trial.rungs else None)


def _limits(record: SearchRecord) -> tuple[float, float]:
    """Accuracies to show: all of the completed trials and the reference, others as far as they do not press those."""
    every = [value for trial in record.trials if (value := _accuracy(trial)) is not None]
    shown = [trial.accuracy for trial in record.trials if _is_placed(trial) and trial.accuracy is not None]
    if record.reference is not None:
        every.append(record.reference.accuracy)
        shown += [record.reference.accuracy, record.reference.accuracy - record.max_drop_points / 100] if shown else []
    if not every:
        return 0.0, 1.0
    low, high = min(every), max(every)
    if shown:
        least = min(shown) - _MOST_BELOW * (max(shown) - min(shown))
        low = min(value for value in (*every, *shown) if value >= least)
    return (low, high) if high - low > 0.002 else (low - 0.001, high + 0.001)


def _marks(axes: "Axes", places: Sequence[tuple[float, float]], style: dict[str, Any]) -> None:
    if places:
        axes.plot(*zip(*places, strict=True), linestyle="none", clip_on=False, **style)


def _front_line(axes: "Axes", record: SearchRecord) -> None:
    front = [trial for trial in map(record.trial, record.front) if _is_placed(trial)]
    across, up = [trial.latency_ms for trial in front], [trial.accuracy for trial in front]
    if front:
        axes.step(across, up, where="post", color=GREEN, linewidth=1.4, zorder=1.9)  # type: ignore[arg-type]


def _lines(axes: "Axes", record: SearchRecord, ink: str) -> None:
    axes.axvline(record.budget_ms, color=ORANGE, linestyle=":", linewidth=1.4, label=f"budget {record.budget_ms:g} ms")
    if record.reference is not None:
        best, drop = record.reference.accuracy, record.max_drop_points
        axes.axhline(best, color=ink, linestyle="--", linewidth=1, label=f"reference, float: {best:.4f}")
        within = f"within {counted(drop, 'point')} of the reference"
        axes.axhspan(best - drop / 100, best, color=GREEN, alpha=0.14, linewidth=0, label=within)


def _latency_axis(axes: "Axes", every: Sequence[float], budget: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(min(every) / 1.12, max(every) * 1.12)
    wide = max(every) > _FEWEST_TICKS_SPAN * min(every)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("ms from image file to decision" if budget == DECISION else "ms of an int8 inference")


def _legend(axes: "Axes", left: float, columns: int, height: float) -> None:
    """Above the axes, which leave it as much room as it needs; `left` in shares of their width."""
    lines = -(-len(axes.get_legend_handles_labels()[1]) // columns)
    axes.figure.subplots_adjust(top=1 - (0.1 + lines * _LEGEND_LINE) / height)
    axes.legend(loc="lower left", bbox_to_anchor=(left, 1.0), ncols=columns, columnspacing=1.0)
