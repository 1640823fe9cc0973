"""Pictures of where time and memory go: stages of an image, types of operator, peak memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from edgeleuk.bench.measured import END_TO_END, OperatorTime
from edgeleuk.plots.colours import GREY
from edgeleuk.report.page.drawing import COLOURS, GRID, INK, ROOM, SIDE, Margins, name_above, svg
from edgeleuk.report.page.rows import Row
from edgeleuk.report.text.operators import REST
from edgeleuk.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_KINDS = 6
_OTHERS = "others"
_IN_A_LINE = 3
_PALE = "#9aa0a6"


def stages(rows: Sequence[Row], name: str) -> str:
    """From image file to decision: medians of the steps, one bar a result."""
    parts = {row.name: {stage: ms for stage, ms in row.stage_medians_ms.items() if stage != END_TO_END} for row in rows}
    wholes = {row.name: row.stage_medians_ms.get(END_TO_END) for row in rows}
    return _stacked(_Stack(parts, wholes, "ms an image, medians of the stages", "Time of an image by stage"), name)


def operators(rows: Sequence[Row], name: str) -> str:
    """Time of one inference by type of operator, one bar a result; the interpreter's own are marked."""
    parts = {row.name: by_kind(row.result.operators) for row in rows}
    wholes = {row.name: row.summary.p50_ms for row in rows}
    totals: dict[str, float] = {}
    for kinds in parts.values():
        for kind, ms in kinds.items():
            totals[kind] = totals.get(kind, 0.0) + ms / (sum(kinds.values()) or 1)
    kept = sorted(totals, key=lambda kind: -totals[kind])
    if len(kept) > _MOST_KINDS:
        kept = kept[: _MOST_KINDS - 1]
    shown = {title: _kept(kinds, kept) | _rest(wholes[title], kinds) for title, kinds in parts.items()}
    unit = "ms of the median inference, whole microseconds an operator"
    return _stacked(_Stack(shown, wholes, unit, "Time of an inference by operator"), name)


def by_kind(found: Sequence[OperatorTime]) -> dict[str, float]:
    """Milliseconds by the operator's name without its variant in brackets, and who runs it."""
    kinds: dict[str, float] = {}
    for operator in found:
        plain = operator.name.partition(" (")[0].replace("_", " ").capitalize()
        kind = plain if operator.delegated else f"{plain} (interpreter)"
        kinds[kind] = kinds.get(kind, 0.0) + operator.ms
    return kinds


def _rest(whole: float, kinds: Mapping[str, float]) -> dict[str, float]:
    """What of the median no operator accounts for; nothing if they tell more than that."""
    missing = whole - sum(kinds.values())
    return {REST: missing} if missing > 0 else {}


def memory(rows: Sequence[Row], name: str) -> str:
    """Peak resident memory of a fresh process, pale what it took before the model, and the model's file beside it."""
    known = [(row, peak) for row in rows if (peak := row.summary.peak_memory_mib) is not None]
    before = any(row.start_memory_mib is not None for row, _ in known)

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        for position, (row, peak) in enumerate(known):
            start = row.start_memory_mib or 0.0
            axes.barh(position, start, color=GREY, alpha=0.45, height=0.3)
            axes.barh(position, peak - start, left=start, color=COLOURS[5], height=0.3)
            axes.barh(position, row.result.model.size_bytes / 2**20, left=start, color=COLOURS[0], height=0.1)
        _name_bars(axes, [(row.name, _memory(row, peak)) for row, peak in known])
        grey = "grey before the model, " if before else ""
        axes.set_xlabel(f"MiB, peak of a process: {grey}thin the model's file")

    label = "Peak memory: " + "; ".join(f"{row.name}: {_memory(row, peak)}" for row, peak in known)
    return svg(name, label, 0.62 + 0.42 * len(known), draw, margins=Margins(SIDE))


def _memory(row: Row, peak: float) -> str:
    start = row.start_memory_mib
    return f"{peak:.1f} MiB" if start is None else f"{peak:.1f} MiB, {peak - start:.1f} for the model"


def _kept(kinds: Mapping[str, float], kept: Sequence[str]) -> dict[str, float]:
    rest = sum(ms for kind, ms in kinds.items() if kind not in kept)
    shown = {kind: kinds.get(kind, 0.0) for kind in kept}
    return shown | {_OTHERS: rest} if rest > 0 else shown


@dataclass(frozen=True)
class _Stack:
    """Parts by bar and kind, the whole that a bar is labelled with (None: the sum of its parts), unit and title."""

    parts: Mapping[str, Mapping[str, float]]
    wholes: Mapping[str, float | None]
    unit: str
    title: str

    @property
    def kinds(self) -> list[str]:
        """In the order in which they are first met, what is not accounted for last."""
        return sorted(
            dict.fromkeys(kind for each in self.parts.values() for kind in each), key=lambda kind: kind == REST
        )

    def whole(self, bar: str) -> str:
        """ "0.88 ms"."""
        known = self.wholes.get(bar)
        return f"{sum(self.parts[bar].values()) if known is None else known:.4g} ms"


def _stacked(stack: _Stack, name: str) -> str:
    kinds, parts = stack.kinds, stack.parts
    colours = dict(zip(kinds, cycle(COLOURS), strict=False)) | {_OTHERS: GREY, REST: _PALE}
    lines = -(-len(kinds) // _IN_A_LINE)

    def draw(panels: "list[Axes]") -> None:
        (axes,) = panels
        drawn = {}
        for position, each in enumerate(parts.values()):
            left = 0.0
            for kind, ms in sorted(each.items(), key=lambda part: part[0] == REST):
                drawn[kind] = axes.barh(position, ms, left=left, color=colours[kind], height=0.3)
                left += ms
        _name_bars(axes, [(bar, stack.whole(bar)) for bar in parts])
        axes.set_xlabel(stack.unit)
        handles = [drawn[kind] for kind in kinds]
        axes.legend(handles, kinds, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=_IN_A_LINE, columnspacing=1.0)

    label = f"{stack.title}: " + "; ".join(
        f"{bar}: " + ", ".join(f"{kind} {ms:.3g} ms" for kind, ms in each.items()) for bar, each in parts.items()
    )
    top = 0.1 + 0.19 * lines
    return svg(name, label, 0.55 + top + 0.42 * len(parts), draw, margins=Margins(SIDE, top))


def _name_bars(axes: "Axes", names: Sequence[tuple[str, str]]) -> None:
    """Name and value above each bar."""
    name_above(axes, [f"{shortened(name, ROOM - 2 - len(value))}: {value}" for name, value in names], 0.36)
    axes.spines["left"].set_color(INK)
    axes.set_ylim(len(names) - 0.75, -0.65)
    axes.set_axisbelow(True)
    axes.grid(axis="x", **GRID)
