"""A model on degraded pictures, as text."""

from collections.abc import Iterator

from edgeleuk.evaluation.degraded import Degraded, DegradedRow
from edgeleuk.text import counted, percent, table

HEAD = (
    *("picture", "severity", "accuracy", "95 % interval"),
    *("confidence", "overconfident", "ECE", "by chance", "kept apart", "of the rest"),
)


def degraded_lines(found: Degraded) -> Iterator[str]:
    """A table of all rows, and what its columns are."""
    yield f"degraded pictures: {counted_text(found)}"
    yield from table([HEAD, *degraded_cells(found)], "<>")
    yield from explanations(found)


def counted_text(found: Degraded) -> str:
    """How many pictures were drawn of how many."""
    drawn = "" if found.images == found.of_images else f" of {found.of_images:,}, drawn over classes, seed {found.seed}"
    return f"{counted(found.images, 'image')}{drawn}, each in {len(found.rows) - 1} changes"


def explanations(found: Degraded) -> Iterator[str]:
    """What the columns are."""
    yield f"intervals over {found.unit}s; confidence: mean probability of the answers, overconfident: less accuracy"
    yield "ECE: expected calibration error, by chance: what it would be on average if every probability were right"
    if found.as_it_is.kept_apart is None:
        yield "kept apart: not known of a run, which has no input gate; 'edgeleuk convert' makes a file that has one"
    elif found.gated:
        yield "kept apart: by the input gate; of the rest: accuracy on what was not, and on how many"
    else:
        yield "kept apart: only empty pictures, as the file has no input gate; of the rest: accuracy on all others"


def degraded_cells(found: Degraded) -> Iterator[tuple[str, ...]]:
    """The cells of each row, under `HEAD`."""
    return (_cells(row, found.images) for row in found.rows)


def _rest(row: DegradedRow, images: int) -> str:
    """The accuracy on what was not kept apart, and on how many: of a few it says next to nothing."""
    if row.kept_accuracy is None or row.kept_apart is None:
        return "-"
    return f"{row.kept_accuracy:.3f} of {round((1 - row.kept_apart) * images):,}"


def _cells(row: DegradedRow, images: int) -> tuple[str, ...]:
    accuracy = row.accuracy
    return (
        f"{row.kind}, {row.told}" if row.told else row.kind,
        f"{row.severity}" if row.severity else "",
        f"{accuracy.value:.3f}",
        "no interval" if accuracy.low is None else f"{accuracy.low:.3f} to {accuracy.high:.3f}",
        f"{row.confidence:.3f}",
        f"{row.overconfidence:+.3f}",
        f"{row.ece:.3f}",
        f"{row.chance_ece:.3f}",
        "-" if row.kept_apart is None else percent(round(row.kept_apart, 3)),
        _rest(row, images),
    )
