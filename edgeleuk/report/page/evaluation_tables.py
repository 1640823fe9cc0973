"""An evaluation's tables as plain rows, which every format renders: scores, confusion matrix, subjects."""

from edgeleuk.evaluation.evaluated import Evaluated
from edgeleuk.report.page.summary import Table
from edgeleuk.text import shortened

_MOST_SUBJECTS = 30


def evaluation_tables(found: Evaluated) -> tuple[Table, ...]:
    """Scores, confusion matrix, and subjects if they are known."""
    tables = (scores_table(found), confusion_table(found), subjects_table(found))
    return tuple(table for table in tables if table is not None)


def scores_table(found: Evaluated) -> Table:
    """Every score with its interval, how many subjects it rests on, and below it what limits all of them."""
    rows = tuple(
        (name, "-", "a class has no image", "-")
        if score is None
        else (name, f"{score.value:.3f}", score.bounds, "-" if score.groups is None else f"{score.groups:,}")
        for name, score in found.named.items()
    )
    unit = f"{found.scores.bootstrap.unit}s"
    confidence = f"{found.scores.bootstrap.confidence:.0%}".replace("%", " %")
    title = f"{found.model}: scores on {found.images:,} images of split '{found.split}'"
    return Table(title, ("score", "value", f"{confidence} interval", unit), rows, found.caveats)


def confusion_table(found: Evaluated) -> Table:
    """Images by truth, a row each, and by what the model answered."""
    heads = tuple(f"answered {name}" for name in found.classes)
    rows = tuple(
        (name, *(f"{count:,}" for count in row), f"{sum(row):,}")
        for name, row in zip(found.classes, found.scores.confusion, strict=True)
    )
    return Table(f"{found.model}: confusion matrix, images", ("truth", *heads, "images"), rows)


def subjects_table(found: Evaluated) -> Table | None:
    """Those with the lowest accuracy first; None if none is known."""
    ordered = sorted(found.subjects, key=lambda row: (row.accuracy, row.subject))
    rows = tuple(
        (
            shortened(row.subject),
            shortened(", ".join(row.labels)),
            f"{row.correct:,} of {row.images:,}",
            f"{row.accuracy:.3f}",
        )
        for row in ordered[:_MOST_SUBJECTS]
    )
    more = len(ordered) - len(rows)
    notes = (f"and {more:,} more with higher accuracy",) if more else ()
    return Table(f"{found.model}: subjects", ("subject", "label", "right", "accuracy"), rows, notes) if rows else None
