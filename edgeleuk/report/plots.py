"""Pictures: an evaluation, a training history and quantization errors as PNG."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk.errors import DataError, MissingExtraError
from edgeleuk.files import whole_file
from edgeleuk.report.evaluation_panels import (
    draw_confusion,
    draw_recalls,
    draw_reliability,
    draw_roc,
    draw_subjects,
    title,
)
from edgeleuk.report.panels import BLUE, GREEN, GREY, ORANGE, draw_layer_errors
from edgeleuk.report.scored import caveats_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edgeleuk.evaluation import Evaluation

_FOOTER = "edgeleuk: research use, not a diagnosis"
_CELL_INCHES = 0.62
_CHARACTERS_AN_INCH = 12


def evaluation_figure(evaluation: "Evaluation", path: Path) -> None:
    """Write a PNG: confusion matrix, ROC curve (two classes) or recalls, accuracy of each subject, reliability.

    What limits the scores stands below. Raises MissingExtraError without matplotlib, OutputError where path cannot be
    written.
    """
    matrix = max(4.6, _CELL_INCHES * len(evaluation.classes) + 1.2)
    figure = new_figure(max(12.0, 2 * matrix + 3), matrix + 4.2)
    with _plain_text():
        (left, right), below = figure.subplots(2, 2, gridspec_kw={"height_ratios": [matrix, 3.6]})
        draw_confusion(left, evaluation)
        if len(evaluation.classes) == 2 and evaluation.scores.auroc is not None:
            draw_roc(right, evaluation)
        else:
            draw_recalls(right, evaluation)
        if evaluation.subjects:
            draw_subjects(below[0], evaluation)
        else:
            below[0].set_axis_off()
            below[0].text(0.5, 0.5, "no subject is known", ha="center", fontsize=12, color=GREY)
        draw_reliability(below[1], evaluation)
        figure.suptitle(title(evaluation), fontsize=13)
        save_figure(figure, path, caveats_of(evaluation.notes))


def history_figure(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a PNG of a training history, one row an epoch: loss, validation weighted F1 and learning rate.

    Rows have the columns phase, loss, val_loss, val_weighted_f1 and learning_rate; epochs are counted on across
    phases. A value that is missing, None or "" leaves a gap. Raises DataError without rows, and what
    `evaluation_figure` raises.
    """
    if not rows:
        raise DataError("the training history has no epoch; nothing to draw")
    figure = new_figure(9, 7.5)
    loss, f1, rate = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": [3, 3, 1.3]})
    _curve(loss, rows, "loss", BLUE, "training")
    _curve(loss, rows, "val_loss", ORANGE, "validation", dashed=True)
    loss.set_ylabel("loss")
    loss.legend(frameon=False)
    _curve(f1, rows, "val_weighted_f1", ORANGE, "validation", dashed=True)
    f1.set_ylabel("weighted F1")
    _mark_best(f1, rows)
    _curve(rate, rows, "learning_rate", GREY, "learning rate")
    rate.set(ylabel="learning rate", xlabel="epoch")
    if any(value > 0 for value in _column(rows, "learning_rate")):  # a schedule ends at zero, which no log axis shows
        rate.set_yscale("log")
    rate.xaxis.get_major_locator().set_params(integer=True)
    for axes in (loss, f1, rate):
        axes.grid(alpha=0.3)
        _mark_phases(axes, rows)
    _name_phases(loss, rows)
    figure.suptitle(f"training history, {len(rows)} epoch{'s' if len(rows) != 1 else ''}", fontsize=13)
    save_figure(figure, path)


def layer_errors_figure(table: Mapping[str, Any], path: Path) -> None:
    """Write a PNG of the quantization error of each layer in graph order, the worst by name.

    `table`: rows "layers" with layer, own_db and accumulated_db, and what they were measured against. Raises DataError
    without rows, and what `evaluation_figure` raises.
    """
    if not table["layers"]:
        raise DataError("the table of errors has no layer; nothing to draw")
    figure = new_figure(13, 6)
    draw_layer_errors(figure.subplots(), table["layers"])
    figure.suptitle(
        f"signal to quantization noise of {len(table['layers'])} layers against {table['reference']}, "
        f"{table['images']} images",
        fontsize=13,
    )
    save_figure(figure, path)


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of this size in inches; no pyplot, so nothing global and no display.

    Raises MissingExtraError without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingExtraError("a picture", "report") from error
    figure = Figure(figsize=(width, height), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", path: Path, caveats: Sequence[str] = ()) -> None:
    """Write it as PNG with the caveats and the sentence on its use. Raises OutputError where path cannot be written."""
    width = int(figure.get_figwidth() * _CHARACTERS_AN_INCH)
    lines = [line for caveat in caveats for line in textwrap.wrap(caveat, width)]
    figure.supxlabel("\n".join([*lines, _FOOTER]), fontsize=9 if not lines else 10, color=GREY)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png")


def _plain_text() -> AbstractContextManager[None]:
    """Names with dollar signs are no formulas."""
    import matplotlib as mpl

    context: AbstractContextManager[None] = mpl.rc_context({"text.parse_math": False})
    return context


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [math.nan if row.get(name) in (None, "") else float(row[name]) for row in rows]


def _curve(
    axes: "Axes", rows: Sequence[Mapping[str, Any]], name: str, colour: str, label: str, dashed: bool = False
) -> None:
    style = "--" if dashed else "-"
    epochs = range(1, len(rows) + 1)
    axes.plot(epochs, _column(rows, name), style, color=colour, marker="o", markersize=4, label=label)


def _mark_best(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    values = _column(rows, "val_weighted_f1")
    if all(map(math.isnan, values)):
        return
    best = int(np.nanargmax(values))
    label = f"best {values[best]:.3f}, epoch {best + 1}"
    axes.plot(best + 1, values[best], "*", color=GREEN, markersize=16, label=label)
    axes.legend(*[items[-1:] for items in axes.get_legend_handles_labels()], frameon=False, loc="lower right")


def _mark_phases(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    """A line between the last epoch of a phase and the first of the next."""
    for number, (before, after) in enumerate(pairwise(rows), start=1):
        if before.get("phase") != after.get("phase"):
            axes.axvline(number + 0.5, color=GREY, linestyle=":", linewidth=1)


def _name_phases(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    """The name of each phase above its first epoch, where there are several."""
    starts = [n for n, row in enumerate(rows) if n == 0 or rows[n - 1].get("phase") != row.get("phase")]
    for number in starts if len(starts) > 1 else []:
        place = axes.get_xaxis_transform()
        axes.text(number + 0.6, 1.02, f"{rows[number].get('phase')}", transform=place, color=GREY, fontsize=10)
