"""The subjects of a store, one model at a time: what two models say of one cell is no second cell."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.spec import shown_names
from edgeleuk.store.answers import Answers
from edgeleuk.store.asking import EVERY_MODEL, model_column, model_named, named
from edgeleuk.store.times import device_zone, local
from edgeleuk.store.values import SubjectSummary
from edgeleuk.subjects.errors_known import KnownErrors, errors_of_bundle, errors_of_evaluation
from edgeleuk.subjects.text import SIDES, SubjectRow, head, notes
from edgeleuk.text import table

_NOT_GIVEN = KnownErrors(
    None, None, "none were given ('--error-rates' takes the model's file or a folder of 'edgeleuk evaluate -o')"
)


@dataclass(frozen=True)
class Sums:
    """Which model's sums ("all": each one's), where its error rates come from, and how wide an interval may be."""

    model: str | None = None
    errors_from: Path | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if the request does not fit together."""
        if self.model == EVERY_MODEL and self.errors_from is not None:
            raise UsageError("--error-rates are of one model; leave --model all out")


def subjects_lines(store: Answers, asked: Sums, as_table: bool) -> Iterator[str]:
    """The sums of one model, the one that answered last unless another is named, or of each; JSON unless as a table."""
    answered = store.answered()
    errors, of = _errors(asked.errors_from)
    newest = answered[0].sha256 if answered else ""
    chosen = None if asked.model == EVERY_MODEL else model_named(store, asked.model) if asked.model else of or newest
    if of is not None and chosen != of:
        raise UsageError(f"the error rates are of the model {of[:12]}, not of {str(chosen)[:12]}: its own are needed")
    if of is not None and of not in {found.sha256 for found in answered}:
        raise UsageError(f"{store.path} holds no result of the model {of[:12]}, of which these error rates are")
    rows = [(found, _row(found, errors, asked.width)) for found in store.subjects(chosen)]
    if not as_table:
        yield from (json.dumps(found.to_dict() | row.to_dict() | {"errors": errors.sentence}) for found, row in rows)
        return
    first = next((found for found, _ in rows), None)
    names = _shown(first) if first else {}
    columns = [(*row.columns(_shown(found)), *_when(found)) for found, row in rows]
    yield from table([(*head(errors, names, asked.width), *_when_head()), *columns], f"{SIDES}<")
    yield from notes([row for _, row in rows], errors)
    if not answered:
        yield "no picture has been answered yet" if rows else f"the {store.kind} is empty"
        return
    if chosen is None:
        told = "each of the models, by itself"
    else:
        which = next((named(found) for found in answered if found.sha256 == chosen), chosen[:12])
        told = f"{which}{', which answered last' if chosen == newest and not (asked.model or of) else ''}"
    others = [named(found) for found in answered if found.sha256 != chosen]
    more = f"; others (--model NAME or --model all): {', '.join(others)}" if others and chosen is not None else ""
    yield f"counted: results of {told}{more}"
    yield RESEARCH_USE


def _errors(source: Path | None) -> tuple[KnownErrors, str | None]:
    """The model's errors, and the SHA-256 of the model file that they are of."""
    if source is None:
        return _NOT_GIVEN, None
    if source.is_dir():
        return errors_of_evaluation(source)
    bundle = read_bundle(source)
    return errors_of_bundle(bundle, source), bundle.sha256


def _row(found: SubjectSummary, errors: KnownErrors, width: float | None) -> SubjectRow:
    classes = found.model.classes if found.model else list(found.labels)
    return SubjectRow.of(found.cells, classes, errors, width)


def _shown(found: SubjectSummary) -> Mapping[str, str]:
    return found.model.display_names if found.model else shown_names(list(found.labels), {})


def _when_head() -> tuple[str, ...]:
    return f"first ({device_zone()})", "last", "model", "labels"


def _when(found: SubjectSummary) -> tuple[str, ...]:
    shown = _shown(found)
    labels = ", ".join(f"{shown.get(label, label)} {count}" for label, count in sorted(found.labels.items()))
    return local(found.first), local(found.last), model_column(found.model, found.model_sha256), labels
