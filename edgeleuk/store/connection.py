"""One open store file: reading rows, writing in transactions, and noticing that it is no longer the one at its path."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from edgeleuk.errors import StoreError
from edgeleuk.store.schema import StillConnection, connect, store_errors

Self = TypeVar("Self", bound="StoreFile")


class StoreFile:
    """The file below a Store. Thread-safe; several processes may write to it at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `open`."""
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._place = _place(path)
        self._still = _content(path) if isinstance(connection, StillConnection) else None

    @classmethod
    def open(cls: type[Self], path: str | Path, read_only: bool = False) -> Self:
        """Open the store, or make it unless read_only. Raises StoreError if the file is not a store of ours."""
        return cls(Path(path).absolute(), connect(Path(path), read_only))

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @property
    def id(self) -> str:
        """Eight hex digits that tell this store from any other; nothing if an older edgeleuk made it."""
        rows = self._rows("SELECT value FROM facts WHERE name = 'id'")
        return rows[0][0] if rows and re.fullmatch("[0-9a-f]{8}", str(rows[0][0])) else ""

    @property
    def in_place(self) -> bool:
        """Whether the file at its path is still the one that was opened."""
        try:
            return _place(self.path) == self._place
        except OSError:
            return False

    def version(self) -> tuple[int, int]:
        """A value that changes whenever anybody has written to the store; cheap enough to ask twice a second."""
        with self._lock:
            return int(self._rows("PRAGMA data_version")[0][0]), self._connection.total_changes

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, store_errors(self.path):
            self._check_place()
            rows = self._connection.execute(sql, values).fetchall()
            if self._still is not None and _content(self.path) != self._still:
                raise StoreError(f"{self.path} was written to while it was read without its locks; try again", True)
            return rows

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, store_errors(self.path):
            self._check_place()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _check_place(self) -> None:
        """What is written to a file that was removed or replaced is gone when the process ends.

        And SQLite, which finds its log by the path, would read the old file with the log of the new one.
        """
        if _place(self.path) != self._place:
            raise StoreError(f"{self.path} was removed or replaced while it was in use; it is no longer used: restart")


def _content(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _place(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
