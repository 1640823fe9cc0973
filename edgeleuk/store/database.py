"""Store: results that are on the disk once `add` returns, each image content and model once."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from edgeleuk.store.connection import StoreFile
from edgeleuk.store.editing import Editing, audit
from edgeleuk.store.record import ModelIdentity, Result
from edgeleuk.store.rows import COLUMNS, SELECTED, DamagedRowError, as_path, from_path, from_result, to_result
from edgeleuk.store.schema import store_errors
from edgeleuk.store.times import now
from edgeleuk.store.values import Failure

_MOST_NAMES = 100  # of one content; who copies a file more often learns nothing from the rest
_INSERT = (
    f"INSERT INTO results ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT (sha256, model_sha256) DO NOTHING"
)
_END_ATTEMPT = "DELETE FROM attempts WHERE path = ?"
_MOST_FAILED_UPLOADS = 1000  # a client chooses their names: without a bound it could fill the disk


class _Attempts(StoreFile):
    """The part of a Store that outlives a process that was killed. Its commits do not wait for the disk: a killed
    process loses nothing that way, and a power cut, which may, is no fault of the image.
    """

    def begin_attempt(self, path: str) -> None:
        """Note that this file is attempted now, and how often that began. Raises StoreError."""
        sql = (
            "INSERT INTO attempts VALUES (?, 1, ?) "
            "ON CONFLICT (path) DO UPDATE SET tries = tries + 1, started = excluded.started"
        )
        self._note(sql, as_path(path), now())

    def end_attempt(self, path: str) -> None:
        """Note that it is done, however it went. Raises StoreError."""
        self._note(_END_ATTEMPT, as_path(path))

    def unfinished_attempts(self) -> dict[str, int]:
        """The files that were begun and not ended, by path as it was given, and how often. Raises StoreError."""
        found: dict[str, int] = {}
        for path, tries in self._rows("SELECT path, tries FROM attempts ORDER BY started"):
            try:
                found[from_path(path)] = tries if isinstance(tries, int) else 1
            except DamagedRowError:
                continue  # names no file
        return found

    def _note(self, sql: str, *values: object) -> None:
        with self._lock, store_errors(self.path):
            self._connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with self._transaction() as connection:
                    connection.execute(sql, values)
            finally:
                self._connection.execute("PRAGMA synchronous = FULL")


class Store(Editing, _Attempts):
    """A store of results in one SQLite file. Thread-safe; several processes may write to it at once.

    Every method raises StoreError; its `passing` says whether trying again later may help (disk full, locked). A row
    that is damaged never stops anything: it is passed over, counted in `damaged` and told to `on_damage`.
    """

    def add(
        self,
        results: Sequence[Result],
        names: Iterable[tuple[str, str, str]] = (),
        previews: Iterable[tuple[str, bytes]] = (),
        ended: Iterable[str] = (),
    ) -> list[Result]:
        """Store results in one transaction; returns the stored ones, with their id.

        If the store has a result of that content and model already, that one stays and is returned; its further
        name is noted, as are `names`: see `add_names`. `previews` are kept as by `add_preview`, given SHA-256 and JPEG
        of each, and the attempts at `ended` are done as by `end_attempt`.
        """
        with self._transaction() as connection:
            for model in {result.model_sha256: result.model for result in results}.values():
                _insert_model(connection, model)
            if connection.execute("SELECT EXISTS (SELECT 1 FROM failures)").fetchone()[0]:
                _drop_failures(connection, results)
            stored = [_insert(connection, result) for result in results]
            for sha256, path, source in names:
                _insert_name(connection, sha256, path, source)
            for sha256, jpeg in previews:
                _insert_preview(connection, sha256, jpeg)
            connection.executemany(_END_ATTEMPT, ((as_path(path),) for path in ended))
            return stored

    def add_model(self, model: ModelIdentity) -> None:
        """Note which file a model is, and what its classes are called."""
        with self._transaction() as connection:
            _insert_model(connection, model)

    def add_names(self, names: Iterable[tuple[str, str, str]]) -> None:
        """Note further names of contents that are known: SHA-256, path and source of each."""
        with self._transaction() as connection:
            for sha256, path, source in names:
                _insert_name(connection, sha256, path, source)

    def add_failures(self, failures: Sequence[Failure]) -> None:
        """Store failures; an earlier one of the same path is replaced. It goes when the path has a result."""
        rows = [(as_path(f.path), f.error, f.sha256, f.source, f.created, f.subject) for f in failures]
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO failures (path, error, sha256, source, created, subject) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            if any(failure.source == "upload" for failure in failures):
                connection.execute(
                    "DELETE FROM failures WHERE source = 'upload' AND id <= (SELECT id FROM failures "
                    "WHERE source = 'upload' ORDER BY id DESC LIMIT 1 OFFSET ?)", (_MOST_FAILED_UPLOADS,)
                )  # fmt: skip

    def add_preview(self, sha256: str, jpeg: bytes) -> None:
        """Keep a small picture of an image that lies nowhere else."""
        with self._transaction() as connection:
            _insert_preview(connection, sha256, jpeg)


def _drop_failures(connection: sqlite3.Connection, results: Iterable[Result]) -> None:
    """What has a result now; names of uploads are labels: one may read like the path of a file."""
    connection.executemany(
        "DELETE FROM failures WHERE (source = 'upload') = (? = 'upload') AND (path = ? OR sha256 = ?)",
        ((result.source, as_path(result.path), result.sha256) for result in results),
    )


def _insert(connection: sqlite3.Connection, result: Result) -> Result:
    number = _inserted(connection, result)
    if number is None:
        there = _there(connection, result)
        if there is not None:
            _insert_name(connection, result.sha256, result.path, result.source)
            return there
        number = _inserted(connection, result)
    return result.numbered(number or 0)


def _inserted(connection: sqlite3.Connection, result: Result) -> int | None:
    """The id of the row; None if there is one of that content and model."""
    done = connection.execute(_INSERT, from_result(result))
    return done.lastrowid if done.rowcount else None


def _there(connection: sqlite3.Connection, result: Result) -> Result | None:
    """The row of this content and model; None without one, or if it was damaged: it is then removed."""
    key = (result.sha256, result.model_sha256)
    row = connection.execute(f"SELECT {SELECTED} FROM results WHERE sha256 = ? AND model_sha256 = ?", key).fetchone()
    if row is None:
        return None
    try:
        return to_result(row, {} if result.model is None else {result.model_sha256: result.model})
    except DamagedRowError as error:
        audit(connection, "edgeleuk", "repair", (row[0], *key), old=str(error))
        connection.execute("DELETE FROM results WHERE id = ?", (row[0],))
        return None


def _insert_preview(connection: sqlite3.Connection, sha256: str, jpeg: bytes) -> None:
    connection.execute("INSERT OR IGNORE INTO previews VALUES (?, ?, ?)", (sha256, jpeg, now()))


def _insert_name(connection: sqlite3.Connection, sha256: str, path: str, source: str) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO names SELECT ?, ?, ?, ? "
        "WHERE NOT EXISTS (SELECT 1 FROM results WHERE sha256 = ? AND path = ?) "
        "AND (SELECT count(*) FROM names WHERE sha256 = ?) < ?",
        (sha256, as_path(path), source, now(), sha256, as_path(path), sha256, _MOST_NAMES),
    )


def _insert_model(connection: sqlite3.Connection, model: ModelIdentity | None) -> None:
    """The name that a file has now is the one that people know it by."""
    if model is None or not model.name:
        return
    values = (as_path(model.name), json.dumps(model.classes), json.dumps(dict(model.display_names)))
    connection.execute(
        "INSERT INTO models VALUES (?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, "
        "classes = excluded.classes, display_names = excluded.display_names WHERE name != excluded.name "
        "OR classes != excluded.classes OR display_names != excluded.display_names",
        (model.sha256, *values, now()),
    )
