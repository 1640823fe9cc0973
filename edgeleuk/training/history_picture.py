"""A training history as one PNG."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk.errors import DataError
from edgeleuk.plots.colours import BLUE, GREEN, GREY, ORANGE
from edgeleuk.plots.figures import new_figure, save_figure
from edgeleuk.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    figure.suptitle(f"training history, {counted(len(rows), 'epoch')}", fontsize=13)
    save_figure(figure, path)


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
    """The name of each phase above its first epoch, if there are several."""
    starts = [n for n, row in enumerate(rows) if n == 0 or rows[n - 1].get("phase") != row.get("phase")]
    for number in starts if len(starts) > 1 else []:
        place = axes.get_xaxis_transform()
        axes.text(number + 0.6, 1.02, f"{rows[number].get('phase')}", transform=place, color=GREY, fontsize=10)
