"""Results as CSV that a spreadsheet opens without running anything in it."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.safe_csv import csv_text
from edgeleuk.store.database import Store
from edgeleuk.store.record import Filter, Result

BYTE_ORDER_MARK = "\ufeff"  # from which Excel knows that the text is UTF-8
_PAGE = 500
_COLUMNS = (
    *("id", "created", "path", "subject", "label", "probability", "corrected_label", "corrected_by", "corrected_at"),
    *("warnings", "model_name", "model_sha256", "stage", "source", "device", "sha256"),
)


def csv_pages(store: Store, wanted: Filter, classes: Sequence[str], after_id: int | None = None) -> Iterator[str]:
    """The results of the filter after `after_id`, oldest first, as CSV text of some hundred rows at a time.

    `classes` get columns. Read page by page: no reading transaction stays open, whatever the speed of who downloads.
    Raises StoreError.
    """
    probabilities = [f"p_{name}" for name in classes]
    yield csv_text([[*_COLUMNS, *probabilities, "probabilities", "note"]])
    results = store.query(wanted, after_id=after_id)
    while page := list(islice(results, _PAGE)):
        yield csv_text([_row(result, classes) for result in page])


def _row(result: Result, classes: Sequence[str]) -> list[object]:
    known = result.to_dict() | {"warnings": "; ".join(result.warnings)}
    values = [known[column] for column in _COLUMNS]
    numbers = [result.probabilities.get(name) for name in classes]  # none if another model said it
    return [*values, *numbers, json.dumps(result.probabilities), RESEARCH_USE]
