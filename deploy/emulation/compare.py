"""What two machines computed, compared bit by bit, as the rows of a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Observed = dict[str, Any]  # what observe.py prints

CORES = {"cortex-a53": ("0xd03", False), "cortex-a72": ("0xd08", False), "cortex-a76": ("0xd0b", True)}  # dot products
IDENTICAL, ROUNDED = "identical", "within 1 step"
# LiteRT's int8 softmax takes another table on aarch64 than elsewhere (TFLITE_SOFTMAX_USE_UINT16_LUT in TensorFlow
# Lite's optimized_ops.h, for builds by clang): from the same logits, a probability may come out 1/256 higher or lower.
SOFTMAX_STEPS = {"litert": 1, "tflite-runtime": 0}
_HEAD = ("core", "backend", "model", "compared with", "images", "inputs", "logits", "outputs", "infer", "seconds")


@dataclass(frozen=True)
class Row:
    """One model on one core. `inputs` and `logits` are IDENTICAL, `outputs` and `infer` may be ROUNDED, else what was
    found instead."""

    core: str
    backend: str
    model: str
    against: str
    images: int
    inputs: str
    logits: str
    outputs: str
    infer: str = "-"
    seconds: float | None = None

    @property
    def good(self) -> bool:
        """Whether all that was compared is as it must be."""
        exact, rounded = {self.inputs, self.logits}, {self.outputs, self.infer}
        return self.images > 0 and exact == {IDENTICAL} and rounded <= {IDENTICAL, ROUNDED, "-"}

    def cells(self) -> tuple[str, ...]:
        """Text of each column."""
        seconds = "-" if self.seconds is None else f"{self.seconds:.1f}"
        texts = (self.core, self.backend, self.model, self.against, str(self.images))
        return (*texts, self.inputs, self.logits, self.outputs, self.infer, seconds)


def compare(core: str, backend: str, against: str, observed: Observed, reference: Observed) -> list[Row]:
    """A row for each model that the reference knows by the same content and `observed` has, too."""
    rows = []
    for model, expected in reference["models"].items():
        found = observed["models"].get(model)
        if found is None:
            continue
        if found["sha256"] != expected["sha256"]:
            rows.append(Row(core, backend, model, against, 0, "another model file", "-", "-"))
            continue
        names = sorted(expected["images"])
        images = expected["images"], found["images"]
        inputs, logits = (_differences(names, *images, part) for part in ("input", "logits"))
        outputs = _outputs(names, *images, SOFTMAX_STEPS[backend])
        rows.append(Row(core, backend, model, against, len(names), inputs, logits, outputs, seconds=found["seconds"]))
    return rows


def _differences(names: Sequence[str], expected: dict[str, Any], found: dict[str, Any], part: str) -> str:
    others = [name for name in names if found.get(name, {}).get(part) != expected[name][part]]
    return f"{len(others)} DIFFER ({', '.join(others)})" if others else IDENTICAL


def _outputs(names: Sequence[str], expected: dict[str, Any], found: dict[str, Any], steps: int) -> str:
    said = _differences(names, expected, found, "output")
    if said == IDENTICAL or not set(names) <= set(found):
        return said
    pairs = [zip(expected[name]["output"], found[name]["output"], strict=True) for name in names]
    return ROUNDED if max(abs(a - b) for pair in pairs for a, b in pair) <= steps else said


def compare_infer(
    expected: list[dict[str, Any]], found: list[dict[str, Any]], observed: dict[str, Any], steps: int
) -> str:
    """IDENTICAL where `edgeleuk infer` says the same on both machines, and what the network's integers mean.

    ROUNDED where probabilities differ by up to `steps` of 1/256 and nothing else does. `observed` has the images of
    observe.py; integers q of a softmax mean (q + 128) / 256, printed with six digits.
    """
    if [_said(row) for row in expected] != [_said(row) for row in found]:
        return "DIFFERS"
    for row in found:
        name = row["image"].rpartition("/")[2]
        if [round((code + 128) / 256, 6) for code in observed[name]["output"]] != _probabilities(row):
            return f"DIFFERS from the network's output ({name})"
    pairs = [zip(_probabilities(a), _probabilities(b), strict=True) for a, b in zip(expected, found, strict=True)]
    furthest = max((abs(a - b) for pair in pairs for a, b in pair), default=None)
    if furthest is None:
        return "nothing printed"
    if furthest == 0:
        return IDENTICAL
    return ROUNDED if furthest < (steps + 0.5) / 256 else "DIFFERS"


def _said(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["image"], row.get("label"), list(row.get("probabilities", ())), row.get("error")


def _probabilities(row: dict[str, Any]) -> list[float]:
    return list(row.get("probabilities", {}).values())


def check_core(core: str, machine: dict[str, Any]) -> str | None:
    """What is wrong with the core that the programs saw; None if it is the one that was asked for."""
    part, dot_products = CORES[core]
    seen = (machine["machine"], machine["part"], machine["dot_products"])
    if seen == ("aarch64", part, dot_products):
        return None
    return f"{core} was asked for, but programs saw {seen}; expected {('aarch64', part, dot_products)}"


def table(rows: Iterable[Row]) -> str:
    """The rows under their heads, in columns."""
    return columns([_HEAD, *(row.cells() for row in rows)])


def columns(cells: Sequence[tuple[str, ...]]) -> str:
    """Rows of texts, each column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
