"""Reading a store: results, failures, the models that answered, the audit. A damaged row is passed over and counted.

Subjects and labels are compared as people read them: no case, no two forms of one accent. In a sum one cell counts
once, for a cell has one result of one model.
"""

import json
import sqlite3
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.runtime.decision import REFUSED
from edgeleuk.store.answers import Answered
from edgeleuk.store.connection import StoreFile
from edgeleuk.store.damage import PassingOver
from edgeleuk.store.filters import HELD_LABEL, condition
from edgeleuk.store.record import SOURCES, ModelIdentity, Result, readable
from edgeleuk.store.rows import (
    CHANGE_COLUMNS,
    FAILURE_COLUMNS,
    MODEL_COLUMNS,
    SELECTED,
    from_path,
    to_change,
    to_failure,
    to_model,
    to_result,
)
from edgeleuk.store.totals import summaries
from edgeleuk.store.values import Change, Failure, Filter, SubjectSummary
from edgeleuk.subjects.cells import ABSTAINED

_HOW = f"""CASE WHEN corrected_label IS NOT NULL THEN 'by_person' WHEN warnings IS NULL THEN 'answered'
    WHEN warnings = '{json.dumps([ABSTAINED])}' THEN 'abstained' ELSE 'refused' END"""
_SUMS = f"""
SELECT subject, model_sha256, {HELD_LABEL} AS held, {_HOW} AS how, count(*), min(created), max(created)
FROM results
WHERE (? IS NULL OR model_sha256 = ?) AND typeof({HELD_LABEL}) = 'text' AND typeof(created) = 'text'
    AND typeof(model_sha256) = 'text' AND typeof(subject) IN ('text', 'null')
GROUP BY subject, model_sha256, held, how
ORDER BY subject, model_sha256, held
"""
_UNANSWERED = f"""
SELECT subject, error LIKE '{REFUSED}%' AS refused, count(DISTINCT coalesce(sha256, id)), min(created), max(created)
FROM failures
WHERE typeof(created) = 'text' AND typeof(error) = 'text' AND typeof(subject) IN ('text', 'null')
    AND (sha256 IS NULL OR NOT EXISTS (SELECT 1 FROM results WHERE results.sha256 = failures.sha256))
GROUP BY subject, refused
"""
_PAGE = 500
_ANY = Filter()


@dataclass(frozen=True)
class Page:
    """Some results, how many rows they were read from, and the id of the last of those; the rest were damaged."""

    results: list[Result]
    rows: int
    last_id: int | None


