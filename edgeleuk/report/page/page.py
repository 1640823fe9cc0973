"""A benchmark report as one HTML file that needs nothing else: pictures, tables, method, and the records inside it."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from edgeleuk import __version__
from edgeleuk.bench.compare import threads_advice
from edgeleuk.bench.record import Result
from edgeleuk.errors import MissingExtraError
from edgeleuk.report.page.gallery import MOST_ROWS, Picture, overview_pictures, record_pictures, untold
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.reliability import reliability_pictures
from edgeleuk.report.page.rows import Row, rows_of, rows_of_record
from edgeleuk.report.page.summary import (
    Table,
    accuracy_points,
    costs_table,
    evaluation_tables,
    figures_table,
    latency_table,
    operators_table,
    side_by_side,
    stages_table,
    suite_table,
)
from edgeleuk.report.page.verdict import told
from edgeleuk.report.page.words import METHOD, accuracy_lines, device_rows, encodable, heading, protocol_rows
from edgeleuk.report.search.view import search_views
from edgeleuk.report.text.benchmark import delegate_text, remarks
from edgeleuk.report.text.cascade import cascade_lines
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.text import counted, minute


@dataclass(frozen=True)
class _ResultView:
    title: str
    facts: tuple[str, ...]
    operators: Table | None


@dataclass(frozen=True)
class _RecordView:
    anchor: str
    title: str
    invalid: tuple[str, ...]
    advice: tuple[str, ...]
    pictures: tuple[Picture, ...]
    untold: str
    stages: Table | None
    results: tuple[_ResultView, ...]
    device: tuple[tuple[str, str], ...]
    protocol: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _SuiteView:
    anchor: str
    title: str
    about: str
    table: Table


@dataclass(frozen=True)
class _Entry:
    """Of the contents; `mark` is "valid" or what else is said of it, empty if there is no such question."""

    anchor: str
    title: str
    mark: str = ""
    good: bool | None = None


def render_page(material: Material) -> str:
    """The page. Raises MissingExtraError without the 'report' extra."""
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("a report page", "report") from error
    template = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    rows = rows_of(material.records)
    script = page_file("page.js")
    content = _content(material, rows)
    text: str = template.from_string(page_file("page.html.j2")).render(
        **content,
        version=__version__,
        research_use=RESEARCH_USE,
        heading=heading(material),
        headline=_headline(material, rows),
        contents=list(_contents(material, content)),
        embedded=embed(material.sources),
        script=script,
        style=page_file("page.css"),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return encodable(text)


def _content(material: Material, rows: tuple[Row, ...]) -> dict[str, Any]:
    return {
        "tables": [latency_table(rows), costs_table(rows, material)] if rows else [],
        "pictures": overview_pictures(rows, accuracy_points(rows, material)),
        "crowded": len(rows) > MOST_ROWS,
        "side_by_side": side_by_side(rows),
        "verdicts": told(material, rows),
        "accuracies": accuracy_lines(material),
        "evaluations": [
            (found.model, evaluation_tables(found), reliability_pictures(found, f"evaluation-{number}"))
            for number, found in enumerate(material.accuracies)
        ],
        "searches": search_views(material, rows),
        "records": list(_records(material, rows)),
        "suites": list(_suites(material)),
        "method": METHOD if material.records else (),
    }


def embed(sources: tuple[tuple[str, Any], ...]) -> str:
    """The files' JSON as one array of {"name", "content"}, compressed, as text that a page can hold."""
    plain = [{"name": name, "content": content} for name, content in sources]
    packed = gzip.compress(json.dumps(plain, separators=(",", ":")).encode(), 9, mtime=0)
    return base64.b64encode(packed).decode()


def page_file(name: str) -> str:
    """Text of a file of the page: its template, its style or its script."""
    return files("edgeleuk.report.page").joinpath(name).read_text(encoding="utf-8")


def _headline(material: Material, rows: Sequence[Row]) -> str:
    if not material.records:
        return ""
    devices = len({record.label for record in material.records})
    valid = sum(not record.invalid for record in material.records)
    counts = [
        counted(count, noun)
        for count, noun in ((len(rows), "result"), (len(material.records), "record"), (devices, "device"))
    ]
    return f"{' of '.join(counts[:2])} on {counts[2]}; {valid} of {len(material.records)} valid."


def _contents(material: Material, content: dict[str, Any]) -> Iterator[_Entry]:
    named = (
        ("tables", "results", "Results"),
        ("side_by_side", "devices", "Devices side by side"),
        ("accuracies", "accuracy", "Accuracy"),
    )
    yield from (_Entry(anchor, title) for key, anchor, title in named if content[key])
    yield from (_Entry(v.anchor, v.title, v.verdict.mark, v.verdict.good) for v in content["searches"])
    for view in content["records"]:
        yield _Entry(view.anchor, view.title, "not valid" if view.invalid else "valid", not view.invalid)
    yield from (_Entry(suite.anchor, suite.title) for suite in content["suites"])
    if material.records:
        yield _Entry("method", "Method")


def _records(material: Material, rows: Sequence[Row]) -> Iterator[_RecordView]:
    for number, record in enumerate(material.records):
        own = rows_of_record(record, rows)
        yield _RecordView(
            f"record-{number}",
            f"{record.label}, {minute(record.created)}",
            record.invalid,
            threads_advice(record.results),
            record_pictures(record, own, f"record-{number}", alone=len(material.records) == 1),
            untold(record),
            stages_table(own),
            tuple(_ResultView(row.result.title, tuple(_facts(row.result)), operators_table(row.result)) for row in own),
            device_rows(record),
            protocol_rows(record),
        )


def _suites(material: Material) -> Iterator[_SuiteView]:
    for number, suite in enumerate(material.suites):
        yield _SuiteView(
            f"suite-{number}", f"Suite {suite.name}", f"{suite.machine}, {suite.created}", suite_table(suite)
        )
    for number, figures in enumerate(material.figures):
        yield _SuiteView(f"figures-{number}", figures.name, figures.machine, figures_table(figures))


def _facts(result: Result) -> Iterator[str]:
    model = result.model
    yield f"sha256 {model.sha256}, {model.size_bytes / 1e6:.2f} MB"
    for kind, tensors in (("input", model.inputs), ("output", model.outputs)):
        yield f"{kind} " + ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors)
    if model.spec is not None:
        yield f"classes {', '.join(map(str, model.spec.get('classes', ())))}"
    if model.proof is not None:
        proof = model.proof
        yield f"proof of {proof.get('precision')}: {proof.get('float_tensors')} float tensors, " + (
            f"{proof.get('quantize_nodes')} QUANTIZE and {proof.get('dequantize_nodes')} DEQUANTIZE nodes"
        )
    yield from cascade_lines(result)
    if result.arena_bytes is not None:
        yield f"{result.arena_bytes / 1024:,.0f} KiB planned for activations, without what the delegate takes"
    if result.coverage is not None:
        yield delegate_text(result.coverage)
    yield from remarks(result)
