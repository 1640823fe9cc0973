"""What was classified, summed by subject: each content once, as a store would count it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.classify.model import Model
from edgeleuk.classify.rows import Row
from edgeleuk.errors import ImageError
from edgeleuk.runtime.decision import REFUSED
from edgeleuk.sources.reading import hash_regular
from edgeleuk.store.record import Result
from edgeleuk.subjects.cells import ABSTAINED, SubjectCells
from edgeleuk.subjects.errors_known import KnownErrors, errors_of_evaluation
from edgeleuk.subjects.text import SIDES, SubjectRow, head, notes
from edgeleuk.text import table


@dataclass
class _Sums:
    answered: dict[str, int] = field(default_factory=dict)
    by_person: dict[str, int] = field(default_factory=dict)
    abstained: int = 0
    refused: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        if result.corrected_label is not None:
            self.by_person[result.corrected_label] = self.by_person.get(result.corrected_label, 0) + 1
        elif not result.warnings:
            self.answered[result.label] = self.answered.get(result.label, 0) + 1
        elif result.warnings == (ABSTAINED,):
            self.abstained += 1
        else:
            self.refused += 1


class BySubject:
    """Rows go through it and are counted on the way."""

    def __init__(self) -> None:
        """Nothing counted yet."""
        self._sums: dict[str | None, _Sums] = {}
        self._seen: set[str] = set()

    def counted(self, rows: Iterable[Row | None]) -> Iterator[Row | None]:
        """Yield the rows as they come."""
        for row in rows:
            if row is not None and self._is_new(row):
                sums = self._sums.setdefault(row.subject if row.result is None else row.result.subject, _Sums())
                if row.result is not None:
                    sums.add(row.result)
                elif (row.error or "").startswith(REFUSED):
                    sums.refused += 1
                else:
                    sums.failed += 1
            yield row

    def cells(self) -> list[SubjectCells]:
        """Of each subject by name, cells of unknown subjects first."""
        names = sorted(self._sums, key=lambda name: (name is not None, name or ""))
        return [SubjectCells(name, **vars(self._sums[name])) for name in names]

    def _is_new(self, row: Row) -> bool:
        """Whether this content came for the first time; what cannot be read is new."""
        sha256 = row.sha256
        if not sha256:
            with suppress(ImageError):
                sha256 = hash_regular(Path(row.image))
        new = not sha256 or sha256 not in self._seen
        self._seen.add(sha256 or "")
        return new


def told_errors(model: Model, evaluation: Path | None) -> KnownErrors:
    """The model's errors as its file says them, or as an evaluation of it does. Raises UsageError, DataError."""
    return model.errors if evaluation is None else errors_of_evaluation(evaluation, model.identity.sha256)[0]


def subject_lines(
    cells: Sequence[SubjectCells], model: Model, errors: KnownErrors, width: float | None, as_table: bool
) -> Iterator[str]:
    """A line for each subject, as a table with notes below it or as JSON."""
    spec = model.classifier.spec
    rows = [SubjectRow.of(found, spec.classes, errors, width) for found in cells]
    if not as_table:
        yield from (json.dumps(row.summary() | {"errors": errors.sentence}) for row in rows)
        return
    yield from table([head(errors, spec.shown_names, width), *(row.columns(spec.shown_names) for row in rows)], SIDES)
    yield from notes(rows, errors)
