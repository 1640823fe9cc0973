"""Results as CSV that a spreadsheet opens without running anything in it."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store.database import Store
from edgeleuk.store.record import Filter, Result

_PAGE = 500
_COLUMNS = (
    *("id", "created", "path", "subject", "label", "probability", "stage"),
    *("source", "device", "sha256", "model_sha256"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of a formula


def csv_pages(store: Store, wanted: Filter, classes: Sequence[str], limit: int | None = None) -> Iterator[str]:
    """The results of the filter, oldest first, as CSV text of some hundred rows at a time; `classes` get columns.

    Read page by page: no reading transaction stays open, whatever the speed of who downloads. Raises StoreError.
    """
    probabilities = [f"p_{name}" for name in classes]
    yield _text([[*_COLUMNS, *probabilities, "probabilities", "note"]])
    results = store.query(wanted, limit=limit)
    while page := list(islice(results, _PAGE)):
        yield _text([_row(result, classes) for result in page])


def safe_cell(value: object) -> str:
    """Text of a cell; with an apostrophe before what a spreadsheet would run."""
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _row(result: Result, classes: Sequence[str]) -> list[object]:
    known = result.to_dict()
    values = [known[column] for column in _COLUMNS]
    numbers = [result.probabilities.get(name) for name in classes]  # none where another model said it
    return [*values, *numbers, json.dumps(result.probabilities), RESEARCH_USE]


def _text(rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([safe_cell(value) for value in row] for row in rows)
    return stream.getvalue()
