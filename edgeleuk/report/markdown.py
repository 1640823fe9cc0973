"""A benchmark report as Markdown, and its results as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence

from edgeleuk.bench.compare import threads_advice
from edgeleuk.report.reading import Material
from edgeleuk.report.summary import (
    METHOD,
    Table,
    device_rows,
    figures_table,
    operators_table,
    protocol_rows,
    results_table,
    side_by_side,
    stages_table,
    suite_table,
)
from edgeleuk.runtime.decision import RESEARCH_USE


def render_markdown(material: Material) -> str:
    """The whole report but its pictures."""
    return "\n\n".join(_parts(material)) + "\n"


def render_csv(material: Material) -> str:
    """The results, one row each; of suites and figures where there are no results."""
    tables = [results_table(material)] if material.records else []
    tables += [suite_table(suite.timings) for suite in material.suites]
    tables += [figures_table(figures.rows) for figures in material.figures]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for table in tables:
        writer.writerow(table.head)
        writer.writerows(table.rows)
    return stream.getvalue()


def _parts(material: Material) -> Iterator[str]:
    yield "# Benchmark report"
    yield f"Research software, not a medical device. {RESEARCH_USE}"
    if material.records:
        yield from _records(material)
    for accuracy in material.accuracies:
        bounds = "" if accuracy.low is None else f", 95 % interval {accuracy.low:.3f} to {accuracy.high:.3f}"
        over = f"{accuracy.images:,} images of split '{accuracy.split}'"
        yield f"Accuracy of {accuracy.model}: {accuracy.value:.3f}{bounds}, on {over}."
    for suite in material.suites:
        yield f"## Suite {suite.name}\n\n{suite.machine}, {suite.created}\n\n{_table(suite_table(suite.timings))}"
    for figures in material.figures:
        yield f"## {figures.name}\n\n{figures.machine}\n\n{_table(figures_table(figures.rows))}"


def _records(material: Material) -> Iterator[str]:
    yield f"## Results\n\n{_table(results_table(material))}"
    beside = side_by_side(material)
    if beside is not None:
        yield f"## Devices side by side\n\n{_table(beside)}"
    for record in material.records:
        yield f"## {record.label}, {record.created}"
        if record.invalid:
            yield "**Not valid, do not quote these numbers:**\n\n" + _list(record.invalid)
        for advice in threads_advice(record.results):
            yield f"{advice}."
        stages = stages_table(record)
        if stages is not None:
            yield _table(stages)
        for result in record.results:
            if result.operators:
                yield f"### {result.title}\n\n{_table(operators_table(result))}"
            if result.notes:
                yield _list([f"{result.title}, not filled: {note}" for note in result.notes])
        yield "### Device\n\n" + _list([f"{name}: {text}" for name, text in device_rows(record)])
        yield "### Protocol\n\n" + _list([f"{name}: {text}" for name, text in protocol_rows(record)])
    yield "## Method\n\n" + _list(METHOD)


def _table(table: Table) -> str:
    rows = [table.head, ("---",) * len(table.head), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
