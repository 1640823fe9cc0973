"""A search as PNG."""

import textwrap
from pathlib import Path

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.plots.figures import new_figure, save_figure
from edgeleuk.report.page.charts import NAME_INCHES, name_points
from edgeleuk.report.search.panels import draw_front, front_points
from edgeleuk.report.search.verdict import verdict
from edgeleuk.report.search.words import search_title

_INK = "#222222"
_LONGEST_NAME = 48
_TITLE = 104  # characters beside each other


def pareto_figure(record: SearchRecord, path: Path) -> None:
    """Write a PNG of accuracy against latency: the front with its names, budget, reference, and all other trials.

    Raises MissingExtraError without matplotlib, OutputError if path cannot be written.
    """
    points = front_points(record, _LONGEST_NAME)
    inches = max(4.6, 1.4 * NAME_INCHES * len(points))
    figure = new_figure(11, inches + 2.2)
    axes = figure.subplots()
    draw_front(axes, record, _INK)
    name_points(axes, points, inches / 1.4, longest=_LONGEST_NAME, fontsize=11, color=_INK)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, fontsize=10, columnspacing=1.4)
    axes.spines[["top", "right"]].set_visible(False)
    title = [f"search: {search_title(record)}", *textwrap.wrap(verdict(record).sentence, _TITLE)]
    figure.suptitle("\n".join(title), fontsize=12, parse_math=False)
    save_figure(figure, path)
