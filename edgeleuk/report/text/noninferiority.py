"""A comparison with a reference as text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeleuk.statistics.noninferiority import FEWEST_SUBJECTS, INFERIOR, NOT_INFERIOR, POWER, Noninferiority
from edgeleuk.text import counted

if TYPE_CHECKING:
    from edgeleuk.evaluation.class_changes import ClassChange
    from edgeleuk.evaluation.comparison import Comparison

_LEAST_POINTS = 0.05  # what is less than this is 0.0


def render_comparison(comparison: "Comparison") -> str:
    """The comparison for a terminal, ending in a newline."""
    return "".join(f"{name:10}{text}\n" for name, text in comparison_rows(comparison))


def comparison_rows(comparison: "Comparison") -> Iterator[tuple[str, str]]:
    """What was compared, the bounds and the verdict: a name and its text each."""
    result = comparison.result
    yield "against", f"{comparison.reference}  (sha256 {comparison.reference_sha256[:16]})"
    over = f"{result.images:,} images" + (f" of {result.units:,} subjects" if result.unit == "subject" else "")
    yield "accuracy", f"{result.candidate_accuracy:.4f} against {result.reference_accuracy:.4f} on {over}"
    yield (
        "change",
        f"{_points(result.difference)}: {result.gained:,} images right that the reference had wrong, "
        f"{result.lost:,} the other way round",
    )
    yield "bounds", _bounds(result)
    for change in comparison.classes:
        yield "by class", class_text(change)
    yield "verdict", _verdict(result)


def class_text(change: "ClassChange") -> str:
    """ "sensitivity to all 0.9556 against 0.9667: -1.11 points (-20.01 to +9.12; 3 subjects)"."""
    over = counted(change.groups, change.unit)
    bounds = "no bounds" if change.low is None or change.high is None else _range(change.low, change.high)
    whose = {"sensitivity": "to", "specificity": "of"}.get(change.kind, "of")
    values = f"{change.candidate:.4f} against {change.reference:.4f}"
    return f"{change.kind} {whose} {change.name} {values}: {_points(change.difference)} ({bounds}; {over})"


def lost_text(change: "ClassChange") -> str:
    """ "1.1 points of sensitivity to all lost, which 3 subjects cannot tell from nothing"."""
    points, over = 100 * change.difference, counted(change.groups, change.unit)
    whose = f"{change.kind} {'to' if change.kind == 'sensitivity' else 'of'} {change.name}"
    if abs(points) < _LEAST_POINTS:
        return f"{whose} is the same on {counted(change.images, 'image')}"
    text = f"{abs(points):.1f} points of {whose} {'gained' if points > 0 else 'lost'}"
    if change.low is None or change.high is None or not change.told:
        return f"{text}, which {over} cannot tell from nothing"
    return f"{text} ({_range(change.low, change.high)}; {over})"


def _range(low: float, high: float) -> str:
    return f"{100 * low:+.2f} to {100 * high:+.2f} points"


def _bounds(result: Noninferiority) -> str:
    if result.bounds is None:
        return "none: one subject"
    low, high = _points(result.bounds.low), _points(result.bounds.high)
    return f"{low} or more, {high} or less, each with {result.gate.confidence:.0%} confidence ({result.method})"


def _verdict(result: Noninferiority) -> str:
    margin = f"margin {counted(100 * result.gate.margin, 'point')}, {result.gate.confidence:.0%} confidence"
    if result.verdict in (NOT_INFERIOR, INFERIOR):
        return f"{result.verdict} ({margin})"
    return f"could not show it with this few {result.unit}s ({margin}): {_reason(result)}"


def _reason(result: Noninferiority) -> str:
    short = result.unit == "subject" and result.units < FEWEST_SUBJECTS
    reason = f"{result.units:,} of at least {FEWEST_SUBJECTS} subjects" if short else "both bounds enclose the margin"
    if result.needed is None:
        return reason
    if result.needed <= result.units:
        return f"{reason}; the loss that was seen is itself too near to it"
    return (
        f"{reason}; were both equally good, about {result.needed:,} {result.unit}s of this spread would show it with a "
        f"chance of {POWER:.0%}"
    )


def _points(share: float) -> str:
    return f"{100 * share:+.2f} points"
