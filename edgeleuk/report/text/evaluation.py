"""An evaluation as text."""

import textwrap
from collections.abc import Iterator

from edgeleuk.data.shortcuts.text import HEAD, explained_text, how_text, rows_text
from edgeleuk.evaluation.evaluate import Evaluation, SubjectResult
from edgeleuk.evaluation.evaluated import Scored, caveats_of, named_scores
from edgeleuk.evaluation.reliability import Reliability
from edgeleuk.reliability import Interval
from edgeleuk.report.text.calibration import about_ece, score_rows, told
from edgeleuk.report.text.degraded import degraded_lines
from edgeleuk.text import counted, printable, table

_MOST_SUBJECTS = 20
_TERMINAL_WIDTH = 100


def render_text(evaluation: Evaluation) -> str:
    """The evaluation for a terminal, ending in a newline."""
    parts = (
        _head(evaluation),
        _scores(evaluation),
        _shortcuts(evaluation),
        _reliability(evaluation.reliability),
        _confusion(evaluation),
        _subjects(evaluation),
        () if evaluation.degraded is None else degraded_lines(evaluation.degraded),
        _notes(evaluation),
    )
    return "\n\n".join(text for part in parts if (text := "\n".join(map(printable, part)))) + "\n"


def scores_of(evaluation: Evaluation) -> dict[str, Scored | None]:
    """All scores under the names they are shown with, each with what has to be shown with it."""
    caveats = caveats_of(evaluation.notes)
    return named_scores(evaluation.scores, evaluation.classes, evaluation.positive_class, caveats)


def _head(evaluation: Evaluation) -> Iterator[str]:
    scores = evaluation.scores
    yield f"model     {evaluation.model}  (sha256 {evaluation.model_sha256[:16]})"
    seen = f"{evaluation.trained_images:,}" if evaluation.trained_images else "none"
    yield f"images    {scores.image_count:,} of split '{evaluation.split}', {seen} known to be seen in training"
    yield f"groups    {counted(scores.group_count, scores.bootstrap.unit)}"
    threshold = evaluation.decision.threshold
    rule = "the most probable class"
    if threshold is not None:
        rule = f"{evaluation.positive_class} from a probability of {threshold:g}"
    yield f"decision  {rule}"
    if evaluation.answered_first is not None:
        share = evaluation.answered_first / scores.image_count
        yield f"cascade   {evaluation.answered_first:,} images ({share:.1%}) answered by the first model"


def _scores(evaluation: Evaluation) -> Iterator[str]:
    scores, named = evaluation.scores, scores_of(evaluation)
    unit = f"{scores.bootstrap.unit}s"
    head = ("", "value", f"{scores.bootstrap.confidence:.0%} interval", unit)
    yield from table([head, *((name, *_score(found)) for name, found in named.items())], "<><>")
    if scores.has_intervals:
        yield from textwrap.wrap(f"intervals over {unit}: {scores.interval_method}", _TERMINAL_WIDTH)


def _score(found: Scored | None) -> tuple[str, str, str]:
    if found is None:
        return "n/a", "a class has no image", ""
    return f"{found.value:.3f}", found.bounds, f"{found.groups or 0:,}"


def _shortcuts(evaluation: Evaluation) -> Iterator[str]:
    """What colour reaches, with the model's accuracy above it."""
    found = evaluation.shortcuts
    if found is None:
        return
    accuracy = scores_of(evaluation)["accuracy"]
    head = ("what the accuracy is made of", *HEAD[1:4])
    rows = [row[:4] for row in rows_text(found)]
    yield from table([head, ("the model", "", *_score(accuracy)[:2]), *reversed(rows)], "<>")
    told = f"trivial features: {how_text(found)}; {explained_text(found, evaluation.scores.accuracy.value)}"
    yield from textwrap.wrap(told, _TERMINAL_WIDTH)


def _reliability(found: Reliability | None) -> Iterator[str]:
    """Calibration, at temperature 1 too if another one was fitted, and what conformal sets came to."""
    if found is None:
        return
    columns = {} if found.untempered is None else {"at temperature 1": found.untempered}
    yield from table(score_rows(columns | {"calibration": found.scores}), "<><><")
    yield about_ece(found.scores)
    if found.sets is not None:
        covered, uncertain = (
            told(Interval(e.value, e.low, e.high)) for e in (found.sets.covered, found.sets.uncertain)
        )
        yield f"sets of classes hold the right one in {covered} of images; {found.sets.asked:.1%} was asked for"
        yield f"uncertain: {uncertain} of images, whose set has more than one class"


def _confusion(evaluation: Evaluation) -> Iterator[str]:
    names = evaluation.classes
    widest, digits = max(map(len, names)), len(f"{evaluation.scores.image_count:,}")
    # Columns that would run out of the terminal have numbers for names.
    numbered = widest + (widest + 2) * len(names) > _TERMINAL_WIDTH
    heads = [str(number + 1) for number in range(len(names))] if numbered else list(names)
    sides = [f"{head} {name}" for head, name in zip(heads, names, strict=True)] if numbered else heads
    width = max(*map(len, heads), digits)
    yield "truth \\ predicted"
    counts = ([f"{count:{width},}" for count in row] for row in evaluation.scores.confusion)
    yield from table([["", *heads], *([name, *row] for name, row in zip(sides, counts, strict=True))])


def _subjects(evaluation: Evaluation) -> Iterator[str]:
    """The subjects with the lowest accuracy first."""
    rows = sorted(evaluation.subjects, key=lambda row: (row.accuracy, row.mean_label_probability))
    if not rows:
        return
    head = ("subject", "label", "images", "correct", "accuracy", "mean p(label)")
    yield from table([head, *map(_subject, rows[:_MOST_SUBJECTS])], "<<>")
    if len(rows) > _MOST_SUBJECTS:
        yield f"and {len(rows) - _MOST_SUBJECTS:,} more with higher accuracy (--json has them all)"


def _subject(row: SubjectResult) -> tuple[str, ...]:
    counts = f"{row.images:,}", f"{row.correct:,}"
    return row.subject, "/".join(row.labels), *counts, f"{row.accuracy:.3f}", f"{row.mean_label_probability:.3f}"


def _notes(evaluation: Evaluation) -> Iterator[str]:
    for note in evaluation.notes:
        yield from textwrap.wrap(f"note: {note}", _TERMINAL_WIDTH, subsequent_indent="      ", break_on_hyphens=False)
