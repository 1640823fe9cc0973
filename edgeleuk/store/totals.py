"""From counts of results and of failures to a summary of each subject, the same for a store and for an archive."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgeleuk.store.record import ModelIdentity
from edgeleuk.store.values import SubjectSummary, Unanswered


def summaries(
    results: Iterable[Sequence[Any]],
    failures: Iterable[Sequence[Any]],
    models: Mapping[str, ModelIdentity],
    model_sha256: str | None,
) -> list[SubjectSummary]:
    """One summary for each subject and model, by name; with `model_sha256` also of subjects without any answer.

    `results`: rows of subject, SHA-256 of the model, label that holds, the field of a summary that they count in, how
    many, first and last time. `failures`: rows of subject, whether a gate refused them, how many, first and last time.
    """
    found: dict[tuple[str | None, str], SubjectSummary] = {}
    for subject, sha256, label, how, count, first, last in results:
        so_far = found.get((subject, sha256)) or SubjectSummary(
            subject, first, last, model_sha256=sha256, model=models.get(sha256)
        )
        found[subject, sha256] = replace(
            so_far, first=min(first, so_far.first), last=max(last, so_far.last), **so_far.more(how, label, count)
        )
    unanswered = _by_subject(failures)
    if model_sha256 is not None:
        for subject, missing in ((name, each) for name, each in unanswered.items() if name is not None):
            found.setdefault((subject, model_sha256), _nothing_of(missing, model_sha256, models.get(model_sha256)))
    known = [each.also(unanswered.get(each.subject, ())) for each in found.values()]
    return sorted(known, key=lambda each: (each.subject is not None, each.subject or "", each.model_sha256))


def _by_subject(rows: Iterable[Sequence[Any]]) -> dict[str | None, list[Unanswered]]:
    """Of each subject the pictures that no model answered, those refused and those that failed."""
    found: dict[str | None, list[Unanswered]] = {}
    for subject, refused, count, first, last in rows:
        found.setdefault(subject, []).append(Unanswered(subject, bool(refused), count, first, last))
    return found


def _nothing_of(missing: Sequence[Unanswered], sha256: str, model: ModelIdentity | None) -> SubjectSummary:
    """The summary of a subject that a model answered nothing of."""
    first, last = min(each.first for each in missing), max(each.last for each in missing)
    return SubjectSummary(missing[0].subject, first, last, model_sha256=sha256, model=model)
