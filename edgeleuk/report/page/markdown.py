"""A benchmark report as Markdown: all but the pictures."""

import re
from collections.abc import Iterator, Sequence

from edgeleuk.bench.compare import threads_advice
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.rows import Row, rows_of, rows_of_record
from edgeleuk.report.page.summary import (
    Table,
    costs_table,
    evaluation_tables,
    figures_table,
    latency_table,
    operators_table,
    side_by_side,
    stages_table,
    suite_table,
)
from edgeleuk.report.page.verdict import Told, told
from edgeleuk.report.page.words import METHOD, accuracy_lines, device_rows, encodable, heading, protocol_rows
from edgeleuk.report.search.view import search_views
from edgeleuk.report.text.cascade import cascade_lines
from edgeleuk.runtime.decision import RESEARCH_USE

_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#|~"} | {"&": "&amp;"})


def render_markdown(material: Material) -> str:
    """The whole report but its pictures."""
    return encodable("\n\n".join(_parts(material)) + "\n")


def _parts(material: Material) -> Iterator[str]:
    yield f"# {heading(material)}"
    yield f"Research software, not a medical device. {RESEARCH_USE}"
    rows = rows_of(material.records)
    yield from map(_verdict, told(material, rows))
    if rows:
        yield "## Results"
        yield _table(latency_table(rows))
        yield _table(costs_table(rows, material))
    beside = side_by_side(rows)
    if beside is not None:
        yield f"## Devices side by side\n\n{_table(beside)}"
    if material.accuracies:
        yield f"## Accuracy\n\n{_list(accuracy_lines(material))}"
        yield from (_table(table) for found in material.accuracies for table in evaluation_tables(found))
    yield from _searches(material, rows)
    yield from _records(material, rows)
    for suite in material.suites:
        yield f"## Suite {plain(suite.name)}\n\n{plain(f'{suite.machine}, {suite.created}')}"
        yield _table(suite_table(suite))
    for figures in material.figures:
        yield f"## {plain(figures.name)}\n\n{plain(figures.machine)}\n\n{_table(figures_table(figures))}"
    if material.records:
        yield "## Method\n\n" + _list(METHOD)


def _searches(material: Material, rows: tuple[Row, ...]) -> Iterator[str]:
    for view in search_views(material, rows, with_pictures=False):
        yield f"## {plain(view.title)}"
        yield f"**{plain(view.verdict.sentence)}**"
        yield _list([f"{name}: {text}" for name, text in view.outcome])
        if view.notes or view.beside:
            yield _list(view.notes + view.beside)
        if view.front is not None:
            yield _table(view.front)
        yield _list([f"{name}: {text}" for name, text in view.asked])
        yield from map(_table, view.details)
        if view.commands:
            yield "### To reproduce"
            yield "\n\n".join(map(_code, view.commands))


def _records(material: Material, rows: Sequence[Row]) -> Iterator[str]:
    for record in material.records:
        own = rows_of_record(record, rows)
        yield f"## {plain(record.label)}, {plain(record.created)}"
        if record.invalid:
            yield "**Not valid, do not quote these numbers:**\n\n" + _list(record.invalid)
        else:
            yield "Valid: not throttled as far as the device reports, not disturbed, intervals narrow enough."
        advice = threads_advice(record.results)
        if advice:
            yield _list(advice)
        stages = stages_table(own)
        if stages is not None:
            yield _table(stages)
        for result in record.results:
            operators = operators_table(result)
            if operators is not None:
                yield f"### {plain(result.title)}\n\n{_table(operators)}"
            said = [*cascade_lines(result), *result.notes]
            if said:
                yield _list([f"{result.title}: {line}" for line in said])
        yield "### Device\n\n" + _list([f"{name}: {text}" for name, text in device_rows(record)])
        yield "### Protocol\n\n" + _list([f"{name}: {text}" for name, text in protocol_rows(record)])


def _table(table: Table) -> str:
    sides = ("---", *("---:" for _ in table.head[1:]))
    rows = [map(plain, table.head), sides, *(map(plain, row) for row in table.rows)]
    text = f"{plain(table.title)}:\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{text}\n\n{_list(table.notes)}" if table.notes else text


def _verdict(found: Told) -> str:
    first, *others = found.sentences or ("Nothing was measured.",)
    text = " ".join([f"**{plain(first)}**", *map(plain, others)])
    return f"{text}\n\n{_list(found.caveats)}" if found.caveats else text


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)


def _code(text: str) -> str:
    """A block of code that nothing in the text ends."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"


def plain(text: str) -> str:
    """Text on one line that no renderer takes for markup or for the end of a cell."""
    return "".join(c if c.isprintable() else " " for c in text).translate(_MARKUP)
