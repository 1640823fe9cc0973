"""DuckDB over the parts of an archive, in bounded memory. A part that cannot be read is told and left out.

In DuckDB, `rows` is what the parts hold, and `results` and `failures` are what a store has under these names, without
ids. Parts are listed once, when an archive is opened: what another process adds meanwhile is not seen.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import duckdb

from edgeleuk.archive.parts import Part, UnreadablePartError, one_reason, parts_of, read_part
from edgeleuk.archive.schema import read_head
from edgeleuk.archive.tables import tables
from edgeleuk.errors import StoreError
from edgeleuk.store.damage import PassingOver

Self = TypeVar("Self", bound="ArchiveFolder")
Row = tuple[Any, ...]
_MOST_MEMORY = 1 << 30  # bytes for DuckDB, or a quarter of the machine's; what needs more goes to temporary files
_MOST_THREADS = 4
_AT_ONCE = 1000  # rows
_READ_ALL = "SELECT max(hash(part)) FROM read_parquet([?], hive_partitioning = false) AS part"


class ArchiveFolder(PassingOver):
    """The folder below an Archive."""

    def __init__(self, path: Path) -> None:
        """Use `open`. Raises NotAStoreError if there is no archive of this format, StoreError if it may not be read."""
        super().__init__()
        self.path = path
        self.head = read_head(path)
        try:
            str(path).encode()
            self._listed = parts_of(path)
        except (OSError, UnicodeEncodeError) as error:
            raise StoreError(f"{path}: {getattr(error, 'strerror', 'its name is not text in UTF-8')}") from error
        self._parts: list[Part] = []
        self._temporary: Path | None = None
        self._opened: Any = None

    @classmethod
    def open(cls: type[Self], path: str | Path) -> Self:
        """Open the archive to read it."""
        return cls(Path(path).absolute())

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close it, and remove what DuckDB wrote beside."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    @property
    def parts(self) -> list[Part]:
        """Those that can be read."""
        self._connection()
        return self._parts

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a short answer."""
        return list(self._stream(lambda: sql, values))

    def _stream(self, sql: Callable[[], str], values: Sequence[object] = ()) -> Iterator[Row]:
        """The rows of an answer that DuckDB sorts or counts, some at a time.

        A part that it cannot read it meets before the first row: `sql` is then asked for anew, without that part.
        """
        begun = False
        while True:
            with closing(self._connection().cursor()) as cursor:
                try:
                    cursor.execute(sql(), list(values))
                    while rows := cursor.fetchmany(_AT_ONCE):
                        begun = True
                        yield from rows
                    return
                except duckdb.Error as error:
                    if begun or not self._leave_out_unreadable():
                        raise self._store_error(error) from error

    def _connection(self) -> Any:
        if self._opened is None:
            for path in self._listed:
                try:
                    self._parts.append(read_part(path))
                except UnreadablePartError as error:
                    self._tell_part(path, str(error))
            self._temporary = Path(tempfile.mkdtemp(prefix="edgeleuk-"))
            self._opened = duckdb.connect(":memory:", config=_settings(self._temporary))
            self._define_tables()
        return self._opened

    def _define_tables(self) -> None:
        for statement in tables([part.path for part in self._parts]):
            self._opened.execute(statement)

    def _leave_out_unreadable(self) -> bool:
        """Read every part by itself and leave out those that cannot be; whether there were any."""
        before = len(self._parts)
        self._parts = [part for part in self._parts if self._is_readable(part.path)]
        self._define_tables()
        return len(self._parts) < before

    def _is_readable(self, part: Path) -> bool:
        """Whether all of a part can be read; told if not. It counts as readable if only memory is lacking."""
        try:
            read_part(part)
            with closing(self._opened.cursor()) as cursor:
                cursor.execute(_READ_ALL, [str(part)]).fetchall()
        except duckdb.OutOfMemoryException:
            return True
        except UnreadablePartError as error:
            self._tell_part(part, str(error))
            return False
        except duckdb.Error as error:
            self._tell_part(part, f"it is damaged: {one_reason(error)}")
            return False
        return True

    def _tell_part(self, part: Path, reason: str) -> None:
        named = str(part.relative_to(self.path))
        self._tell_once(named, f"{named} cannot be read and is passed over: {reason}")

    def _store_error(self, error: Exception) -> StoreError:
        limits = f"{_memory() >> 20} MiB of memory and what is free in {tempfile.gettempdir()} (TMPDIR)"
        return StoreError(f"{self.path}: {one_reason(error)}; DuckDB may take {limits}", passing=True)


def _memory() -> int:
    return min(_MOST_MEMORY, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)


def _settings(temporary: Path) -> dict[str, str | int | bool]:
    """No extension is fetched from the network, and nothing is written but temporary files."""
    return {
        "memory_limit": f"{_memory() >> 20}MiB",
        "threads": min(_MOST_THREADS, len(os.sched_getaffinity(0))),
        "temp_directory": str(temporary),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
