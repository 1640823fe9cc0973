"""Which files are being attempted: if one of them kills the process, the next start knows which."""

from edgeleuk.store.connection import StoreFile
from edgeleuk.store.rows import DamagedRowError, as_path, from_path
from edgeleuk.store.times import now


class Attempts(StoreFile):
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
        self._note("DELETE FROM attempts WHERE path = ?", as_path(path))

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
        with self._lock:
            self._rows("PRAGMA synchronous = NORMAL")
            try:
                with self._transaction() as connection:
                    connection.execute(sql, values)
            finally:
                self._rows("PRAGMA synchronous = FULL")
