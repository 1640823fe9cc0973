"""What a store or an archive holds, as lines for people and for programs; CSV runs nothing in a spreadsheet."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.files import whole_file
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.safe_csv import csv_text
from edgeleuk.store.answers import Answers
from edgeleuk.store.asking import empty_because, model_column
from edgeleuk.store.record import Result
from edgeleuk.store.times import device_zone, local
from edgeleuk.store.values import Change, Failure, Filter
from edgeleuk.text import printable, printable_lines, table

BYTE_ORDER_MARK = "\ufeff"  # from which Excel knows that the text is UTF-8
_PAGE = 500
_COLUMNS = (
    *("id", "created", "path", "subject", "label", "probability", "corrected_label", "corrected_by", "corrected_at"),
    *("warnings", "model_name", "model_sha256", "stage", "source", "device", "sha256"),
    "measures",
)


def csv_pages(results: Iterator[Result], classes: Sequence[str]) -> Iterator[str]:
    """The results as CSV text with a head, some hundred rows at a time; `classes` get columns. Raises StoreError.

    They are read as they are asked for. Of a store, `query` reads them page by page: no reading transaction stays
    open, whatever the speed of who downloads.
    """
    probabilities = [f"p_{name}" for name in classes]
    yield csv_text([[*_COLUMNS, *probabilities, "probabilities", "note"]])
    while page := list(islice(results, _PAGE)):
        yield csv_text([_row(result, classes) for result in page])


def _row(result: Result, classes: Sequence[str]) -> list[object]:
    known = result.to_dict() | {"warnings": "; ".join(result.warnings)}
    known["measures"] = json.dumps(result.measures) if result.measures else ""
    values = [known[column] for column in _COLUMNS]
    numbers = [result.probabilities.get(name) for name in classes]  # none if another model said it
    return [*values, *numbers, json.dumps(result.probabilities), RESEARCH_USE]


def results_table(store: Answers, wanted: Filter, limit: int | None) -> Iterator[str]:
    """The latest results of the filter, at most `limit`, the latest last; a line for each and one that counts them."""
    latest = list(store.query(wanted, limit=limit, newest_first=True))[::-1]
    head = ("id", f"time ({device_zone()})", "label", "prob.", "subject", "source", "model", "image")
    if latest:
        yield from table([head, *map(_cells, latest)], "><<><")
    total = store.count(wanted)
    because = "" if total else f": {empty_because(store, wanted)}"
    yield f"{len(latest)} of {total} results{because}"
    yield RESEARCH_USE


def results_json(store: Answers, wanted: Filter, limit: int | None) -> Iterator[str]:
    """The latest results of the filter, at most `limit`, in the order they were stored, one JSON object a line."""
    return (json.dumps(result.to_dict(), allow_nan=False) for result in store.latest(wanted, limit))


def results_csv(store: Answers, wanted: Filter, limit: int | None) -> Iterator[str]:
    """The results that `results_json` lists, as CSV with a head, some hundred rows at a time."""
    results = store.latest(wanted, limit)
    first = list(islice(results, 1))
    pages = csv_pages(chain(first, results), [name for each in first for name in each.probabilities])
    return (page.removesuffix("\n") for page in pages)


def failures_table(failures: Iterable[Failure]) -> Iterator[str]:
    """A line for each image that could not be classified, or one that says that there is none."""
    none = True
    for found in failures:
        none = False
        yield f"{local(found.created):25}  {found.source:6}  {printable(found.path)}: {printable(found.error)}"
    if none:
        yield "no failures: every image that came could be classified"


def changes_table(changes: Iterable[Change]) -> Iterator[str]:
    """A line for each change that people made, the latest first, or one that says that there is none."""
    none = True
    for found in changes:
        none = False
        what = f"{found.what} of result {found.result_id}: {printable(_change(found))}"
        yield f"{local(found.at):25}  {printable(found.by)}: {what}"
    if none:
        yield "no changes: nothing was corrected or deleted"


RESULTS: dict[str, Callable[[Answers, Filter, int | None], Iterator[str]]] = {
    "table": results_table,
    "json": results_json,
    "csv": results_csv,
}


@dataclass(frozen=True)
class Listing:
    """What to list, and how: "table", "json" or "csv".

    `model` is for the sums: which model's, or "all"; `errors_from` and `width` too, as of `edgeleuk.store.sums.Sums`.
    """

    form: str = "table"
    wanted: Filter = field(default_factory=Filter)
    limit: int | None = None
    subjects: bool = False
    failures: bool = False
    changes: bool = False
    model: str | None = None
    byte_order_mark: bool = False
    errors_from: Path | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if the request does not fit together."""
        others = [f"--{name}" for name in ("subjects", "failures", "changes") if getattr(self, name)]
        if len(others) > 1:
            raise UsageError(f"{' and '.join(others)} cannot be combined")
        if others and (self.form == "csv" or self.wanted != Filter()):
            but = " but --model" if self.subjects else ""
            raise UsageError(f"{others[0]} takes no filter{but} and no --csv")
        if self.byte_order_mark and self.form != "csv":
            raise UsageError("--excel needs --csv")
        if self.subjects and self.limit is not None:
            raise UsageError("--limit works with results, --failures or --changes")
        if not self.subjects and (self.errors_from is not None or self.width is not None):
            raise UsageError("--error-rates and --width need --subjects")


