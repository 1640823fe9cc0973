"""Colours of all pictures, and the parts of a picture of quantization errors."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito 2008, "Color Universal Design": told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"


def draw_layer_errors(axes: "Axes", rows: Sequence[Mapping[str, Any]], named: int = 5) -> None:
    """Signal-to-noise ratios of layers from first to last: each by itself, and accumulated.

    Few layers all have names on the axis; of many, the worst have theirs beside them.
    """
    few = len(rows) <= 30
    own = [row["own_db"] for row in rows]
    places = np.arange(len(rows))
    axes.plot(places, [row["accumulated_db"] for row in rows], color=ORANGE, label="as the network runs")
    axes.plot(places, own, "o", color=BLUE, markersize=5, label="the layer by itself")
    for rank, number in enumerate(np.argsort(own, kind="stable")[: 0 if few else named]):
        right = number > 0.8 * len(rows)
        axes.annotate(
            f"{rows[number]['layer']} {own[number]:.1f}",
            (number, own[number]),
            (-6 if right else 6, -12 if rank % 2 else -4),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=10,
        )
    if few:
        axes.set_xticks(places, [row["layer"] for row in rows], rotation=60, ha="right", fontsize=9)
    axes.set(ylabel="dB, the less the worse", xlabel="layer, from input to output")
    axes.margins(x=0.02, y=0.15)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=11)
