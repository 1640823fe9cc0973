"""CSV that a spreadsheet opens without running anything in it: the one writer of every CSV file."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

# What a spreadsheet takes for the start of a formula, the full-width forms that some take for it included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_QUOTE = "'"


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, a line feed after each. Text that a spreadsheet would run gets an apostrophe before it."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([safe_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def csv_of(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows that share their keys, of which the first line is made."""
    return csv_text([list(rows[0]), *(list(row.values()) for row in rows)])


def safe_cell(value: object) -> str:
    """Text of a cell; with an apostrophe before what a spreadsheet would run. A number is never a formula."""
    text = "" if value is None else str(value)
    return f"{_QUOTE}{text}" if isinstance(value, str) and _would_run(text) else text


def plain_cell(text: str) -> str:
    """The text that `safe_cell` was given."""
    return text[1:] if text.startswith(_QUOTE) and _would_run(text) else text


def _would_run(text: str) -> bool:
    return text.lstrip(_QUOTE).lstrip(" ").startswith(_FORMULA)  # apostrophes counted, so that it can be undone
