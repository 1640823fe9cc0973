"""The parts of a search's pictures, each drawn on axes it is given, in the page as in a PNG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeleuk.optimize.record import COMPLETE, FAILED, SearchRecord, Trial
from edgeleuk.plots.colours import BLUE, GREEN, ORANGE
from edgeleuk.report.page.drawing import GRID
from edgeleuk.report.page.points import Point
from edgeleuk.report.search.settings import names_of, words
from edgeleuk.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMES = 16
_FEWEST_TICKS_SPAN = 5.0  # latencies nearer to each other than this have no 1, 2, 5 between them
_MOST_RUNGS = 8
_MOST_BELOW = 2.0  # of the height that the completed trials take is left to those below them


@dataclass(frozen=True)
class _Kind:
    """Marks of one kind, drawn in this order."""

    label: str
    marker: str
    size: float
    face: str
    edge: str
    alpha: float = 1.0


def draw_front(axes: "Axes", record: SearchRecord, ink: str) -> None:
    """int8 accuracy against latency on a logarithmic axis: front, budget, reference with its margin, and all others.

    A trial that was not completed is a pale mark at the float accuracy of its last rung; those far below the completed
    ones stand at the lower edge.
    """
    low, high = _limits(record)
    pad = 0.06 * (high - low)
    below: list[tuple[float, float]] = []
    for kind, trials in _kinds(record, ink):
        places = [(trial.latency_ms or 0.0, value) for trial in trials if (value := _accuracy(trial)) is not None]
        _marks(axes, [place for place in places if place[1] >= low], kind)
        below += [(ms, low - pad) for ms, value in places if value < low]
    _marks(axes, below, _Kind("stopped or failed, lower than shown", "v", 4, "none", ink, 0.4))
    _front_line(axes, record)
    _lines(axes, record, ink)
    axes.set_ylim(low - (2 * pad if below else pad), high + pad)
    axes.set_ylabel("accuracy on validation")
    _finish_latency(axes, record)
    axes.grid(**GRID | {"color": ink})


def front_points(record: SearchRecord, longest: int) -> list[Point]:
    """The trials of the front under the names of what they differ in; of very many the chosen and others in between.

    A name longer than this lacks the last of those.
    """
    trials = [trial for trial in map(record.trial, record.front) if _is_placed(trial)]
    if len(trials) > MOST_NAMES:
        step = -(-len(trials) // MOST_NAMES)
        trials = [each for n, each in enumerate(trials) if n % step == 0 or each.number == record.chosen]
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


def draw_rungs(axes: "Axes", record: SearchRecord, ink: str) -> None:
    """Float accuracy at each rung, a line a trial."""
    drawn = set()
    for trial in sorted(record.trials, key=lambda trial: _rank(record, trial)):
        if trial.rungs:
            label, colour, width, alpha = _line_of(record, trial, ink)
            epochs, reached = [rung.epoch for rung in trial.rungs], [rung.accuracy for rung in trial.rungs]
            style: dict[str, Any] = {"color": colour, "linewidth": width, "alpha": alpha}
            axes.plot(epochs, reached, "o-", markersize=3 + width / 2, label="" if label in drawn else label, **style)
            drawn.add(label)
    epochs = sorted({rung.epoch for trial in record.trials for rung in trial.rungs})
    if epochs[-1] > 6 * epochs[0] > 0:
        axes.set_xscale("log")
        axes.minorticks_off()
    if len(epochs) <= _MOST_RUNGS:
        axes.set_xticks(epochs, [str(epoch) for epoch in epochs])
    axes.set(xlabel="epoch of the rung", ylabel="float accuracy on validation")
    axes.margins(x=0.06)
    axes.grid(**GRID | {"color": ink})


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


def _kinds(record: SearchRecord, ink: str) -> Iterator[tuple[_Kind, list[Trial]]]:
    """The pale ones first, so that the others lie above them."""
    front = set(record.front)
    stopped = [trial for trial in record.trials if not _is_placed(trial) and trial.state != FAILED]
    failed = [trial for trial in record.trials if not _is_placed(trial) and trial.state == FAILED]
    beaten = [trial for trial in record.trials if _is_placed(trial) and trial.number not in front]
    best = [trial for trial in record.trials if _is_placed(trial) and trial.number in front]
    yield _Kind("stopped early: float, last rung", "o", 4, "none", ink, 0.4), stopped
    yield _Kind("failed: float, last rung", "x", 4, "none", ink, 0.4), failed
    yield _Kind("complete: int8", "o", 6, "none", BLUE), beaten
    yield _Kind("front: int8", "o", 6.5, GREEN, GREEN), [trial for trial in best if trial.number != record.chosen]
    yield _Kind("chosen: int8", "*", 13, ORANGE, ORANGE), [trial for trial in best if trial.number == record.chosen]


def _is_placed(trial: Trial) -> bool:
    return trial.state == COMPLETE and trial.latency_ms is not None and trial.accuracy is not None


def _accuracy(trial: Trial) -> float | None:
    """Where a trial stands: its int8 model, or what it had reached; None if neither is known, or no latency."""
    if trial.latency_ms is None:
        return None
    return trial.accuracy if _is_placed(trial) else (trial.rungs[-1].accuracy if trial.rungs else None)


def _marks(axes: "Axes", places: Sequence[tuple[float, float]], kind: _Kind) -> None:
    if places:
        axes.plot(
            [ms for ms, _ in places],
            [value for _, value in places],
            kind.marker,
            linestyle="none",
            label=kind.label,
            markersize=kind.size,
            markerfacecolor=kind.face,
            color=kind.edge,
            alpha=kind.alpha,
            clip_on=False,
        )


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


def _finish_latency(axes: "Axes", record: SearchRecord) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    every = [record.budget_ms, *(trial.latency_ms for trial in record.trials if trial.latency_ms)]
    axes.set_xscale("log")
    axes.set_xlim(min(every) / 1.12, max(every) * 1.12)
    wide = max(every) > _FEWEST_TICKS_SPAN * min(every)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("ms of an int8 inference")


def _rank(record: SearchRecord, trial: Trial) -> int:
    return (trial.state == COMPLETE) + (trial.number in record.front) + 2 * (trial.number == record.chosen)


def _line_of(record: SearchRecord, trial: Trial, ink: str) -> tuple[str, str, float, float]:
    """Label, colour, width and opacity."""
    if trial.number == record.chosen:
        return "chosen", ORANGE, 2.4, 1.0
    if trial.number in record.front:
        return "front", GREEN, 1.8, 1.0
    if trial.state == COMPLETE:
        return "complete", BLUE, 1.2, 0.8
    return ("failed", ink, 0.8, 0.3) if trial.state == FAILED else ("stopped early", ink, 0.8, 0.3)
