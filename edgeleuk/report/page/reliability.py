"""Pictures of how far the probabilities of an evaluation may be relied on."""

from typing import TYPE_CHECKING

from edgeleuk.evaluation.evaluated import Evaluated
from edgeleuk.evaluation.reliability import Reliability
from edgeleuk.plots.colours import BLUE, ORANGE
from edgeleuk.report.page.drawing import GRID, INK, svg
from edgeleuk.report.page.gallery import Picture
from edgeleuk.statistics.calibration import CalibrationScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = 3.2


def reliability_pictures(found: Evaluated, name: str) -> tuple[Picture, ...]:
    """Reliability diagram and selective risk of an evaluation; none in records that do not say."""
    known = found.reliability
    if known is None:
        return ()
    return (
        Picture(
            f"{found.model}: reliability",
            _diagram(known, f"{name}-reliability"),
            "Each point is a tenth of the answers or more, the least sure at the left; on the dotted line they are as "
            "often right as they say.",
        ),
        Picture(
            f"{found.model}: selective risk",
            _risk(known, f"{name}-risk"),
            "If only the surest answers are given, from none at the left to all at the right: which share of them is "
            "wrong.",
        ),
    )


def _diagram(known: Reliability, name: str) -> str:
    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1)
        if known.untempered is not None:
            _points(axes, known.untempered, ORANGE, "at temperature 1")
        _points(axes, known.scores, BLUE, "as it answers")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05), xlabel="mean probability", ylabel="share that is right")
        axes.grid(**GRID)
        axes.legend(loc="upper left")

    points = "; ".join(f"{each.confidence:.3f} sure, {each.accuracy:.3f} right" for each in known.scores.bins)
    return svg(name, f"Reliability diagram: {points}", _INCHES, draw)


def _points(axes: "Axes", scores: CalibrationScores, colour: str, label: str) -> None:
    sure, right = [each.confidence for each in scores.bins], [each.accuracy for each in scores.bins]
    axes.plot(sure, right, "o-", color=colour, markersize=4, label=f"{label}, ECE {scores.ece.value:.3f}")


def _risk(known: Reliability, name: str) -> str:
    curve = known.curve

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        axes.step(curve.coverage, curve.risk, where="pre", color=BLUE)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.15 * max(*curve.risk, 0.02)))
        axes.set(xlabel="share that is answered", ylabel="share of these that is wrong")
        axes.grid(**GRID)

    return svg(name, f"Selective risk: {curve.area:.4f} on average, {curve.risk[-1]:.4f} of all answers", _INCHES, draw)
