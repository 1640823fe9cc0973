"""Labels, subjects and parts of images from a table that lies beside them or elsewhere."""

import os
from collections.abc import Sequence
from pathlib import Path

from edgeleuk.data.labels import LabelSource
from edgeleuk.data.layouts.columns import columns_of
from edgeleuk.data.layouts.facts import Facts, Told, is_no_label, is_unknown, part_of
from edgeleuk.data.layouts.matching import Finder
from edgeleuk.data.layouts.table import Table, read_table
from edgeleuk.errors import DataError
from edgeleuk.text import counted, examples, shown

_FOLLOWING = ("label", "subject", "split")


def facts_by_table(source: LabelSource, table: Path, paths: Sequence[str], root: Path) -> Told:
    """What the table says of each image file; files without a row are left out.

    Raises UsageError for columns that are not found, DataError for a table that cannot be read, an empty label, a file
    with two rows that contradict each other, a path that several files may be, and if no row is of a file here.
    """
    read = read_table(table)
    given = {role: getattr(source, f"{role}_column") for role in ("path", *_FOLLOWING)}
    if source.subject_pattern is not None:
        del given["subject"]
    columns = columns_of(table, read.header, given)
    rows = _Rows(read, columns, Finder(paths, root, table.absolute().parent))
    dropped = rows.parts_are_none(source.split_column)
    facts = rows.facts()
    reason = f"without a row in {table.name}"
    inside = os.path.relpath(os.path.realpath(table), os.path.realpath(root)).replace(os.sep, "/")
    return Told(
        facts,
        notes=(_taken(read, columns, given, dropped),),
        problems=tuple(rows.problems(facts)),
        left_out=tuple((path, reason) for path in paths if path not in facts),
        tables=frozenset({inside}),
    )


class _Rows:
    """The rows of a table with what they mean."""

    def __init__(self, table: Table, columns: dict[str, int], finder: Finder) -> None:
        self._table, self._columns, self._finder = table, columns, finder
        self._missing: list[str] = []
        self._twice: list[str] = []

    def parts_are_none(self, named: str | None) -> str | None:
        """Leave out a guessed split column that holds no part, and name it. Raises DataError if it holds some."""
        if "split" not in self._columns:
            return None
        number = self._columns["split"]
        odd = [(line, cells[number]) for line, cells in self._table.rows if part_of(cells[number]) is None]
        if not odd:
            return None
        if named is None and len(odd) == len(self._table.rows):
            del self._columns["split"]
            return self._table.header[number]
        line, word = odd[0]
        expected = "expected train, val, test or the number of a fold"
        raise DataError(f"{self._table.path}, line {line}: split {shown(word)}; {expected}")

    def facts(self) -> dict[str, Facts]:
        """By path of the image file; see `facts_by_table` for what is raised."""
        found: dict[str, tuple[int, Facts]] = {}
        self._refuse_empty()
        for line, cells in self._table.rows:
            path = self._file_of(line, cells[self._columns["path"]])
            if path is None:
                continue
            told = self._facts_of(cells)
            before, known = found.setdefault(path, (line, told))
            if known != told:
                raise DataError(
                    f"{self._table.path}, lines {before} and {line}: {path} is {_said(known)} and {_said(told)}; keep "
                    "one row a file"
                )
            if before != line:
                self._twice.append(path)
        if not found:
            raise DataError(
                f"{self._table.path}: none of its {counted(len(self._table.rows), 'row')} is of an image here; "
                f"column {shown(self._table.header[self._columns['path']])} holds {examples(self._missing)}"
            )
        return {path: facts for path, (_, facts) in found.items()}

    def _refuse_empty(self) -> None:
        for role in ("path", "label"):
            number = self._columns[role]
            lines = [
                line
                for line, cells in self._table.rows
                if _lacks(role, cells[number]) and not (role == "label" and self._tests(cells))
            ]
            if lines:
                raise DataError(
                    f"{self._table.path}: {counted(len(lines), 'row')} without a {role} in column "
                    f"{shown(self._table.header[number])} (line {examples(lines)}); fill it in, or leave the row out"
                )

    def _tests(self, cells: Sequence[str]) -> bool:
        """Whether a row is of the test part, which competitions give without labels."""
        return "split" in self._columns and part_of(cells[self._columns["split"]]) == "test"

    def _file_of(self, line: int, told: str) -> str | None:
        found = self._finder.find(told)
        if len(found) > 1:
            raise DataError(
                f"{self._table.path}, line {line}: {shown(told)} may be {examples(found)}; write more of the path"
            )
        if not found:
            self._missing.append(told)
        return found[0] if found else None

    def _facts_of(self, cells: Sequence[str]) -> Facts:
        label, subject, part = (cells[self._columns[role]] if role in self._columns else None for role in _FOLLOWING)
        known = None if subject is None or is_unknown(subject) else subject
        return Facts(
            None if label is None or is_no_label(label) else label, known, None if part is None else part_of(part)
        )

    def problems(self, facts: dict[str, Facts]) -> list[str]:
        """Sentences on rows without a file, rows that stand twice, and subjects."""
        name, problems = self._table.path.name, []
        if self._missing:
            problems.append(
                f"{name} names {counted(len(self._missing), 'file')} that are no images here, left out: "
                f"{examples(self._missing)}"
            )
        if self._twice:
            problems.append(
                f"{name} says the same in {counted(len(self._twice), 'row')} once more: {examples(self._twice)}"
            )
        if "subject" in self._columns:
            problems += _about_subjects(name, self._table.header[self._columns["subject"]], facts)
        return problems


def _lacks(role: str, cell: str) -> bool:
    return is_no_label(cell) if role == "label" else not cell


def _about_subjects(name: str, column: str, facts: dict[str, Facts]) -> list[str]:
    without = [path for path, told in facts.items() if told.subject is None]
    if without:
        return [
            f"{name} names no subject of {len(without):,} of {counted(len(facts), 'image')}, so that they do not "
            f"count as known: {examples(without)}"
        ]
    if len({told.subject for told in facts.values()}) == len(facts) > 2:
        return [
            f"each image has a subject of its own in column {shown(column)} of {name}: if that is the image's name and "
            "no subject, say the right one with --subject-column"
        ]
    return []


def _said(facts: Facts) -> str:
    told = {"labelled": facts.label, "of subject": facts.subject, "in part": facts.part}
    return ", ".join(f"{what} {shown(value)}" for what, value in told.items() if value is not None)


def _taken(table: Table, columns: dict[str, int], given: dict[str, str | None], dropped: str | None) -> str:
    """'labels.csv: path from column 'filename' (guessed), label ...'."""
    named = [
        f"{role} from column {shown(table.header[number])}{'' if given.get(role) else ' (guessed)'}"
        for role, number in columns.items()
    ]
    unused = f"; column {shown(dropped)} names no parts and is not used" if dropped else ""
    return f"{table.path.name}: {', '.join(named)}{unused}"