def lines(store: Answers, asked: Listing) -> Iterator[str]:
    """The lines of a listing. Raises StoreError, UsageError."""
    table = asked.form == "table"
    if asked.subjects:
        from edgeleuk.store.sums import Sums, subjects_lines  # and with it numpy

        return subjects_lines(store, Sums(asked.model, asked.errors_from, asked.width), table)
    if asked.failures:
        return _told(store.failures(asked.limit), failures_table, table)
    if asked.changes:
        return _told(store.changes(asked.limit), changes_table, table)
    limit = 20 if table and asked.limit is None else asked.limit
    made = RESULTS[asked.form](store, asked.wanted, limit)
    return _marked(made) if asked.byte_order_mark else made


def write_lines(made: Iterable[str], output: Path | None) -> None:
    """Print the lines, or write them to a file atomically. Raises OutputError."""
    if output is None:
        shown = printable_lines if sys.stdout.isatty() else str
        for line in made:
            print(shown(line))
        return
    with whole_file(output) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in made)


def _cells(row: Result) -> tuple[object, ...]:
    warnings = f"  (kept apart: {', '.join(row.told_warnings)})" if row.warnings else ""
    model, probability = model_column(row.model, row.model_sha256), f"{row.probability:.4f}"
    told = (row.subject or "-", row.source, model, f"{row.path}{warnings}")
    return "-" if row.id is None else row.id, local(row.created), _label(row), probability, *told


def _told(found: "list[Failure] | list[Change]", table_of: Callable[..., Iterator[str]], table: bool) -> Iterator[str]:
    return table_of(found) if table else (json.dumps(each.to_dict()) for each in found)


def _marked(made: Iterator[str]) -> Iterator[str]:
    yield f"{BYTE_ORDER_MARK}{next(made)}"
    yield from made


def _change(change: Change) -> str:
    """What became of what; of a deleted result what the audit keeps of it, or all of that if it is damaged."""
    old, new = ("-" if value is None else value for value in (change.old, change.new))
    if change.what != "delete":
        return f"{old} -> {new}"
    try:
        kept = json.loads(old)
        label = kept["corrected_label"] or kept["label"]
        return f"{kept['path']}, subject {kept['subject'] or '-'}, {label}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return old


def _label(row: Result) -> str:
    """The model's label, and a person's beside it."""
    said = printable(row.shown(row.label))
    if row.corrected_label is None:
        return said
    return (
        f"{said} (confirmed)"
        if row.corrected_label == row.label
        else f"{said} -> {printable(row.shown(row.corrected_label))}"
    )
