"""What leaking folds are worth, as text."""

from collections.abc import Iterator

from edgeleuk.evaluation.leakage import Leakage, Side
from edgeleuk.statistics.metrics import Estimate
from edgeleuk.text import counted, table, wrapped

_WIDTH = 100


def render_leakage(found: Leakage) -> str:
    """Both ways of dealing side by side, ending in a newline."""
    return "".join(f"{wrapped(line, _WIDTH, 2)}\n" for line in _lines(found))


def _lines(found: Leakage) -> Iterator[str]:
    sides = (found.random, found.subject)
    yield from table([("", "images dealt at random", "dealt by subject"), *_rows(sides)], "<>")
    yield f"left column: {found.random.leaks}"
    yield ""
    yield _difference(found)
    for side in sides:
        chance, found_low = 1 / len(side.scores.recall), side.scores.balanced_accuracy.low
        if found_low is not None and found_low <= chance:
            yield f"split {side.split}: not shown to be better than naming one class, so it says little of a leak"
    yield "the interval is over subjects: that another training would end elsewhere is not in it"
    yield f"intervals over {counted(found.groups, found.unit)}: {found.subject.scores.interval_method}"
    yield "the best epoch of each network was chosen on the fold that it is judged by: both columns flatter a little"
    yield "research use, not a diagnosis"


def _rows(sides: tuple[Side, Side]) -> Iterator[tuple[str, ...]]:
    yield "accuracy", *(_told(side.scores.accuracy) for side in sides)
    yield "balanced accuracy", *(_told(side.scores.balanced_accuracy) for side in sides)
    yield "weighted F1", *(_told(side.scores.weighted_f1) for side in sides)
    facts = [side.crossings for side in sides]
    yield "subjects in two folds and more", *(f"{one.subjects_crossing:,} of {one.subjects:,}" for one in facts)
    yield "their images", *(f"{one.images_crossing:,} of {one.images:,}" for one in facts)
    yield "byte-identical pairs in two folds", *(f"{one.copies:,}" for one in facts)
    yield "nearly identical pairs in two folds", *(f"{one.near_pairs:,}" for one in facts)


def _told(found: Estimate) -> str:
    bounds = "no interval" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
    return f"{found.value:.3f} ({bounds})"


def _difference(found: Leakage) -> str:
    points = 100 * found.accuracy_difference
    if found.low is None or found.high is None:
        return f"the leak is worth {points:+.1f} points of accuracy; with one subject there is no interval"
    bounds = f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
    told = "" if not found.low <= 0 <= found.high else "; too few subjects to tell it from nothing"
    return f"the leak is worth {points:+.1f} points of accuracy ({bounds}){told}"
