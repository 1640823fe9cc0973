"""Where labels, subjects and parts of images are said, if not by their folders: in a table, or in the files' names."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.text import shown

LONGEST_PATTERN = 1000


@dataclass(frozen=True)
class LabelSource:
    """What the options --labels, --label-pattern and their kin say; without any, a folder's layout says it all.

    `table` is a CSV or TSV file; the columns are guessed where they are None. Patterns are regular expressions with the
    groups `label`, `subject` and `split`, searched in each path relative to the folder. `class_names`: the class that
    each label stands for. `class_level`: which level of folders names the classes, 1 for those directly below the root.
    Raises UsageError for what contradicts itself, and for a pattern that cannot be used.
    """

    table: Path | None = None
    path_column: str | None = None
    label_column: str | None = None
    subject_column: str | None = None
    split_column: str | None = None
    label_pattern: str | None = None
    subject_pattern: str | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)
    class_level: int | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if the parts do not fit each other."""
        columns = {name: getattr(self, f"{name}_column") for name in ("path", "label", "subject", "split")}
        given = next((name for name, column in columns.items() if column is not None), None)
        if given and self.table is None:
            raise UsageError(f"--{given}-column is a column of --labels; give the table, too")
        if self.table is not None and self.label_pattern is not None:
            raise UsageError("--labels and --label-pattern both say the labels; give one of them")
        if self.subject_column is not None and self.subject_pattern is not None:
            raise UsageError("--subject-column and --subject-pattern both say the subjects; give one of them")
        if self.class_level is not None and self.says_labels:
            raise UsageError("--class-level says which folders are the classes, and the labels are told; give one")
        if self.class_level is not None and self.class_level < 1:
            raise UsageError(f"the class level is {self.class_level}; expected 1 or more")
        for name in ("label", "subject"):
            check_pattern(f"--{name}-pattern", getattr(self, f"{name}_pattern"), name)
        if self.label_pattern and self.subject_pattern and "subject" in re.compile(self.label_pattern).groupindex:
            raise UsageError("--label-pattern has a group 'subject' and --subject-pattern, too; keep one of them")

    @property
    def says_labels(self) -> bool:
        """Whether the labels are none of the folders'."""
        return self.table is not None or self.label_pattern is not None

    @property
    def layout(self) -> str:
        """What a scan calls the layout: "table" or "names"."""
        return "table" if self.table is not None else "names"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said, so that the layout of a folder says it all."""
        return not (self.says_labels or self.subject_pattern or self.class_names or self.class_level)


def check_pattern(option: str, pattern: str | None, group: str) -> None:
    """Raise UsageError, which names the option, if a pattern is no regular expression, too long, or lacks the group."""
    if pattern is None:
        return
    if len(pattern) > LONGEST_PATTERN:
        raise UsageError(f"{option} has {len(pattern):,} characters; at most {LONGEST_PATTERN:,} are taken")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of "[[", which means what it says in this Python
            groups = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"{option} {shown(pattern)} is not a regular expression: {error}; expected one such as (?P<{group}>[a-z]+)_"
        ) from error
    if group not in groups.groupindex:
        first = "its group needs the name" if groups.groups == 1 and not groups.groupindex else "write it around"
        raise UsageError(
            f"{option} {shown(pattern)} has no group called '{group}'; {first} what the {group} is: (?P<{group}>...)"
        )


def parse_class_names(text: str) -> dict[str, str]:
    """Names of classes by label from "0=hem,1=all". Raises UsageError."""
    names: dict[str, str] = {}
    for part in text.split(","):
        label, equals, name = (piece.strip() for piece in part.partition("="))
        if not (label and equals and name):
            raise UsageError(
                f"--class-names {shown(text)}: {shown(part)} is not LABEL=NAME; expected such as 0=hem,1=all"
            )
        if names.setdefault(label, name) != name:
            raise UsageError(f"--class-names gives label {shown(label)} two names, {names[label]} and {name}; keep one")
    return names


NOTHING_SAID = LabelSource()
