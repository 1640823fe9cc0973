"""Pictures over time: a long continuous run, and what the device reported meanwhile."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgeleuk.bench.measured import Condition
from edgeleuk.plots.colours import ORANGE
from edgeleuk.report.page.drawing import COLOURS, GRID, INK, Margins, svg
from edgeleuk.report.page.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOAD = "load average of one minute"


def sustained(rows: Sequence[Row], name: str) -> str:
    """Median of each window of a long run, in per cent of the first window's."""

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        for row, colour in zip(rows, cycle(COLOURS), strict=False):
            found = row.result.sustained
            if found is not None:
                minutes = (np.arange(len(found.medians_ms)) + 0.5) * found.window_s / 60
                shares = 100 * np.array(found.medians_ms) / found.medians_ms[0]
                axes.plot(minutes, shares, "o-", color=colour, markersize=3, label=row.name)
        axes.axhline(100, color=INK, linewidth=0.8, linestyle=":")
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, 95), max(high, 110))
        axes.set(xlabel="minutes without a pause", ylabel="% of the first median")
        axes.grid(**GRID)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.08, 1.0))

    label = f"Latency without a pause, {len(rows)} results, in per cent of the first window's median"
    return svg(name, label, 2.2 + 0.2 * len(rows), draw, margins=Margins(top=0.1 + 0.2 * len(rows)))


def over_time(conditions: Sequence[Condition], name: str) -> str | None:
    """Temperature, clock, power and load against time; None if the machine tells none of them."""
    ordered = sorted(conditions, key=lambda condition: condition.time_s)
    known = {title: values for title, values in _series(ordered).items() if len(values) > 1}
    if not known:
        return None

    def draw(panels: "list[Axes]") -> None:
        for axes, (title, values), colour in zip(panels, known.items(), cycle(COLOURS), strict=False):
            axes.plot([time for time, _ in values], [value for _, value in values], color=colour, linewidth=1.4)
            axes.set_title(title, fontsize=9, loc="left", pad=3)
            axes.grid(**GRID)
            axes.ticklabel_format(axis="y", useOffset=False)
            if title == _LOAD:
                axes.set_ylim(0, max(1.0, 1.1 * max(value for _, value in values)))
            for moment in (condition.time_s for condition in ordered if condition.throttled):
                axes.axvline(moment, color=ORANGE, linewidth=0.8, linestyle=":")
        panels[-1].set_xlabel("seconds since the benchmark began")

    ranges = (
        f"{title} {min(v for _, v in values):.4g} to {max(v for _, v in values):.4g}" for title, values in known.items()
    )
    return svg(
        name,
        "While it was measured: " + "; ".join(ranges),
        0.55 + 1.15 * len(known),
        draw,
        len(known),
        Margins(top=0.25),
    )


def _series(ordered: Sequence[Condition]) -> dict[str, list[tuple[float, float]]]:
    """(seconds, value) of what the machine told."""
    series: dict[str, list[tuple[float, float]]] = {}
    for condition in ordered:
        readings = {
            "temperature, °C": condition.temperature_c,
            "clock of the fastest core, MHz": max(condition.clocks_mhz, default=None),
            "power, W": condition.power_w,
            _LOAD: condition.load_average,
        }
        for title, value in readings.items():
            if value is not None:
                series.setdefault(title, []).append((condition.time_s, value))
    return series
