"""A benchmark report as one HTML file that needs nothing else: pictures, tables, method, and the records inside it."""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from edgeleuk import __version__
from edgeleuk.bench.compare import threads_advice
from edgeleuk.bench.record import Condition, Record, Result
from edgeleuk.errors import MissingExtraError
from edgeleuk.report import charts
from edgeleuk.report.reading import Material
from edgeleuk.report.summary import (
    METHOD,
    Table,
    accuracy_points,
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


@dataclass(frozen=True)
class _ResultView:
    title: str
    facts: tuple[str, ...]
    processes: str
    operators: Table | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _RecordView:
    title: str
    invalid: tuple[str, ...]
    advice: tuple[str, ...]
    thread_scaling: str | None
    stages: str | None
    stages_table: Table | None
    over_time: str | None
    results: tuple[_ResultView, ...]
    device: tuple[tuple[str, str], ...]
    protocol: tuple[tuple[str, str], ...]


def render_page(material: Material) -> str:
    """The page. Raises MissingExtraError without the 'report' extra."""
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("a report page", "report") from error
    template = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    text = files("edgeleuk.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    points = accuracy_points(material)
    return template.from_string(text).render(
        version=__version__,
        research_use=RESEARCH_USE,
        results=results_table(material) if material.records else None,
        distributions=charts.distributions(material) if any(record.results for record in material.records) else None,
        side_by_side=side_by_side(material),
        pareto=charts.pareto(points) if points else None,
        accuracies=material.accuracies,
        records=[_record_view(record, f"record-{number}") for number, record in enumerate(material.records)],
        suites=[(suite, suite_table(suite.timings)) for suite in material.suites],
        figures=[(figures, figures_table(figures.rows)) for figures in material.figures],
        method=METHOD if material.records else (),
        embedded=embed(material.sources),
    )


def embed(sources: tuple[tuple[str, Any], ...]) -> str:
    """The files' JSON as one array of {"name", "content"}, compressed, as text that a page can hold."""
    plain = [{"name": name, "content": content} for name, content in sources]
    packed = gzip.compress(json.dumps(plain, separators=(",", ":")).encode(), 9, mtime=0)
    return base64.b64encode(packed).decode()


def extract(page: str) -> list[dict[str, Any]]:
    """What `embed` put into a page. Raises ValueError where there is nothing."""
    begin = page.index('id="records">') + len('id="records">')
    packed = base64.b64decode(page[begin : page.index("</script>", begin)])
    found: list[dict[str, Any]] = json.loads(gzip.decompress(packed))
    return found


def _record_view(record: Record, name: str) -> _RecordView:
    several = any(len({r.threads for r in group}) > 1 for group in _by_model(record).values())
    during = [c for result in record.results for process in result.processes for c in process.conditions]
    return _RecordView(
        f"{record.label}, {record.created}",
        record.invalid,
        threads_advice(record.results),
        charts.thread_scaling(record, f"{name}-threads") if several else None,
        charts.stages(record, f"{name}-stages") if stages_table(record) else None,
        stages_table(record),
        charts.over_time([*record.conditions, *during, *_sustained(record)], f"{name}-time"),
        tuple(_result_view(result, f"{name}-{number}") for number, result in enumerate(record.results)),
        device_rows(record),
        protocol_rows(record),
    )


def _by_model(record: Record) -> dict[tuple[str, str], list[Result]]:
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in record.results:
        groups.setdefault((result.model.name, result.backend), []).append(result)
    return groups


def _sustained(record: Record) -> Iterator[Condition]:
    for result in record.results:
        if result.sustained is not None:
            yield from result.sustained.conditions


def _result_view(result: Result, name: str) -> _ResultView:
    return _ResultView(
        result.title,
        tuple(_facts(result)),
        charts.processes(result, name),
        operators_table(result) if result.operators else None,
        result.notes,
    )


def _facts(result: Result) -> Iterator[str]:
    model = result.model
    yield f"sha256 {model.sha256[:16]}, {model.size_bytes / 1e6:.2f} MB"
    for kind, tensors in (("input", model.inputs), ("output", model.outputs)):
        yield f"{kind} " + ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors)
    if result.arena_bytes is not None:
        yield f"arena {result.arena_bytes / 1024:,.0f} KiB, without what the delegate takes"
    if result.coverage is not None:
        outside = ", ".join(f"{count} {name}" for name, count in result.coverage.outside.items()) or "none"
        covered = f"{result.coverage.delegated} of {result.coverage.operators} operators"
        yield f"delegate: {covered} in {result.coverage.partitions} partitions; outside: {outside}"
    if result.sustained is not None and result.sustained.medians_ms:
        medians = result.sustained.medians_ms
        trend = f"{medians[0]:.4g} ms at first, {medians[-1]:.4g} at last"
        yield f"{result.sustained.minutes:g} minutes without a pause: {trend}"
