"""A model on degraded pictures, as one PNG: a chart for each kind of change."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from edgeleuk.evaluation.degraded import Degraded, DegradedRow
from edgeleuk.plots.colours import BLUE, GREY, ORANGE
from edgeleuk.plots.figures import new_figure, plain_text, save_figure
from edgeleuk.text import counted, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 5


def degraded_figure(found: Degraded, model: str, path: Path) -> None:
    """Write a PNG: accuracy with its interval, mean confidence and the share kept apart, by severity of each kind.

    Raises MissingExtraError without matplotlib, OutputError if path cannot be written.
    """
    kinds = [(kind, list(rows)) for kind, rows in groupby(found.rows[1:], key=lambda row: row.kind)]
    lines = -(-len(kinds) // _COLUMNS)
    figure = new_figure(3 * _COLUMNS, 2.5 * lines + 1)
    with plain_text():
        charts = figure.subplots(lines, _COLUMNS, sharey=True, squeeze=False).ravel().tolist()
        for axes, (kind, rows) in zip(charts, kinds, strict=False):
            _draw(axes, kind, [found.as_it_is, *rows])
        for axes in charts[len(kinds) :]:
            axes.set_axis_off()
        handles, labels = charts[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower right", frameon=False, fontsize=10)
        images = f"{counted(found.images, 'image')}, accuracy as they are {found.as_it_is.accuracy.value:.3f}"
        figure.suptitle(f"{shortened(Path(model).name)} on degraded pictures: {images}", fontsize=13)
        save_figure(figure, path)


def _draw(axes: "Axes", kind: str, rows: list[DegradedRow]) -> None:
    places = range(len(rows))
    if rows[0].kept_apart is not None:
        axes.bar(places, [row.kept_apart or 0.0 for row in rows], color=GREY, alpha=0.35, label="kept apart")
    bounded = [(n, row.accuracy) for n, row in enumerate(rows)]
    lows = [share.value if share.low is None else share.low for _, share in bounded]
    highs = [share.value if share.high is None else share.high for _, share in bounded]
    axes.fill_between(places, lows, highs, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(places, [row.accuracy.value for row in rows], "o-", color=BLUE, label="accuracy")
    axes.plot(places, [row.confidence for row in rows], "s--", color=ORANGE, label="mean confidence")
    axes.set_xticks(places, ["as\nit is", *(_amount(row.told) for row in rows[1:])], fontsize=8)
    axes.set_ylim(-0.03, 1.05)
    axes.set_title(f"{kind} ({_unit(rows[1].told)})", fontsize=10)
    axes.grid(alpha=0.3, axis="y")


def _amount(told: str) -> str:
    """ "0.8" of "exposure x 0.8"; "+10%" of "R +10%, B -10%"."""
    return told.partition(",")[0].split()[-2 if told.endswith(" px") else -1]


def _unit(told: str) -> str:
    """ "exposure x" of "exposure x 0.8"."""
    words = told.partition(",")[0].split()
    return " ".join(words[:-2] + words[-1:] if told.endswith(" px") else words[:-1])
