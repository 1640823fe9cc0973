"""From what a user wrote to a filter: times, models by name, and what exists when nothing matches."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo

from edgeleuk.errors import UsageError
from edgeleuk.spec import shown_names
from edgeleuk.store.answers import Answered, Answers
from edgeleuk.store.filters import alike
from edgeleuk.store.record import ModelIdentity
from edgeleuk.store.times import since as since_when
from edgeleuk.store.times import until as until_when
from edgeleuk.store.values import Filter
from edgeleuk.text import counted, expect_utf8, printable, shown, suggestion

EVERY_MODEL = "all"
_SHORT_HASH = re.compile(r"[0-9a-f]{8,64}")


def make_filter(
    since: str | None = None, until: str | None = None, zone: tzinfo | None = None, **others: str | bool | None
) -> Filter:
    """A filter of what a user wrote; a `zone` of None is the device's. Raises UsageError for no time and no UTF-8."""
    for name, value in others.items():
        if isinstance(value, str):
            expect_utf8(f"--{name}", value)
    first = None if since is None else _time("since", since_when, since, zone)
    end = None if until is None else _time("until", until_when, until, zone)
    if first is not None and end is not None and first >= end:
        raise UsageError(f"nothing lies between since {since} and until {until}; expected since to be before until")
    return Filter(since=first, until=end, **others)  # type: ignore[arg-type]


def checked_filter(store: Answers, wanted: Filter, model: str | None = None, classes: Iterable[str] = ()) -> Filter:
    """The filter, with the SHA-256 of a model that was named. Raises UsageError.

    Raises it also for a label that no result has and no model knows, `classes` included, for that is a mistake. A
    subject that has no result yet is none: see `empty_because`.
    """
    if wanted.label is not None:
        known = sorted({*store.labels(), *classes})
        if known and not alike(wanted.label, known):
            wanted = replace(wanted, label=_class_shown_as(store, wanted.label, known))
    return wanted if model is None else replace(wanted, model_sha256=model_named(store, model))


def _class_shown_as(store: Answers, text: str, known: list[str]) -> str:
    """The class that people see under that name: what a table shows can be asked for. Raises UsageError."""
    models = [model.display_names for model in store.models().values()] or [shown_names(known, {})]
    found = {name for names in models for name, other in names.items() if alike(text, [other])}
    if len(found) != 1:
        others = {other for names in models for other in names.values()}
        raise UsageError(f"no result can have the label {shown(text)}{suggestion(text, sorted({*known, *others}))}")
    return found.pop()


def model_named(store: Answers, text: str) -> str:
    """SHA-256 of the model that is meant: by its hash, by the beginning of it, or by its file's name.

    Raises UsageError if none is, or several are.
    """
    answered = store.answered()
    known = {found.sha256 for found in answered} | set(store.models())
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return text
    found = {sha256 for sha256 in known if _SHORT_HASH.fullmatch(text) and sha256.startswith(text)}
    found |= {sha256 for sha256, model in store.models().items() if model.name == text}
    if len(found) == 1:
        return found.pop()
    if found:
        raise UsageError(f"several models match {shown(text)}: {', '.join(sorted(found))}; give one of these hashes")
    names = [model.name for model in store.models().values()]
    there = suggestion(text, names) if names else "; expected 64 hex digits"
    raise UsageError(f"no model {shown(text)} answered here{there}")


def named(model: Answered) -> str:
    """A model for people: name of its file and the beginning of its hash."""
    name = printable(model.model.name) if model.model else "a model whose file is not known"
    return f"{name} ({model.sha256[:12]})"


def model_column(model: ModelIdentity | None, sha256: str) -> str:
    """Its name and the beginning of its hash: on a device every model is called model.tflite."""
    return f"{printable(model.name) if model else 'model'} ({sha256[:8]})" if sha256 else "-"


def empty_because(store: Answers, wanted: Filter) -> str:
    """Why no result matches, and what there is: one sentence."""
    total = store.count()
    if total == 0:
        failed = store.count_failures()
        return (
            f"no result yet, but {counted(failed, 'failure')}: --failures lists them"
            if failed
            else f"the {store.kind} is empty"
        )
    if wanted.subject is not None:
        known = store.subject_names()
        if not alike(wanted.subject, known):
            return f"no result of subject {shown(wanted.subject)}{suggestion(wanted.subject, known)}"
    if wanted == Filter():
        return f"the {store.kind} is empty"
    return f"none of the {total} results fits all filters"


def _time(name: str, read: object, text: str, zone: tzinfo | None) -> str:
    try:
        return read(text, zone)  # type: ignore[operator,no-any-return]
    except ValueError as error:
        raise UsageError(f"{name} {shown(text)} is not a time; expected {error}") from error
