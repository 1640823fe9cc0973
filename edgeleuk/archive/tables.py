"""The parts of an archive as tables of a store: SQL for DuckDB, of views with the columns that a store has."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgeleuk.archive.schema import SCHEMA
from edgeleuk.store.rows import COLUMNS

_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int8": "TINYINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
    "list<item: string>": "VARCHAR[]",
    "map<string, double>": "MAP(VARCHAR, DOUBLE)",
}
_AS_IN_A_STORE = {
    "path": "image",
    "source": "'file'",
    "warnings": "CASE WHEN len(warnings) > 0 THEN warnings END",
    "corrected_label": "NULL::VARCHAR",
    "corrected_by": "NULL::VARCHAR",
    "corrected_at": "NULL::VARCHAR",
}
# As a store has them: an image has one failure, its last, and none that was followed by a result of it.
_FAILURES = """
CREATE OR REPLACE VIEW failures AS
WITH failed AS (
    SELECT *, row_number() OVER (PARTITION BY image ORDER BY created DESC, model_sha256 DESC, version DESC) AS back
    FROM rows WHERE error IS NOT NULL
), answered AS (
    SELECT image, sha256, created FROM rows WHERE error IS NULL
)
SELECT image AS path, error, sha256, 'file' AS source, created, subject
FROM failed
WHERE back = 1
    AND NOT EXISTS (FROM answered WHERE answered.image = failed.image AND answered.created >= failed.created)
    AND NOT EXISTS (FROM answered WHERE answered.sha256 = failed.sha256 AND answered.created >= failed.created)
"""


def tables(parts: Sequence[Path]) -> Iterator[str]:
    """The statements that define `rows`, all that the parts hold, `results` and `failures`."""
    yield f"CREATE OR REPLACE VIEW rows AS {_rows_of(parts)}"
    yield f"CREATE OR REPLACE VIEW results AS {results_of('rows')}"
    yield _FAILURES


def results_of(rows: str) -> str:
    """The SELECT of the results, with a store's columns but for `id`, in rows with an archive's."""
    columns = ", ".join(f"{_AS_IN_A_STORE[name]} AS {name}" if name in _AS_IN_A_STORE else name for name in COLUMNS)
    return f"SELECT {columns} FROM {rows} WHERE duplicate IS NOT TRUE AND error IS NULL"


def results_in(parts: Sequence[Path]) -> str:
    """The SELECT of the results in these parts alone."""
    return results_of(f"({_rows_of(parts)})")


def stamp(column: str) -> str:
    """A time as a store writes it, whatever the time zone of the session."""
    return f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%S.%gZ')"


def _rows_of(parts: Sequence[Path]) -> str:
    if not parts:
        return f"SELECT {', '.join(f'NULL::{_TYPES[str(field.type)]} AS {field.name}' for field in SCHEMA)} WHERE false"
    return f"SELECT {', '.join(SCHEMA.names)} FROM read_parquet([{_quoted(parts)}], hive_partitioning = false)"


def _quoted(parts: Sequence[Path]) -> str:
    return ", ".join("'" + str(part).replace("'", "''") + "'" for part in parts)
