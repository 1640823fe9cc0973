"""Pictures of where time and memory go: stages of an image, types of operator, peak memory."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from edgeleuk.bench.record import OperatorTime
from edgeleuk.bench.stages import END_TO_END
from edgeleuk.report.drawing import COLOURS, GRID, INK, ROOM, SIDE, Margins, svg
from edgeleuk.report.panels import GREY
from edgeleuk.report.rows import Row, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_KINDS = 6
_OTHERS = "others"
_IN_A_LINE = 3


def stages(rows: Sequence[Row], name: str) -> str:
    """From image file to decision: medians of the steps, one bar a result."""
    parts = {row.name: {stage: ms for stage, ms in row.stage_medians_ms.items() if stage != END_TO_END} for row in rows}
    return _stacked(parts, "ms an image, medians of the stages", name, "Time of an image by stage")


def operators(rows: Sequence[Row], name: str) -> str:
    """Time of one inference by type of operator, one bar a result; the interpreter's own are marked."""
    parts = {row.name: by_kind(row.result.operators) for row in rows}
    totals: dict[str, float] = {}
    for kinds in parts.values():
        for kind, ms in kinds.items():
            totals[kind] = totals.get(kind, 0.0) + ms / (sum(kinds.values()) or 1)
    kept = sorted(totals, key=lambda kind: -totals[kind])
    if len(kept) > _MOST_KINDS:
        kept = kept[: _MOST_KINDS - 1]
    shown = {title: _kept(kinds, kept) for title, kinds in parts.items()}
    return _stacked(shown, "ms an inference, by the interpreter's profiler", name, "Time of an inference by operator")


def by_kind(found: Sequence[OperatorTime]) -> dict[str, float]:
    """Milliseconds by the operator's name without its variant in brackets, and who runs it."""
    kinds: dict[str, float] = {}
    for operator in found:
        plain = operator.name.partition(" (")[0].replace("_", " ").capitalize()
        kind = plain if operator.delegated else f"{plain} (interpreter)"
        kinds[kind] = kinds.get(kind, 0.0) + operator.ms
    return kinds


def memory(rows: Sequence[Row], name: str) -> str:
    """Peak resident memory of a fresh process, and the model's file beside it."""
    known = [(row, peak) for row in rows if (peak := row.summary.peak_memory_mib) is not None]

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        for position, (row, peak) in enumerate(known):
            axes.barh(position, peak, color=COLOURS[5], height=0.3)
            axes.barh(position, row.result.model.size_bytes / 2**20, color=COLOURS[0], height=0.3)
        _name_bars(axes, [(row.name, f"{peak:.1f} MiB") for row, peak in known])
        axes.set_xlabel("MiB: peak of a process; dark, the model's file")

    label = "Peak memory: " + "; ".join(f"{row.name}: {peak:.1f} MiB" for row, peak in known)
    return svg(name, label, 0.62 + 0.42 * len(known), draw, margins=Margins(SIDE))


def _kept(kinds: Mapping[str, float], kept: Sequence[str]) -> dict[str, float]:
    rest = sum(ms for kind, ms in kinds.items() if kind not in kept)
    shown = {kind: kinds.get(kind, 0.0) for kind in kept}
    return shown | {_OTHERS: rest} if rest > 0 else shown


def _stacked(parts: Mapping[str, Mapping[str, float]], unit: str, name: str, title: str) -> str:
    kinds = list(dict.fromkeys(kind for each in parts.values() for kind in each))
    colours = {kind: GREY if kind == _OTHERS else colour for kind, colour in zip(kinds, cycle(COLOURS), strict=False)}
    lines = -(-len(kinds) // _IN_A_LINE)

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        drawn = {}
        for position, each in enumerate(parts.values()):
            left = 0.0
            for kind, ms in each.items():
                drawn[kind] = axes.barh(position, ms, left=left, color=colours[kind], height=0.3)
                left += ms
        _name_bars(axes, [(title, f"{sum(each.values()):.4g} ms") for title, each in parts.items()])
        axes.set_xlabel(unit)
        handles = [drawn[kind] for kind in kinds]
        axes.legend(handles, kinds, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=_IN_A_LINE, columnspacing=1.0)

    label = f"{title}: " + "; ".join(
        f"{row}: " + ", ".join(f"{kind} {ms:.3g} ms" for kind, ms in each.items()) for row, each in parts.items()
    )
    top = 0.1 + 0.19 * lines
    return svg(name, label, 0.55 + top + 0.42 * len(parts), draw, margins=Margins(SIDE, top))


def _name_bars(axes: "Axes", names: Sequence[tuple[str, str]]) -> None:
    """Name and value above each bar."""
    for position, (name, value) in enumerate(names):
        text = f"{shortened(name, ROOM - 2 - len(value))}: {value}"
        axes.text(0.008, position - 0.36, text, transform=axes.get_yaxis_transform(), fontsize=8.5, va="center")
    axes.set_yticks([])
    axes.spines["left"].set_color(INK)
    axes.set_ylim(len(names) - 0.75, -0.65)
    axes.set_axisbelow(True)
    axes.grid(axis="x", **GRID)
