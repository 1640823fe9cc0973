"""What the page and Markdown show of each search: verdict, facts, pictures, tables, commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.report.page.gallery import Picture
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.rows import Row
from edgeleuk.report.page.summary import Table
from edgeleuk.report.page.words import accuracy_text
from edgeleuk.report.search.pictures import front_picture, rungs_picture
from edgeleuk.report.search.tables import fixed_row, front_table, refused_table, rungs_table, trials_table
from edgeleuk.report.search.verdict import Verdict, gate_rows, verdict
from edgeleuk.report.search.words import (
    asked_rows,
    chosen_rows,
    commands,
    reference_rows,
    search_title,
    tried_rows,
)


@dataclass(frozen=True)
class SearchView:
    """One search."""

    anchor: str
    title: str
    verdict: Verdict
    outcome: tuple[tuple[str, str], ...]
    beside: tuple[str, ...]
    asked: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    front: Table | None
    details: tuple[Table, ...]
    commands: tuple[str, ...]


def search_views(material: Material, rows: tuple[Row, ...], with_pictures: bool = True) -> list[SearchView]:
    """One view a search, in the order in which they were named. Raises MissingExtraError for pictures."""
    return [_view(number, record, material, rows, with_pictures) for number, record in enumerate(material.searches)]


def _view(number: int, record: SearchRecord, material: Material, rows: tuple[Row, ...], drawn: bool) -> SearchView:
    anchor = f"search-{number}"
    details = (trials_table(record), rungs_table(record), refused_table(record))
    return SearchView(
        anchor,
        f"Search within {search_title(record)}",
        verdict(record),
        tuple(chain(chosen_rows(record), reference_rows(record), gate_rows(record))),
        tuple(_beside(record, material, rows)),
        tuple(chain(asked_rows(record), tried_rows(record), fixed_row(record))),
        record.notes,
        tuple(_pictures(record, anchor)) if drawn else (),
        front_table(record),
        tuple(table for table in details if table is not None),
        commands(record),
    )


def _beside(record: SearchRecord, material: Material, rows: tuple[Row, ...]) -> Iterator[str]:
    """What the report's other records say of the models on the front, which are known by the hashes of their files."""
    for trial in map(record.trial, record.front):
        if trial.sha256 is None:
            continue
        for row in (row for row in rows if row.result.model.sha256 == trial.sha256):
            found = f"{row.name}, median {row.summary.p50_ms:.4g} ms" + ("" if row.valid else " (not valid)")
            yield f"Trial {trial.number} is measured in this report: {found}."
        accuracy = material.accuracy_of(trial.sha256)
        if accuracy is not None:
            text = f"accuracy {accuracy_text(accuracy)} on split '{accuracy.split}'"
            yield f"Trial {trial.number} is evaluated in this report: {text}."


def _pictures(record: SearchRecord, anchor: str) -> Iterator[Picture]:
    if record.trials:
        yield Picture(
            "Accuracy beside latency",
            front_picture(record, f"{anchor}-front"),
            "Up and left is better. The line joins the trials that no other beats in both; their names tell what they "
            "differ in as far as there is room, the table all of it. Pale: trials that were not completed, at the "
            "float accuracy of their last rung.",
        )
    if any(trial.rungs for trial in record.trials):
        yield Picture(
            "Halving",
            rungs_picture(record, f"{anchor}-rungs"),
            "Float accuracy at the rungs, where trials are compared: a line that ends early was stopped there.",
        )
