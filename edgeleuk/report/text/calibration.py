"""A calibration as text, and as a record."""

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.files import sha256_bytes
from edgeleuk.reliability import Abstention, Interval, OperatingPoint
from edgeleuk.statistics.calibration import CalibrationScores
from edgeleuk.text import counted, table

if TYPE_CHECKING:
    from edgeleuk.calibration.calibrate import Calibrated
    from edgeleuk.statistics.metrics import Estimate

_WIDTH = 100


def render_calibration(made: "Calibrated", output: Path) -> str:
    """What was found out, for a terminal, ending in a newline."""
    answers, decision = made.answers, made.spec.decision
    groups = counted(answers.group_count, answers.unit)
    lines = [
        f"model        {output}, {len(made.content):,} bytes",
        f"images       {len(answers.images):,} of split '{made.split}', {groups}, none known to be seen in training",
        f"temperature  {decision.temperature:.4g}",
        "",
        *score_lines(made.before, made.after, answers.unit),
    ]
    if made.point is not None:
        lines += ["", *point_lines(made.point.evidence, decision.threshold)]
    if made.sets is not None:
        lines += ["", *set_lines(made.sets.abstention, answers.unit), _covered(made)]
    for note in made.notes:
        lines += ["", *textwrap.wrap(f"note: {note}", _WIDTH, subsequent_indent="      ", break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def score_lines(before: CalibrationScores, after: CalibrationScores, unit: str) -> Iterator[str]:
    """A table of calibration before and after, with 95 % intervals over groups."""
    yield from table(score_rows({"before": before, "after": after}), "<><><")
    yield from textwrap.wrap(
        f"after: each image at a temperature that its {unit} had no part in. {about_ece(after)}", _WIDTH
    )


def score_rows(columns: Mapping[str, CalibrationScores]) -> list[tuple[str, ...]]:
    """Head and rows of a table: each score and its interval, for each of the columns."""
    rows = [("", *(head for name in columns for head in (name, "95 % interval")))]
    for name, field in (
        ("ECE", "ece"),
        ("Brier score", "brier"),
        ("mean confidence", "confidence"),
        ("less the accuracy", "overconfidence"),
    ):
        rows.append((name, *(cell for scores in columns.values() for cell in _valued(getattr(scores, field)))))
    return rows


def about_ece(scores: CalibrationScores) -> str:
    """A sentence on what an ECE is of, and what chance alone makes of it."""
    return (
        f"ECE: {counted(len(scores.bins), 'bin')} of equal mass; as many answers whose probabilities are right have "
        f"{scores.chance_ece:.3f} on average"
    )


def point_lines(point: OperatingPoint, threshold: float | None) -> Iterator[str]:
    """The operating point: what was aimed at, the threshold, and what it gives on held-out groups."""
    aim = f"{point.aim} of at least {point.target:g}"
    if point.aim == "cost":
        aim = f"least cost, a false negative at {point.target:g} times a false positive"
    yield f"aim          {aim}: threshold {threshold:.4g}"
    yield f"sensitivity  {told(point.sensitivity)}"
    yield f"specificity  {told(point.specificity)}"
    why = "by thresholds that other groups chose" if point.aim != "cost" else "by temperatures that other groups chose"
    yield from textwrap.wrap(f"{why}; interval: {point.method}", _WIDTH)


def set_lines(found: Abstention, unit: str) -> Iterator[str]:
    """What conformal sets promise."""
    yield (
        f"sets         hold the right class in {found.coverage:.1%} of a new {unit}'s images at least; classes from "
        f"{found.least_probability:.4g} on"
    )
    if found.expected is not None and found.groups is not None:
        yield (
            f"             chosen on one image of each of {found.groups:,} {unit}s: {found.expected.value:.1%} on "
            f"average, here with 95 % {found.expected.low:.1%} to {found.expected.high:.1%}"
        )
    if found.uncertain is not None:
        yield f"uncertain    {told(found.uncertain)} of held-out images: more than one class in the set"


def told(share: Interval) -> str:
    """ "0.944 (0.862 to 0.984)"."""
    bounds = "no interval" if share.low is None else f"{share.low:.3f} to {share.high:.3f}"
    return f"{share.value:.3f} ({bounds})"


def record_of(made: "Calibrated", output: Path) -> dict[str, Any]:
    """What JSON can hold of it."""
    sets = None
    if made.sets is not None:
        sets = {"coverage": dataclasses.asdict(made.sets.coverage)}
    return {
        "schema_version": 1,
        "path": str(output),
        "sha256": sha256_bytes(made.content),
        "decision": dataclasses.asdict(made.spec.decision),
        "calibration": dataclasses.asdict(made.spec.calibration) if made.spec.calibration else None,
        "before": dataclasses.asdict(made.before),
        "after": dataclasses.asdict(made.after),
        "held_out_sets": sets,
        "notes": list(made.notes),
    }


def _covered(made: "Calibrated") -> str:
    if made.sets is None:
        return ""
    found = made.sets.coverage
    return f"covered      {told(Interval(found.value, found.low, found.high))} of held-out images, by sets of others"


def _valued(found: "Estimate") -> tuple[str, str]:
    bounds = "no interval" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
    return f"{found.value:.3f}", bounds
