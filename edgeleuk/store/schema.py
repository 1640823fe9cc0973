"""The store's tables, and opening the file that holds them: created, checked, or refused with the reason.

    results   one row for each image content and model; `path` is a BLOB if a file name is not UTF-8, `stage` NULL
              but for a cascade's results, `warnings` a JSON list or NULL, `measures` a JSON object from names to
              numbers or NULL, `corrected_*` what a person said of it
    names     further names under which a content was seen
    models    the model files that answered, and what people call their classes
    failures  images that could not be classified, one row for each source and path, until it can; `subject` or NULL
    previews  small JPEGs of uploaded images, by the SHA-256 of the upload
    audit     what was corrected, deleted or repaired by hand: who, when, old and new value
    attempts  files that were begun and not ended: one that is here at a start may have killed the process before
    facts     `id`: eight hex digits of this store, so that it is not mistaken for another one

`PRAGMA application_id` says that the file is ours, `PRAGMA user_version` which version of this schema it has. Version 1
had no `stage`, version 2 nothing of corrections, models, names, audit, attempts and facts, version 3 no `measures` and
no subject of a failure. An older file is upgraded when it is opened to be written, and read as if what it lacks were
empty until then.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from edgeleuk.errors import NotAStoreError, StoreError
from edgeleuk.store.tables import AS_IF_NEW, STEPS, VERSION

_APPLICATION_ID = 0x65644C6B  # "edLk"
_BUSY_TIMEOUT_S = 10.0


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """Open or make the store at path: WAL, and a commit that is on the disk when it returns.

    Raises StoreError if the file is absent (read_only), a folder, of another program or a newer version, or damaged.
    """
    if read_only and not path.exists():
        raise NotAStoreError(f"{path}: no such store; 'edgeleuk infer MODEL IMAGES --store {path}' makes one")
    if os.path.isdir(path):  # noqa: PTH112 - Path's raises if one may not look
        raise NotAStoreError(f"{path} is a folder; expected a file such as {path / 'results.db'}")
    with store_errors(path):
        try:
            return _prepared(_open(path, "ro" if read_only else "rwc"), path, read_only)
        except sqlite3.OperationalError as error:
            if not read_only or not any(text in str(error) for text in ("readonly", "unable to open")):
                raise
        return _prepared(_open_still(path), path, read_only)


class StillConnection(sqlite3.Connection):
    """Of a file that is taken for unchanging while it is read: whoever reads has to look whether that held."""


def _open_still(path: Path) -> sqlite3.Connection:
    """Without write-ahead log and locks, which whoever may not write the folder cannot make.

    All is in the file itself while no process writes. Raises StoreError if a log is left: what is in it would be
    missing, and the rest may not fit together.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"{path}: its latest results lie in {log.name}, which this user cannot read with it; run this as the user "
            "that writes the store, or start and stop that service once",
            passing=True,
        )
    return _open(path, "ro", "&immutable=1", StillConnection)


def _prepared(connection: sqlite3.Connection, path: Path, read_only: bool) -> sqlite3.Connection:
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
    except UnicodeError as error:  # of SQLite's own message, which names damaged parts, or of what was read before
        raise StoreError(f"{path}: it holds text that is not UTF-8{_DAMAGED}") from error
    except (sqlite3.Error, OSError) as error:
        text = str(error)
        advice, passing = next((found for key, *found in _ADVICE if key in text), ("", False))
        kind = NotAStoreError if "not a database" in text else StoreError
        raise kind(f"{path}: {text}{advice}", bool(passing)) from error


_DAMAGED = "; it is damaged: see 'sqlite3 FILE .recover'"
_ADVICE: tuple[tuple[str, str, bool], ...] = (
    ("disk is full", "; free space on its disk", True),
    ("is locked", "; another process keeps it locked", True),
    ("disk I/O error", "; its disk is full, failing or gone", True),
    ("readonly", "; it may not be written by this user, or its disk is mounted read-only", True),
    ("unable to open", "; its folder must exist and be writable by this user", True),
    ("not a database", "; choose another file, this one is not a store", False),
    ("malformed", _DAMAGED, False),
    ("no such", _DAMAGED, False),
)


def _open(
    path: Path, mode: str, options: str = "", kind: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()), errors='surrogateescape')}?mode={mode}{options}",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        factory=kind,
    )


def _prepare(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    connection.text_factory = _text
    version = _check(connection, path)
    if read_only:
        if version == 0:
            raise NotAStoreError(f"{path} is an empty file, not a store")
        if version < VERSION:
            _run(connection, AS_IF_NEW[version])
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA cache_size = -512")  # KiB; what is read again lies in the system's page cache
    connection.execute("PRAGMA synchronous = FULL")
    if version < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        version = _check(connection, path)  # another process may have been faster
        if version < VERSION:
            _run(connection, STEPS[version])
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


def _run(connection: sqlite3.Connection, statements: str) -> None:
    """Several statements in the transaction that is open: `executescript` would commit it."""
    for statement in statements.split(";\n"):
        connection.execute(statement)


def _text(raw: bytes) -> str:
    """Text that is not UTF-8 is a damaged value of one row and no reason to read none: told by its surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """Version of the schema in the file, 0 for an empty one. Raises StoreError if it cannot be used."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise NotAStoreError(f"{path} is a database of another program; choose another file")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise NotAStoreError(
            f"{path} was written by a newer edgeleuk (schema {version}; this one knows {VERSION}): "
            "upgrade edgeleuk, or choose another file"
        )
    if version < 1:
        raise StoreError(f"{path} claims schema {version}, which does not exist: it is damaged")
    return version
