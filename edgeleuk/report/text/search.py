"""A search's record as text for a terminal: what `edgeleuk optimize` prints at its end."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.report.page.summary import Table
from edgeleuk.report.search.tables import fixed_row, front_table
from edgeleuk.report.search.verdict import gate_rows
from edgeleuk.report.search.words import asked_rows, chosen_rows, commands, reference_rows, tried_rows
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.text import one_line, shortened, table

WIDTH = 120
_GAP = 2
_SIDE = 10  # where the text beside a name begins
_TOKENS = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")


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


def table_lines(found: Table) -> Iterator[str]:
    """The table in columns, its title above; columns for which there is no room stand below under the first one's."""
    yield from textwrap.wrap(found.title, WIDTH)
    columns = [[shortened(text, WIDTH // 2) for text in column] for column in zip(found.head, *found.rows, strict=True)]
    for number, part in enumerate(_parts(columns)):
        if number:
            yield ""
        yield from table(list(zip(*part, strict=True)))


def named_lines(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A name and its text a line, which goes on below itself if it is too long."""
    for name, text in rows:
        wrapped = textwrap.wrap(one_line(text), WIDTH - _SIDE, break_on_hyphens=False) or [""]
        yield f"{name:{_SIDE}}{wrapped[0]}".rstrip()
        yield from (f"{'':{_SIDE}}{line}" for line in wrapped[1:])


def command_lines(command: str) -> Iterator[str]:
    """A command for a shell, wrapped between words; as it is if its words cannot be split."""
    tokens = _TOKENS.findall(command)
    if len(command) <= WIDTH - _GAP or " ".join(tokens) != command or any(token.startswith("#") for token in tokens):
        yield f"{'':{_GAP}}{command}"
        return
    line = f"{'':{_GAP}}{tokens[0]}"
    for token in tokens[1:]:
        if len(line) + len(token) + 3 > WIDTH:
            yield f"{line} \\"
            line = f"{'':{2 * _GAP}}{token}"
        else:
            line += f" {token}"
    yield line


def _parts(columns: Sequence[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Columns that fit beside each other, each time with the first one."""
    first, *others = columns
    part, used = [first], _width(first)
    for column in others:
        if used + _GAP + _width(column) > WIDTH and len(part) > 1:
            yield part
            part, used = [first], _width(first)
        part.append(column)
        used += _GAP + _width(column)
    yield part


def _width(column: Sequence[str]) -> int:
    return max(map(len, column))
