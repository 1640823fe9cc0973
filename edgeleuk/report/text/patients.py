"""What an evaluation says of subjects, as text."""

from collections.abc import Iterator

from edgeleuk.evaluation.patients import HeldOutSubject, PatientLevel
from edgeleuk.spec import shown_names
from edgeleuk.statistics.patient_roc import LEAST_PATIENTS, PatientRoc
from edgeleuk.subjects.text import SIDES, head, notes
from edgeleuk.text import printable, table, wrapped

_WIDTH = 100


def render_patients(found: PatientLevel) -> str:
    """How well subjects are told apart and, if their shares were asked for, every subject; ending in a newline."""
    roc = wrapped(printable(roc_sentence(found)), _WIDTH, 6)
    return "".join(f"{line}\n" for line in (roc, *map(printable, _lines(found))))


def roc_sentence(found: PatientLevel) -> str:
    """AUROC over subjects with its interval, or why there is none."""
    if not found.subjects:
        return "patient level: no subject is known"
    if found.roc is None:
        why = "every subject has cells of several classes" if found.mixed else "no class is the positive one"
        return f"patient level: no ROC curve, since {why}"
    left = f"; {found.mixed:,} with cells of both are left out" if found.mixed else ""
    return f"patient level: {_auroc(found.roc)}{left}"


def _auroc(roc: PatientRoc) -> str:
    sides = f"{roc.positive:,} positive and {roc.negative:,} other subjects"
    if roc.auroc is None:
        return f"no ROC curve of {sides}"
    ranked = f"AUROC {roc.auroc:.3f}"
    if roc.low is None or roc.high is None:
        return (
            f"too few for a statement: {sides}, {LEAST_PATIENTS} of each are needed ({ranked} without an interval, by "
            f"the {roc.score})"
        )
    return f"{ranked} ({roc.low:.3f} to {roc.high:.3f}) over {sides}, by the {roc.score}"


def _lines(found: PatientLevel) -> Iterator[str]:
    if found.errors is None:
        return
    shown = shown_names(found.classes, {})
    rows = [(*one.row.columns(shown), _labels(one)) for one in found.subjects]
    yield ""
    yield from table([(*head(found.errors, shown, found.width), "by labels"), *rows], f"{SIDES}>")
    yield from notes([one.row for one in found.subjects], found.errors)
    if found.judged:
        yield f"{found.held:,} of {found.judged:,} intervals hold the share that the labels say"


def _labels(one: HeldOutSubject) -> str:
    return "" if one.label_share is None else f"{one.label_share:.2f}"
