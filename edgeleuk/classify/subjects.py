"""Which subject an image is of, as far as its name tells."""

import re
from collections.abc import Callable

from edgeleuk.data.layouts.cnmc_names import name_facts
from edgeleuk.errors import UsageError
from edgeleuk.text import expect_utf8


def subject_finder(name: str | None = None, pattern: str | None = None) -> Callable[[str], str | None]:
    """From a path to its subject: always `name`, or group 1 of `pattern` anywhere in the path.

    With neither, the subject of a C-NMC name (UID_<subject>_...). None if the path does not tell. Bytes of a path
    that are no UTF-8 stand in its subject as \\udcXX: what differs stays different. Raises UsageError if both are
    given, pattern is not a regular expression with a group, or name is not UTF-8.
    """
    if name is not None and pattern is not None:
        raise UsageError("--subject and --subject-pattern cannot be combined")
    if name is not None:
        expect_utf8("--subject", name)
        return lambda path: name
    if pattern is None:
        return _of_cnmc
    expression = _compiled(pattern)
    return lambda path: _text(match[1]) if (match := expression.search(path)) else None


def _text(found: str | None) -> str | None:
    """As UTF-8 can hold it: the store takes nothing else."""
    return None if found is None else found.encode("utf-8", "backslashreplace").decode()


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--subject-pattern {pattern!r} is not a regular expression: {error}") from error
    if expression.groups < 1:
        raise UsageError(f"--subject-pattern {pattern!r} has no group; expected for example '/(P[0-9]+)/'")
    return expression


def _of_cnmc(path: str) -> str | None:
    facts = name_facts(path.rpartition("/")[2])
    return facts[0] if facts else None
