"""The Parquet files of an archive: which there are, whether each is whole and has its columns, and its times."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from edgeleuk.archive.schema import PARTS, SCHEMA

_FOLDERS = "model=*"


class UnreadablePartError(Exception):
    """Why a part cannot be read."""


@dataclass(frozen=True)
class Part:
    """A part, and the first and the last time in it, None where it does not say."""

    path: Path
    first: datetime | None = None
    last: datetime | None = None

    def may_hold(self, start: datetime, end: datetime) -> bool:
        """Whether a row of it may be from `start` on and before `end`."""
        return (self.last is None or self.last >= start) and (self.first is None or self.first < end)


def parts_of(folder: Path) -> list[Path]:
    """The finished parts, in order of their names. What is still being written has another name. Raises OSError."""
    return sorted(folder.glob(f"{_FOLDERS}/{PARTS}"))


def read_part(path: Path) -> Part:
    """Read the end of a part, which says what is in it. Raises UnreadablePartError."""
    try:
        with pq.ParquetFile(path) as opened:
            found, metadata = opened.schema_arrow, opened.metadata
    except FileNotFoundError as error:
        raise UnreadablePartError("it is no longer there") from error
    except PermissionError as error:
        raise UnreadablePartError(str(error.strerror)) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadablePartError(f"it is cut off, damaged or no Parquet: {one_reason(error)}") from error
    wrong = [_told(field, found) for field in SCHEMA if not _fits(field, found)]
    if wrong:
        raise UnreadablePartError(f"it has other columns than an archive: {', '.join(wrong)}")
    return Part(path, *_span(metadata))


def one_reason(error: Exception) -> str:
    """The first line of what a library says."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _span(metadata: pq.FileMetaData) -> tuple[datetime | None, datetime | None]:
    """First and last time, of the statistics that a writer may leave out."""
    column = next(n for n in range(metadata.num_columns) if metadata.schema.column(n).path == "created")
    groups = [metadata.row_group(number).column(column).statistics for number in range(metadata.num_row_groups)]
    if not groups or not all(group is not None and group.has_min_max for group in groups):
        return None, None
    return min(group.min for group in groups), max(group.max for group in groups)


def _fits(field: pa.Field, found: pa.Schema) -> bool:
    return field.name in found.names and _kind(found.field(field.name).type) == _kind(field.type)


def _kind(kind: pa.DataType) -> str:
    """A type, whatever its nullability and the names of its inner fields."""
    if pa.types.is_map(kind):
        return f"map of {_kind(kind.key_type)} to {_kind(kind.item_type)}"
    if pa.types.is_list(kind):
        return f"list of {_kind(kind.value_type)}"
    return str(kind)


def _told(field: pa.Field, found: pa.Schema) -> str:
    if field.name not in found.names:
        return f"no {field.name}"
    return f"{field.name} is {_kind(found.field(field.name).type)}, not {_kind(field.type)}"