class Reading(StoreFile, PassingOver):
    """The reading half of a Store."""

    kind = "store"

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `open`."""
        StoreFile.__init__(self, path, connection)
        PassingOver.__init__(self)

    def lookup(self, sha256: str, model_sha256: str) -> Result | None:
        """What the model said of this content; None if it was not asked yet, or its row is damaged."""
        sql = f"SELECT {SELECTED} FROM results WHERE sha256 = ? AND model_sha256 = ?"
        return next(self._results(self._rows(sql, sha256, model_sha256)), None)

    def by_id(self, number: int) -> Result | None:
        """The result at that place; None if there is none, or its row is damaged."""
        return next(self._results(self._rows(f"SELECT {SELECTED} FROM results WHERE id = ?", number)), None)

    def query(
        self,
        wanted: Filter = _ANY,
        *,
        after_id: int | None = None,
        before_id: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Result]:
        """Yield results in the order they were stored, read page by page, so that any number fits into memory."""
        remaining = limit
        while remaining is None or remaining > 0:
            size = _PAGE if remaining is None else min(_PAGE, remaining)
            page = self._page(wanted, after_id, before_id, size, newest_first)
            yield from self._results(page)
            if len(page) < size:
                return
            remaining = None if remaining is None else remaining - size
            after_id, before_id = (after_id, page[-1][0]) if newest_first else (page[-1][0], before_id)

    def latest(self, wanted: Filter = _ANY, limit: int | None = None) -> Iterator[Result]:
        """Yield the latest `limit` results, all by default, in the order they were stored, as `query` does."""
        yield from self.query(wanted, after_id=self._before_latest(wanted, limit))

    def page(self, wanted: Filter, *, before_id: int | None, limit: int) -> Page:
        """The newest results of the filter, older than `before_id`."""
        rows = self._page(wanted, None, before_id, limit, True)
        return Page(list(self._results(rows)), len(rows), rows[-1][0] if rows else None)

    def count(self, wanted: Filter = _ANY) -> int:
        """How many results there are, damaged ones included."""
        where, values = condition(wanted, self._known)
        return int(self._rows(f"SELECT count(*) FROM results WHERE {where}", *values)[0][0])

    def ids(self, wanted: Filter) -> list[int]:
        """The numbers of all results of the filter, in order."""
        where, values = condition(wanted, self._known)
        return [row[0] for row in self._rows(f"SELECT id FROM results WHERE {where} ORDER BY id", *values)]

    def last_id(self) -> int:
        """The greatest id that a result has or had, 0 without any."""
        return self._last("results")

    def labels(self) -> list[str]:
        """The labels that results have, and the classes of the models that answered."""
        classes = {name for model in self.models().values() for name in model.classes}
        return sorted(classes | set(self._known(HELD_LABEL)))

    def subject_names(self) -> list[str]:
        """The subjects that results have."""
        return sorted(self._known("subject"))

    def models(self) -> dict[str, ModelIdentity]:
        """The models whose files are known, by SHA-256, the longest known first."""
        rows = self._rows(f"SELECT {MODEL_COLUMNS} FROM models ORDER BY first_seen, rowid")
        return {model.sha256: model for model in self._sound(rows, to_model, "model")}

    def names(self, sha256: str, sources: Container[str] = SOURCES) -> list[str]:
        """Every name under which this content came from those sources, the first ones first."""
        sql = (
            "SELECT path, source FROM (SELECT path, source, created, 0 AS other FROM results WHERE sha256 = ? "
            "UNION ALL SELECT path, source, created, 1 FROM names WHERE sha256 = ?) ORDER BY created, other"
        )
        rows = [row for row in self._rows(sql, sha256, sha256) if row[1] in sources]
        return list(dict.fromkeys(self._sound(rows, lambda row: from_path(row[0]), "name")))

    def failures(
        self, limit: int | None = None, *, source: str | None = None, before_id: int | None = None
    ) -> list[Failure]:
        """Images that could not be classified, the latest first."""
        where, values = _failed(source, before_id)
        sql = f"SELECT {FAILURE_COLUMNS} FROM failures WHERE {where} ORDER BY id DESC LIMIT ?"
        return list(self._sound(self._rows(sql, *values, -1 if limit is None else limit), to_failure, "failure"))

    def failures_after(self, number: int, limit: int) -> list[Failure]:
        """Failures with a greater id than that, in the order they were stored."""
        sql = f"SELECT {FAILURE_COLUMNS} FROM failures WHERE id > ? ORDER BY id LIMIT ?"
        return list(self._sound(self._rows(sql, number, limit), to_failure, "failure"))

    def count_failures(self, source: str | None = None) -> int:
        """How many there are."""
        where, values = _failed(source, None)
        return int(self._rows(f"SELECT count(*) FROM failures WHERE {where}", *values)[0][0])

    def last_failure_id(self) -> int:
        """The greatest id that a failure has or had, 0 without any."""
        return self._last("failures")

    def changes(self, limit: int | None = None, *, result_id: int | None = None, before_id: int | None = None,
                after_id: int | None = None) -> list[Change]:  # fmt: skip
        """Lines of the audit, the latest first; with `after_id` those after it, in the order they were written."""
        asked = {"result_id = ?": result_id, "id < ?": before_id, "id > ?": after_id}
        given = {test: value for test, value in asked.items() if value is not None}
        order = "ASC" if after_id is not None else "DESC"
        where = " AND ".join(given) or "1"
        sql = f"SELECT {CHANGE_COLUMNS} FROM audit WHERE {where} ORDER BY id {order} LIMIT ?"
        rows = self._rows(sql, *given.values(), -1 if limit is None else limit)
        return list(self._sound(rows, to_change, "line of the audit"))

    def last_change_id(self) -> int:
        """The greatest id of the audit, 0 without any."""
        return self._last("audit")

    def preview(self, sha256: str) -> bytes | None:
        """The picture kept by `add_preview`, or None."""
        rows = self._rows("SELECT jpeg FROM previews WHERE sha256 = ?", sha256)
        return bytes(rows[0][0]) if rows and isinstance(rows[0][0], bytes) else None

    def subjects(self, model_sha256: str | None = None) -> list[SubjectSummary]:
        """One summary for each subject and model, by name; images without a subject come first, as subject None.

        With `model_sha256` only of that model, and then also of known subjects all of whose pictures were refused or
        failed. A sum over several models would count cells twice: there is none.
        """
        rows = self._rows(_SUMS, model_sha256, model_sha256)
        return summaries(rows, self._rows(_UNANSWERED), self.models(), model_sha256)

    def answered(self) -> list[Answered]:
        """The models of which there are results, the one that answered last first."""
        models = self.models()
        rows = self._rows(
            "SELECT model_sha256, count(*) FROM results WHERE typeof(model_sha256) = 'text' "
            "GROUP BY model_sha256 ORDER BY max(id) DESC"
        )
        return [Answered(sha256, count, models.get(sha256)) for sha256, count in rows if readable(sha256) == sha256]

    def _before_latest(self, wanted: Filter, count: int | None) -> int | None:
        """The `after_id` with which `query` begins at the latest `count` results; None if that is all of them."""
        if count is None:
            return None
        where, values = condition(wanted, self._known)
        rows = self._rows(f"SELECT id FROM results WHERE {where} ORDER BY id DESC LIMIT 1 OFFSET ?", *values, count)
        return int(rows[0][0]) if rows else None

    def _last(self, table: str) -> int:
        """SQLite keeps the greatest id of a table, so that one is never given twice; a damaged note is passed over."""
        sql = f"SELECT max(coalesce(max(id), 0), (SELECT coalesce(max(CASE WHEN name = '{table}' THEN seq END), 0) "
        sql += f"FROM sqlite_sequence WHERE typeof(seq) = 'integer')) FROM {table}"
        return int(self._rows(sql)[0][0])

    def _results(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Result]:
        if not rows:
            return
        models = self.models()
        yield from self._sound(rows, lambda row: to_result(row, models), "result")

    def _page(
        self, wanted: Filter, after_id: int | None, before_id: int | None, size: int, newest_first: bool
    ) -> list[tuple[Any, ...]]:
        where, values = condition(wanted, self._known)
        for bound, comparison in ((after_id, ">"), (before_id, "<")):
            if bound is not None:
                where += f" AND id {comparison} ?"
                values.append(bound)
        order = "DESC" if newest_first else "ASC"
        return self._rows(f"SELECT {SELECTED} FROM results WHERE {where} ORDER BY id {order} LIMIT {size}", *values)

    def _known(self, column: str) -> list[str]:
        """The values of a column of results that are text; one that is not UTF-8 is not a value to compare with."""
        rows = self._rows(f"SELECT DISTINCT {column} FROM results WHERE typeof({column}) = 'text'")
        return [value for (value,) in rows if readable(value) == value]


def _failed(source: str | None, before_id: int | None) -> tuple[str, list[str | int]]:
    tests = {"source = ?": source, "id < ?": before_id}
    given = {test: value for test, value in tests.items() if value is not None}
    return " AND ".join(given) or "1", list(given.values())
