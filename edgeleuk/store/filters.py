"""A filter as a condition of SQL, the same for a store and for an archive: both have these columns.

Subjects and labels are compared as people read them: no case, no two forms of one accent.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from edgeleuk.store.values import Filter

HELD_LABEL = "coalesce(corrected_label, label)"
Known = Callable[[str], Iterable[str]]  # the values that a column has


def folded(text: str) -> str:
    """What two names that read alike have in common."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())


def alike(text: str, known: Iterable[str]) -> list[str]:
    """Those of `known` that read like text."""
    wanted = folded(text)
    return [name for name in known if folded(name) == wanted]


def condition(
    wanted: Filter, known: Known, moment: Callable[[str], object] = lambda text: text
) -> tuple[str, list[object]]:
    """The WHERE clause of a filter and its values; `known` tells which values "subject" and HELD_LABEL have.

    `moment`: a time of the filter as the column `created` has it.
    """
    tests: list[str] = []
    values: list[object] = []
    for test, value in (
        ("created >= ?", None if wanted.since is None else moment(wanted.since)),
        ("created < ?", None if wanted.until is None else moment(wanted.until)),
        ("model_sha256 = ?", wanted.model_sha256),
        ("source = ?", wanted.source),
    ):
        if value is not None:
            tests.append(test)
            values.append(value)
    for column, text in (("subject", wanted.subject), (HELD_LABEL, wanted.label)):
        if text is not None:
            found = alike(text, known(column))
            tests.append(_one_of(column, found))
            values += found
    if wanted.no_subject:
        tests.append("subject IS NULL")
    for column, with_it in (("warnings", wanted.warnings), ("corrected_label", wanted.corrected)):
        if with_it is not None:
            tests.append(f"{column} IS {'NOT ' if with_it else ''}NULL")
    return " AND ".join(tests) or "1 = 1", values


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})" if values else "1 = 0"
