"""How far the probabilities of an evaluation may be relied on, as one PNG."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgeleuk.evaluation.reliability import Curve, Reliability
from edgeleuk.plots.colours import BLUE, GREY, ORANGE
from edgeleuk.plots.figures import new_figure, plain_text, save_figure
from edgeleuk.statistics.calibration import CalibrationScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def reliability_figure(found: Reliability, path: Path, title: str, caveats: "Sequence[str]") -> None:
    """Write a PNG: reliability diagram, before and after the temperature if there is one, and selective risk.

    Raises MissingExtraError without matplotlib, OutputError if path cannot be written.
    """
    figure = new_figure(12.0, 5.6)
    with plain_text():
        left, right = figure.subplots(1, 2)
        draw_reliability(left, found)
        draw_risk(right, found.curve)
        figure.suptitle(title, fontsize=13)
        save_figure(figure, path, caveats)


def draw_reliability(axes: "Axes", found: Reliability) -> None:
    """Mean confidence and share of right answers of bins of equal mass."""
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="as often right as it says")
    if found.untempered is not None:
        _bins(axes, found.untempered, ORANGE, "at temperature 1")
    _bins(axes, found.scores, BLUE, "as the model answers")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    axes.set_xlabel("mean probability of the most probable class", fontsize=11)
    axes.set_ylabel("share that is right", fontsize=11)
    axes.set_title(f"reliability, {len(found.scores.bins)} bins of equal mass", fontsize=11)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", frameon=False, fontsize=10)


def draw_risk(axes: "Axes", curve: Curve) -> None:
    """How many answers are wrong if only the surest are given."""
    axes.step(curve.coverage, curve.risk, where="pre", color=BLUE, linewidth=2)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.15 * max(*curve.risk, 0.02)))
    axes.set_xlabel("share of images that are answered, the surest first", fontsize=11)
    axes.set_ylabel("share of these answers that is wrong", fontsize=11)
    axes.set_title(f"selective risk, {curve.area:.4f} on average", fontsize=11)
    axes.grid(alpha=0.3)


def _bins(axes: "Axes", scores: CalibrationScores, colour: str, label: str) -> None:
    sure, right = [each.confidence for each in scores.bins], [each.accuracy for each in scores.bins]
    axes.plot(sure, right, "o-", color=colour, label=f"{label}: ECE {scores.ece.value:.3f}")
