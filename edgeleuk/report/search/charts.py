"""A search's pictures as SVG elements of a page."""

from typing import TYPE_CHECKING

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.report.page.charts import NAME_INCHES, name_points
from edgeleuk.report.page.drawing import INK, svg
from edgeleuk.report.search.panels import draw_front, draw_rungs, front_points
from edgeleuk.report.search.words import milliseconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEGEND_LINE = 0.19  # inches
_LONGEST_NAME = 36


def front_picture(record: SearchRecord, name: str) -> str:
    """Accuracy against latency of all trials, those of the front with their names."""
    points = front_points(record, _LONGEST_NAME)
    height = max(4.2, 1.7 + NAME_INCHES * len(points))

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        if points:
            axes.figure.subplots_adjust(right=0.56)
        draw_front(axes, record, INK)
        _legend(axes, -0.14 if points else -0.1, 2, height)
        name_points(axes, points, axes.get_position().height * height, longest=_LONGEST_NAME)

    told = "; ".join(f"trial {p.name}: {p.accuracy:.4f} at {milliseconds(p.ms)} ms" for p in points)
    label = f"Accuracy against latency of {len(record.trials)} trials, front: {told or 'none'}"
    return svg(name, label, height, draw)


def rungs_picture(record: SearchRecord, name: str) -> str:
    """Accuracy by epoch at the rungs. There has to be one."""
    height = 3.4

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        draw_rungs(axes, record, INK)
        _legend(axes, -0.1, 3, height)

    epochs = sorted({rung.epoch for trial in record.trials for rung in trial.rungs})
    label = f"Float accuracy on validation of {len(record.trials)} trials at the epochs {', '.join(map(str, epochs))}"
    return svg(name, label, height, draw)


def _legend(axes: "Axes", left: float, columns: int, height: float) -> None:
    """Above the axes, which leave it as much room as it needs; `left` in shares of their width."""
    lines = -(-len(axes.get_legend_handles_labels()[1]) // columns)
    axes.figure.subplots_adjust(top=1 - (0.1 + lines * _LEGEND_LINE) / height)
    axes.legend(loc="lower left", bbox_to_anchor=(left, 1.0), ncols=columns, columnspacing=1.0)
