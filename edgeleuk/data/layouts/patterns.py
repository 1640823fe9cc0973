"""Labels and subjects from the names of files, by regular expressions that the user gives."""

import re
from collections.abc import Sequence

from edgeleuk.data.layouts.facts import Facts, Told, is_unknown, part_of
from edgeleuk.data.layouts.pattern_search import search_all
from edgeleuk.errors import DataError, UsageError
from edgeleuk.text import counted, examples, shown

NO_MATCH = "which --label-pattern does not match"


def facts_by_label_pattern(pattern: str, paths: Sequence[str]) -> Told:
    """Label, and subject and part if the pattern has such groups; what does not match is left out.

    Raises DataError if no path matches, UsageError for a split that is none or a pattern that takes too long.
    """
    facts: dict[str, Facts] = {}
    missed: list[str] = []
    for path, groups in zip(paths, search_all("--label-pattern", pattern, paths), strict=True):
        label = ((groups or {}).get("label") or "").strip()
        if not label or groups is None:
            missed.append(path)
            continue
        subject = (groups.get("subject") or "").strip()
        facts[path] = Facts(label, None if is_unknown(subject) else subject, _part(pattern, path, groups))
    if not facts:
        raise DataError(_nothing("--label-pattern", pattern, paths))
    named = re.compile(pattern).groupindex
    without = [path for path, told in facts.items() if told.subject is None]
    problems = [_unnamed("--label-pattern", without, facts)] if "subject" in named and without else []
    return Told(facts, problems=tuple(problems), left_out=tuple((path, NO_MATCH) for path in missed))


def subjects_by_pattern(pattern: str, paths: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The subject of each path that matches, and a problem if not all do. Raises DataError if none does."""
    subjects = {}
    for path, groups in zip(paths, search_all("--subject-pattern", pattern, paths), strict=True):
        subject = ((groups or {}).get("subject") or "").strip()
        if not is_unknown(subject):
            subjects[path] = subject
    if not subjects:
        raise DataError(_nothing("--subject-pattern", pattern, paths))
    without = [path for path in paths if path not in subjects]
    return subjects, [_unnamed("--subject-pattern", without, paths)] if without else []


def _part(pattern: str, path: str, groups: dict[str, str | None]) -> str | None:
    word = groups.get("split")
    if word is None:
        return None
    part = part_of(word)
    if part is None:
        raise UsageError(
            f"--label-pattern {shown(pattern)} takes {shown(word)} of {path} for the split; expected train, val, test "
            "or the number of a fold"
        )
    return part


def _nothing(option: str, pattern: str, paths: Sequence[str]) -> str:
    return (
        f"{option} {shown(pattern)} matches none of {counted(len(paths), 'name')}, such as {examples(paths)}; it is "
        "searched anywhere in the path below the folder"
    )


def _unnamed(option: str, without: Sequence[str], paths: "Sequence[str] | dict[str, Facts]") -> str:
    return (
        f"{len(without):,} of {counted(len(paths), 'image')} have no subject by {option}, so that no subject counts as "
        f"known for all: {examples(without)}"
    )
