"""A table of text, CSV or TSV as spreadsheets and scripts write it: its header and its rows, or what it is instead."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.errors import DataError

_DELIMITERS = (",", ";", "\t", "|")
_MOST_BYTES = 256 << 20
_SAVE = "save it as CSV in UTF-8"
_NO_TABLE = (  # by how a file begins
    (b"PK\x03\x04", "an Excel workbook or another ZIP file", _SAVE),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", _SAVE),
    (b"PAR1", "a Parquet file", _SAVE),
    (b"SQLite format 3", "a database", "export the table as CSV in UTF-8"),
    (b"version https://git-lfs", "a Git LFS pointer, not the table itself", "fetch it with 'git lfs pull'"),
    (b"\x1f\x8b", "a compressed file", "unpack it"),
    (b"%PDF", "a PDF", _SAVE),
)
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Table:
    """The header's names without blanks around, and each row that is not empty with its line number."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(path: Path) -> Table:
    """Read a table; cells are stripped of blanks. Raises DataError that names the line of what is malformed."""
    text = _text(path)
    first, _, rest = text.partition("\n")
    start = 1
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # how Excel marks its delimiter
        delimiter, text, start = first.strip()[4], rest, 2
    else:
        delimiter = _delimiter(path, first)
    lines = _rows(path, text, delimiter, start)
    header = next(lines, (start, ()))[1]
    if not any(header):
        raise DataError(f"{path} is empty; expected a table whose first line names its columns")
    if len(header) < 2:
        raise DataError(
            f"{path} has one column, {header[0]!r:.60}; expected columns of path and label with commas, semicolons or "
            "tabs between, named in the first line"
        )
    rows = tuple((line, _full(path, line, cells, header, delimiter)) for line, cells in lines if any(cells))
    if not rows:
        raise DataError(f"{path} holds no row below its header")
    return Table(path, header, rows)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path} has {path.stat().st_size:,} bytes; at most {_MOST_BYTES:,} of a table are read")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read as a table: {error.strerror}") from error
    for first, kind, mend in _NO_TABLE:
        if content.startswith(first):
            raise DataError(f"{path} is {kind}; {mend}")
    try:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")  # what Excel calls Unicode text
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start:,}); {_SAVE}") from error
    if "\0" in text:
        raise DataError(f"{path} holds NUL bytes and is no table of text; {_SAVE}")
    beginning = text.lstrip()[:100].lower()
    if beginning.startswith(("<!doctype", "<html", "<?xml", "<head", "<body", "<table")):
        raise DataError(f"{path} is a web page (HTML or XML), not a table; download the file itself, or {_SAVE}")
    if beginning.startswith(("{", "[{", "[[")):
        raise DataError(f"{path} is JSON, not a table; {_SAVE}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _delimiter(path: Path, header: str) -> str:
    """The one that parts the header into most cells; of a .tsv a tab if there is one."""
    if path.suffix.lower() in (".tsv", ".tab") and "\t" in header:
        return "\t"
    return max(_DELIMITERS, key=lambda sign: _cells(header, sign))


def _cells(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter), ()))
    except csv.Error:
        return 0


def _rows(path: Path, text: str, delimiter: str, start: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            yield start - 1 + reader.line_num, tuple(cell.strip() for cell in cells)
    except csv.Error as error:
        raise DataError(
            f"{path}, line {start - 1 + reader.line_num}: not a row of a table ({error}); quotes stand around a whole "
            "cell, and are doubled inside it"
        ) from error


def _full(path: Path, line: int, cells: tuple[str, ...], header: tuple[str, ...], delimiter: str) -> tuple[str, ...]:
    if len(cells) > len(header) and not any(cells[len(header) :]):
        return cells[: len(header)]
    if len(cells) != len(header):
        raise DataError(
            f"{path}, line {line}: {len(cells)} cells, but the header names {len(header)} columns with "
            f"{_NAMES.get(delimiter, repr(delimiter))} between; put a cell that holds one into quotes"
        )
    return cells
