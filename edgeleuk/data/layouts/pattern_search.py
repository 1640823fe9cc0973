"""A regular expression searched in many paths, in a process that can be ended: a search may take for ever."""

import re
from collections.abc import Sequence
from typing import Any

from edgeleuk.errors import UsageError
from edgeleuk.processes.child import answer, run_module
from edgeleuk.text import examples, shown

_TIMEOUT_S, _MS_PER_PATH = 20.0, 1.0
_LONGEST_PATH = 4096


def search_all(option: str, pattern: str, paths: Sequence[str]) -> list[dict[str, str | None] | None]:
    """The named groups of the first match in each path; None where there is no match. Raises UsageError if it hangs."""
    timeout_s = _TIMEOUT_S + _MS_PER_PATH * len(paths) / 1000
    outcome = run_module(__name__, {"pattern": pattern, "paths": list(paths)}, timeout_s=timeout_s)
    if outcome.failure is not None:
        raise UsageError(
            f"{option} {shown(pattern)} could not be searched in {len(paths):,} names such as {examples(paths, 1)}: "
            f"{outcome.failure}; a repetition inside a repetition, such as (a+)+, is what takes so long"
        )
    found: list[dict[str, str | None] | None] = outcome.answer
    return found


def _search(job: dict[str, Any]) -> list[dict[str, str | None] | None]:
    pattern = re.compile(job["pattern"])
    matches = (pattern.search(path) if len(path) <= _LONGEST_PATH else None for path in job["paths"])
    return [match.groupdict() if match else None for match in matches]


def main() -> None:
    """The child's side."""
    answer(_search)
