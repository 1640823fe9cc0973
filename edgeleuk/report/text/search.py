"""A search's record as text for a terminal: what `edgeleuk optimize` prints at its end."""

from collections.abc import Iterator

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.report.search.tables import fixed_row, front_table
from edgeleuk.report.search.verdict import gate_rows
from edgeleuk.report.search.words import asked_rows, chosen_rows, commands, reference_rows, tried_rows
from edgeleuk.report.text.columns import command_lines, named_lines, table_lines
from edgeleuk.runtime.decision import RESEARCH_USE


def render_search(record: SearchRecord) -> str:
    """The whole record but its single trials, at most 120 columns wide, ending in a newline."""
    parts = [_asked(record), _front(record), _outcome(record), _reproduce(record), iter([RESEARCH_USE])]
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def _asked(record: SearchRecord) -> Iterator[str]:
    yield from named_lines(asked_rows(record))
    yield from named_lines(tried_rows(record))


def _front(record: SearchRecord) -> Iterator[str]:
    table = front_table(record)
    if table is not None:
        yield from table_lines(table)
        yield from named_lines(fixed_row(record))


def _outcome(record: SearchRecord) -> Iterator[str]:
    yield from named_lines(chosen_rows(record))
    yield from named_lines(reference_rows(record))
    yield from named_lines(gate_rows(record))
    yield from named_lines(("note", note) for note in record.notes)


def _reproduce(record: SearchRecord) -> Iterator[str]:
    if commands(record):
        yield "to reproduce"
    for command in commands(record):
        yield from command_lines(command)
