"""Counted instructions beside those that are kept in golden/instructions.json."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from compare import columns

RISE = 0.03  # a greater one fails
RENEW = "deploy/emulation/counts.py --renew"
_HEAD = ("core", "what", "before", "now", "change")


@dataclass(frozen=True)
class Change:
    """Instructions of one figure on one core: kept and counted now; one that is not kept yet has no `before`."""

    core: str
    name: str
    before: int | None
    now: int

    @property
    def share(self) -> float | None:
        """0.03 for 3 % more."""
        return None if self.before is None else self.now / self.before - 1

    def __str__(self) -> str:
        share = "new" if self.share is None else f"{self.share:+.2%}"
        before = "none" if self.before is None else f"{self.before:,}"
        return f"{self.core}, {self.name}: {before} instructions before, {self.now:,} now ({share})"

    def cells(self) -> tuple[str, ...]:
        """Text of each column: millions, and the change."""
        before = "-" if self.before is None else f"{self.before / 1e6:.2f} M"
        return (
            self.core,
            self.name,
            before,
            f"{self.now / 1e6:.2f} M",
            "new" if self.share is None else f"{self.share:+.2%}",
        )


def changes(core: str, kept: Mapping[str, int], counted: Mapping[str, list[int]]) -> list[Change]:
    """One of each figure that was counted, the median of its repetitions."""
    return [Change(core, name, kept.get(name), int(statistics.median(found))) for name, found in counted.items()]


def problems(found: Iterable[Change]) -> list[str]:
    """What has risen by more than RISE."""
    return [
        f"{change}: more than {RISE:.0%}; if that is meant, {RENEW} keeps it"
        for change in found
        if change.share is not None and change.share > RISE
    ]


def notes(found: Iterable[Change]) -> list[str]:
    """What is new, or has fallen so far that a rise back would not be noticed."""
    told = [change for change in found if change.share is None or change.share < -RISE]
    return [f"{change}; {RENEW} keeps it" for change in told]


def other_versions(kept: Mapping[str, str], counted: Mapping[str, str]) -> list[str]:
    """Versions that differ from those of the kept figures: nothing is held then."""
    names = sorted({*kept, *counted})
    return [f"{name} {kept.get(name)} -> {counted.get(name)}" for name in names if kept.get(name) != counted.get(name)]


def other_graphs(kept: Mapping[str, str], counted: Mapping[str, str]) -> list[str]:
    """Models that are not the networks that the kept figures are of."""
    return [name for name, graph in counted.items() if kept.get(name, graph) != graph]


def figures_without(models: Iterable[str], kept: Mapping[str, int]) -> dict[str, int]:
    """The kept figures of all other models."""
    left_out = tuple(f"{model}, " for model in models)
    return {name: count for name, count in kept.items() if not name.startswith(left_out)}


def table(found: Iterable[Change]) -> str:
    """The figures in columns."""
    return columns([_HEAD, *(change.cells() for change in found)])


def renewed(counted: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """The golden file with what was counted; of the rest what is kept, if it is of the same versions."""
    if other_versions(kept["versions"], counted["versions"]):
        return counted
    figures = {core: kept["instructions"].get(core, {}) | now for core, now in counted["instructions"].items()}
    graphs = kept.get("graphs", {}) | counted["graphs"]
    return {"versions": counted["versions"], "graphs": graphs, "instructions": figures}
