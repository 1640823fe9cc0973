"""What a store holds, as lines for people and for programs."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.files import whole_file
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store.database import Store
from edgeleuk.store.export import csv_pages
from edgeleuk.store.record import Failure, Filter, SubjectSummary, parse_time
from edgeleuk.text import printable


def results_table(store: Store, wanted: Filter, limit: int | None) -> Iterator[str]:
    """The latest results of the filter, at most `limit`, the latest last; a line for each and one that counts them."""
    latest = list(store.query(wanted, limit=limit, newest_first=True))[::-1]
    if latest:
        yield f"{'created':24}  {'label':8}  {'prob.':>6}  {'subject':12}  {'source':6}  image"
    for row in latest:
        yield (
            f"{row.created:24}  {row.label:8}  {row.probability:6.4f}  {row.subject or '-':12}  {row.source:6}  "
            f"{printable(row.path)}"
        )
    yield f"{len(latest)} of {store.count(wanted)} results"
    yield RESEARCH_USE


def results_json(store: Store, wanted: Filter, limit: int | None) -> Iterator[str]:
    """The results of the filter in the order they were stored, one JSON object a line."""
    return (json.dumps(result.to_dict(), allow_nan=False) for result in store.query(wanted, limit=limit))


def results_csv(store: Store, wanted: Filter, limit: int | None) -> Iterator[str]:
    """The results of the filter in the order they were stored, as CSV with a head, some hundred rows at a time."""
    first = next(store.query(wanted, limit=1), None)
    pages = csv_pages(store, wanted, list(first.probabilities) if first else [], limit)
    return (page.removesuffix("\n") for page in pages)


def subjects_table(summaries: Iterable[SubjectSummary]) -> Iterator[str]:
    """A line for each subject: images, labels, first and last time."""
    yield f"{'subject':16}  {'images':>6}  {'first':24}  {'last':24}  labels"
    for found in summaries:
        labels = ", ".join(f"{label} {count}" for label, count in sorted(found.labels.items()))
        yield f"{printable(found.subject or '-'):16}  {found.total:6}  {found.first:24}  {found.last:24}  {labels}"
    yield RESEARCH_USE


def subjects_json(summaries: Iterable[SubjectSummary]) -> Iterator[str]:
    """The same, one JSON object a line."""
    return (json.dumps(vars(found)) for found in summaries)


def failures_table(failures: Iterable[Failure]) -> Iterator[str]:
    """A line for each image that could not be classified."""
    return (f"{found.created:24}  {found.source:6}  {printable(found.path)}: {found.error}" for found in failures)


def failures_json(failures: Iterable[Failure]) -> Iterator[str]:
    """The same, one JSON object a line."""
    return (json.dumps(vars(found) | {"path": found.path.encode("utf-8", "replace").decode()}) for found in failures)


RESULTS: dict[str, Callable[[Store, Filter, int | None], Iterator[str]]] = {
    "table": results_table,
    "json": results_json,
    "csv": results_csv,
}


@dataclass(frozen=True)
class Listing:
    """What to list, and how: "table", "json" or "csv"."""

    form: str = "table"
    wanted: Filter = field(default_factory=Filter)
    limit: int | None = None
    subjects: bool = False
    failures: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError where the request does not fit together."""
        if self.subjects and self.failures:
            raise UsageError("--subjects and --failures exclude each other")
        if (self.subjects or self.failures) and (self.form == "csv" or self.wanted != Filter()):
            raise UsageError("--subjects and --failures take no filter and no --csv")


def lines(store: Store, asked: Listing) -> Iterator[str]:
    """The lines of a listing. Raises StoreError."""
    table = asked.form == "table"
    if asked.subjects:
        return (subjects_table if table else subjects_json)(store.subjects())
    if asked.failures:
        return (failures_table if table else failures_json)(store.failures(asked.limit))
    limit = 20 if table and asked.limit is None else asked.limit
    return RESULTS[asked.form](store, asked.wanted, limit)


def make_filter(
    since: str | None = None, until: str | None = None, model: str | None = None, **others: str | None
) -> Filter:
    """A filter of what a user wrote. Raises UsageError for what is no time or no SHA-256."""
    if model is not None and not re.fullmatch(r"[0-9a-f]{64}", model):
        raise UsageError(f"--model {model!r} is no SHA-256; expected 64 hex digits, as 'results --json' prints them")
    times = {name: parse_time(text) for name, text in (("since", since), ("until", until)) if text is not None}
    return Filter(model_sha256=model, **others, **times)


def write_lines(made: Iterable[str], output: Path | None) -> None:
    """Print the lines, or write them to a file, whole or not at all. Raises OutputError."""
    if output is None:
        for line in made:
            print(line)
        return
    with whole_file(output) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in made)
