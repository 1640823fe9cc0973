"""What two machines computed, compared bit by bit, as the rows of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Observed = dict[str, Any]  # what observe.py prints

CORES = {"cortex-a53": ("0xd03", False), "cortex-a72": ("0xd08", False), "cortex-a76": ("0xd0b", True)}  # dot products
IDENTICAL = "identical"
_HEAD = ("core", "backend", "model", "compared with", "images", "inputs", "outputs", "infer", "seconds")


@dataclass(frozen=True)
class Row:
    """One model on one core. `inputs`, `outputs` and `infer` are IDENTICAL, or what was found instead."""

    core: str
    backend: str
    model: str
    against: str
    images: int
    inputs: str
    outputs: str
    infer: str = "-"
    seconds: float | None = None

    @property
    def good(self) -> bool:
        """Whether all that was compared is identical."""
        return self.images > 0 and {self.inputs, self.outputs, self.infer} <= {IDENTICAL, "-"}

    def cells(self) -> tuple[str, ...]:
        """Text of each column."""
        seconds = "-" if self.seconds is None else f"{self.seconds:.1f}"
        texts = (self.core, self.backend, self.model, self.against, str(self.images))
        return (*texts, self.inputs, self.outputs, self.infer, seconds)


def compare(core: str, backend: str, against: str, observed: Observed, reference: Observed) -> list[Row]:
    """A row for each model that the reference knows by the same content and `observed` has, too."""
    rows = []
    for model, expected in reference["models"].items():
        found = observed["models"].get(model)
        if found is None:
            continue
        if found["sha256"] != expected["sha256"]:
            rows.append(Row(core, backend, model, against, 0, "another model file", "-"))
            continue
        names = sorted(expected["images"])
        parts = [_differences(names, expected["images"], found["images"], part) for part in ("input", "output")]
        rows.append(Row(core, backend, model, against, len(names), *parts, seconds=found["seconds"]))
    return rows


def _differences(names: Sequence[str], expected: dict[str, Any], found: dict[str, Any], part: str) -> str:
    others = [name for name in names if found.get(name, {}).get(part) != expected[name][part]]
    return f"{len(others)} DIFFER ({', '.join(others)})" if others else IDENTICAL


def compare_infer(expected: list[dict[str, Any]], found: list[dict[str, Any]], observed: dict[str, Any]) -> str:
    """IDENTICAL where `edgeleuk infer` says the same on both machines, and what the network's integers mean.

    `observed` has the images of observe.py; integers q of a softmax mean (q + 128) / 256, printed with six digits.
    """
    if [_said(row) for row in expected] != [_said(row) for row in found]:
        return "DIFFERS"
    for row in found:
        name = row["image"].rpartition("/")[2]
        meant = [round((code + 128) / 256, 6) for code in observed[name]["output"]]
        if meant != list(row["probabilities"].values()):
            return f"DIFFERS from the network's output ({name})"
    return IDENTICAL if found else "nothing printed"


def _said(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["image"], row.get("label"), row.get("probabilities"), row.get("error")


def check_core(core: str, machine: dict[str, Any]) -> str | None:
    """What is wrong with the core that the programs saw; None if it is the one that was asked for."""
    part, dot_products = CORES[core]
    seen = (machine["machine"], machine["part"], machine["dot_products"])
    if seen == ("aarch64", part, dot_products):
        return None
    return f"{core} was asked for, but programs saw {seen}; expected {('aarch64', part, dot_products)}"


def table(rows: Iterable[Row]) -> str:
    """The rows under their heads, in columns."""
    cells = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    return "\n".join("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
