"""Store: results that are on the disk once `add` returns, each image content and model once."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from edgeleuk.store.record import Failure, Filter, Result, SubjectSummary
from edgeleuk.store.schema import connect, store_errors

_COLUMNS = (
    "sha256, model_sha256, path, label, probabilities, prepare_ms, invoke_ms, spec_version, device, created, subject, "
    "source, stage"
)
_PAGE = 500
_ANY = Filter()


class Store:
    """A store of results in one SQLite file. Thread-safe; several processes may write to it at once.

    Every method raises StoreError; its `passing` says whether trying again later may help (disk full, locked).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `open`."""
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | Path, read_only: bool = False) -> "Store":
        """Open the store, or make it unless read_only. Raises StoreError where the file is not a store of ours."""
        return cls(Path(path), connect(Path(path), read_only))

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def lookup(self, sha256: str, model_sha256: str) -> Result | None:
        """What the model said of this content; None where it was not asked yet."""
        rows = self._rows(
            f"SELECT id, {_COLUMNS} FROM results WHERE sha256 = ? AND model_sha256 = ?", sha256, model_sha256
        )
        return _result(rows[0]) if rows else None

    def add(self, results: Sequence[Result]) -> list[Result]:
        """Store results in one transaction; returns the stored ones, with their id.

        Where the store has a result of that content and model already, that one stays and is returned.
        """
        with self._transaction() as connection:
            return [_insert(connection, result) for result in results]

    def add_failures(self, failures: Sequence[Failure]) -> None:
        """Store failures; an earlier one of the same path is replaced. It goes when the path has a result."""
        rows = [(_stored(f.path), f.error, f.sha256, f.source, f.created) for f in failures]
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)", rows)

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
            yield from page
            if len(page) < size:
                return
            remaining = None if remaining is None else remaining - size
            after_id, before_id = (after_id, page[-1].id) if newest_first else (page[-1].id, before_id)

    def count(self, wanted: Filter = _ANY) -> int:
        """How many results there are."""
        condition, values = _condition(wanted)
        return int(self._rows(f"SELECT count(*) FROM results WHERE {condition}", *values)[0][0])

    def label_counts(self) -> dict[str, int]:
        """How many results have each label."""
        return dict(self._rows("SELECT label, count(*) FROM results GROUP BY label ORDER BY label"))

    def subjects(self) -> list[SubjectSummary]:
        """One summary for each subject, by name; images without one come first, as subject None."""
        found: dict[str | None, SubjectSummary] = {}
        for subject, label, count, first, last in self._rows(
            "SELECT subject, label, count(*), min(created), max(created) FROM results GROUP BY subject, label"
        ):
            so_far = found.get(subject, SubjectSummary(subject, 0, first, last))
            labels = so_far.labels | {label: count}
            total = so_far.total + count
            found[subject] = SubjectSummary(subject, total, min(first, so_far.first), max(last, so_far.last), labels)
        return list(found.values())

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Images that could not be classified, the latest first."""
        rows = self._rows(
            "SELECT path, error, created, sha256, source FROM failures ORDER BY rowid DESC LIMIT ?",
            -1 if limit is None else limit,
        )
        return [Failure(_named(path), *others) for path, *others in rows]

    def add_preview(self, sha256: str, jpeg: bytes) -> None:
        """Keep a small picture of an image that lies nowhere else."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO previews VALUES (?, ?)", (sha256, jpeg))

    def preview(self, sha256: str) -> bytes | None:
        """The picture kept by `add_preview`, or None."""
        rows = self._rows("SELECT jpeg FROM previews WHERE sha256 = ?", sha256)
        return bytes(rows[0][0]) if rows else None

    def last_id(self) -> int:
        """The greatest id of a result, 0 without any."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM results")[0][0])

    def version(self) -> tuple[int, int]:
        """A value that changes whenever anybody has written to the store; cheap enough to ask twice a second."""
        with self._lock:
            return int(self._rows("PRAGMA data_version")[0][0]), self._connection.total_changes

    def _page(
        self, wanted: Filter, after_id: int | None, before_id: int | None, size: int, newest_first: bool
    ) -> list[Result]:
        condition, values = _condition(wanted)
        for bound, comparison in ((after_id, ">"), (before_id, "<")):
            if bound is not None:
                condition += f" AND id {comparison} ?"
                values.append(bound)
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT id, {_COLUMNS} FROM results WHERE {condition} ORDER BY id {order} LIMIT {size}"
        return [_result(row) for row in self._rows(sql, *values)]

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, store_errors(self.path):
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, store_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _insert(connection: sqlite3.Connection, result: Result) -> Result:
    values = (
        result.sha256,
        result.model_sha256,
        _stored(result.path),
        result.label,
        json.dumps(result.probabilities),
        result.prepare_ms,
        result.invoke_ms,
        result.spec_version,
        result.device,
        result.created,
        result.subject,
        result.source,
        result.stage,
    )
    marks = ", ".join("?" * len(values))
    done = connection.execute(
        f"INSERT INTO results ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (sha256, model_sha256) DO NOTHING", values
    )
    connection.execute("DELETE FROM failures WHERE path = ?", (_stored(result.path),))
    if done.rowcount == 1 and done.lastrowid is not None:
        return result.numbered(done.lastrowid)
    there = f"SELECT id, {_COLUMNS} FROM results WHERE sha256 = ? AND model_sha256 = ?"
    return _result(connection.execute(there, values[:2]).fetchone())


def _result(row: Sequence[Any]) -> Result:
    number, sha256, model_sha256, path, label, probabilities, *others = row
    made = Result(sha256, model_sha256, _named(path), label, json.loads(probabilities), *others)
    return made.numbered(number)


def _condition(wanted: Filter) -> tuple[str, list[str | int]]:
    """The WHERE clause of a filter and its values."""
    tests = {
        "subject = ?": wanted.subject,
        "label = ?": wanted.label,
        "created >= ?": wanted.since,
        "created < ?": wanted.until,
        "model_sha256 = ?": wanted.model_sha256,
        "source = ?": wanted.source,
    }
    asked = {test: value for test, value in tests.items() if value is not None}
    return " AND ".join(asked) or "1", list(asked.values())


def _stored(path: str) -> str | bytes:
    """A path as SQLite takes it: text, or bytes where the name is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape")
    return path


def _named(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, bytes) else str(path)
