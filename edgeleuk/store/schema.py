"""The store's tables, and opening the file that holds them: created, checked, or refused with the reason.

    results   one row for each image content and model; `path` is a BLOB where a file name is not UTF-8, `stage` NULL
              but for a cascade's results
    failures  images that could not be classified, one row for each path, until it can
    previews  small JPEGs of uploaded images, by the SHA-256 of the upload

`PRAGMA application_id` says that the file is ours, `PRAGMA user_version` which version of this schema it has. Version 1
had no `stage`: it is added when the file is opened to be written, and read as NULL until then.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from edgeleuk.errors import StoreError

SCHEMA_VERSION = 2
_APPLICATION_ID = 0x65644C6B  # "edLk"
_BUSY_TIMEOUT_S = 10.0

_TABLES = """
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    path NOT NULL,
    subject TEXT,
    label TEXT NOT NULL,
    probabilities TEXT NOT NULL,
    prepare_ms REAL NOT NULL,
    invoke_ms REAL NOT NULL,
    spec_version INTEGER NOT NULL,
    device TEXT NOT NULL,
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    stage INTEGER,
    UNIQUE (sha256, model_sha256)
);
CREATE INDEX results_by_subject ON results (subject, label, created);
CREATE INDEX results_by_time ON results (created);
CREATE TABLE failures (
    path PRIMARY KEY NOT NULL,
    error TEXT NOT NULL,
    sha256 TEXT,
    source TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE TABLE previews (sha256 TEXT PRIMARY KEY, jpeg BLOB NOT NULL);
"""
_FROM_1 = ("ALTER TABLE results ADD COLUMN stage INTEGER",)


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """Open or make the store at path: WAL, and a commit that is on the disk when it returns.

    Raises StoreError where the file is absent (read_only), a folder, of another program or a newer version, or damaged.
    """
    if read_only and not path.exists():
        raise StoreError(f"{path}: no such store; 'edgeleuk infer MODEL IMAGES --store {path}' makes one")
    if os.path.isdir(path):  # noqa: PTH112 - Path's raises where one may not look
        raise StoreError(f"{path} is a folder; expected a file such as {path / 'results.db'}")
    with store_errors(path):
        connection = _open(path, read_only)
        try:
            _prepare(connection, path, read_only)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors of the body into StoreError that names path and says how to mend it."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        text = str(error)
        advice, passing = next((found for key, *found in _ADVICE if key in text), ("", False))
        raise StoreError(f"{path}: {text}{advice}", bool(passing)) from error


_ADVICE: tuple[tuple[str, str, bool], ...] = (
    ("disk is full", "; free space on its disk", True),
    ("is locked", "; another process keeps it locked", True),
    ("disk I/O error", "; its disk is full, failing or gone", True),
    ("readonly", "; it may not be written by this user, or its disk is mounted read-only", True),
    ("unable to open", "; its folder must exist and be writable by this user", True),
    ("not a database", "; choose another file, this one is not a store", False),
    ("malformed", "; it is damaged: see 'sqlite3 FILE .recover'", False),
)


def _open(path: Path, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()), errors='surrogateescape')}?mode={mode}",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _prepare(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    version = _check(connection, path)
    if read_only:
        if version == 0:
            raise StoreError(f"{path} is an empty file, not a store")
        if version == 1:
            connection.execute("CREATE TEMP VIEW results AS SELECT *, NULL AS stage FROM main.results")
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA cache_size = -512")  # KiB; what is read again lies in the system's page cache
    connection.execute("PRAGMA synchronous = FULL")
    if version < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        version = _check(connection, path)  # another process may have been faster
        if version < SCHEMA_VERSION:
            for statement in _TABLES.split(";\n") if version == 0 else _FROM_1:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """Version of the schema in the file, 0 for an empty one. Raises StoreError where it cannot be used."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program; choose another file")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer edgeleuk (schema {version}; this one knows {SCHEMA_VERSION}): "
            "upgrade edgeleuk, or choose another file"
        )
    return version
