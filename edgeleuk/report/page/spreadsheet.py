"""A report as CSV: one table, numbers as plain numbers, intervals in columns of their own, units in the names."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from edgeleuk.errors import DataError, UsageError
from edgeleuk.evaluation.evaluated import Evaluated
from edgeleuk.optimize.record import COMPLETE, SearchRecord, Trial
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.rows import Row, rows_of
from edgeleuk.report.page.words import encodable
from edgeleuk.report.search.settings import names_of
from edgeleuk.safe_csv import csv_text

_REFUSED = "refused"
Cell = str | float | int | bool | None


def render_csv(material: Material) -> str:
    """The table of what was read; one row a result, with the accuracy of its model if that was read, too.

    Raises UsageError for records that do not fit one table, DataError for those without a result.
    """
    kinds = {
        "benchmark records": bool(material.records),
        "records of pytest-benchmark": bool(material.suites),
        "records of benchmarks/": bool(material.figures),
        "searches": bool(material.searches),
    }
    found = [kind for kind, there in kinds.items() if there]
    if len(found) > 1:
        raise UsageError(
            f"a CSV file holds one table, and these are {' and '.join(found)}: write one file of each, or .html or .md"
        )
    if material.records:
        if not any(record.results for record in material.records):
            raise DataError("nothing was measured in these records, so there is no table to write")
        return _text(_results(material))
    if material.searches:
        if not any(search.trials or search.refused for search in material.searches):
            raise DataError("no candidate was tried in these searches, so there is no table to write")
        return _text(_searches(material))
    if material.suites:
        return _text(_suites(material))
    return _text(_figures(material) if material.figures else _accuracies(material))


def _results(material: Material) -> Iterator[dict[str, Cell]]:
    rows = rows_of(material.records)
    stages = list(dict.fromkeys(name for row in rows for name in row.stage_medians_ms))
    for row in rows:
        yield {
            **_identity(row),
            **_latency(row),
            **_costs(row),
            **{f"{stage.replace(' ', '_')}_ms": row.stage_medians_ms.get(stage) for stage in stages},
            **_accuracy(material.accuracy_of(row.result.model.sha256)),
            "valid": row.valid,
            "invalid_reasons": "; ".join(row.reasons),
        }


def _identity(row: Row) -> dict[str, Cell]:
    record, result = row.record, row.result
    return {
        "model": result.model.name,
        "model_sha256": result.model.sha256,
        "device": record.label,
        "created": record.created,
        "interpreter": result.backend,
        "interpreter_version": result.backend_version,
        "threads": result.threads,
        "processes": len(result.processes),
    }


def _fields(found: object | None, *names: str, **columns: str) -> dict[str, Cell]:
    """These fields, and others under the name of a column; empty if there is nothing."""
    every = {name: name for name in names} | columns
    return {column: None if found is None else getattr(found, name) for column, name in every.items()}


def _latency(row: Row) -> dict[str, Cell]:
    found, speed = row.summary, row.speed
    return {
        **_fields(found, "runs", "min_ms", "p50_ms"),
        **_fields(found.p50_interval, p50_low_ms="low", p50_high_ms="high"),
        **_fields(found, "p90_ms"),
        **_fields(found.p90_interval, p90_low_ms="low", p90_high_ms="high"),
        **_fields(found, "p95_ms", "p99_ms", "mean_ms", "std_ms"),
        **_fields(speed, times_as_fast="value", times_as_fast_low="low", times_as_fast_high="high"),
        "times_as_fast_as": None if speed is None else speed.base.title,
    }


def _costs(row: Row) -> dict[str, Cell]:
    return {
        **_fields(row.summary, "load_ms", first_inference_ms="first_ms"),
        **_fields(row.summary, "peak_memory_mib", "arena_bytes"),
        "file_bytes": row.result.model.size_bytes,
        "inferences_per_s": row.summary.throughput_per_s,
        "energy_mj": row.millijoules,
        **_fields(row.result.coverage, "operators", operators_delegated="delegated", delegate_partitions="partitions"),
    }


def _accuracy(evaluated: Evaluated | None) -> dict[str, Cell]:
    """With how many subjects it rests on and what limits it, in columns of their own."""
    found = None if evaluated is None else evaluated.accuracy
    return {
        **_fields(found, accuracy="value", accuracy_low="low", accuracy_high="high"),
        "accuracy_over": None if found is None else f"{found.unit}s",
        "accuracy_over_count": None if found is None else found.groups,
        "accuracy_caveats": None if found is None else "; ".join(found.caveats),
    }


def _searches(material: Material) -> Iterator[dict[str, Cell]]:
    """Trials by their numbers, then the shapes that were refused."""
    tried = [trial.settings for search in material.searches for trial in search.trials]
    names = names_of(tried + [shape.settings for search in material.searches for shape in search.refused])
    for search in material.searches:
        shared: dict[str, Cell] = {
            "search": search.created,
            "device": search.device,
            "threads": search.threads,
            "budget_ms": search.budget_ms,
        }
        refused = [Trial(0, each.settings, _REFUSED, each.measured_ms) for each in search.refused]
        for trial in (*search.trials, *refused):
            cells = shared | _trial(search, trial, material)
            yield cells | {f"setting_{name}": _setting(trial.settings, name) for name in names}


def _trial(search: SearchRecord, trial: Trial, material: Material) -> dict[str, Cell]:
    """Empty if it does not apply to a trial in this state."""
    evaluated = None if trial.sha256 is None else material.accuracy_of(trial.sha256)
    last = trial.rungs[-1] if trial.rungs else None
    return {
        "trial": None if trial.state == _REFUSED else trial.number,
        "state": trial.state,
        "on_front": trial.number in search.front if trial.state == COMPLETE else None,
        "chosen": trial.number == search.chosen if trial.state == COMPLETE else None,
        **_fields(trial, int8_ms="latency_ms", file_bytes="size_bytes"),
        **_fields(trial, validation_accuracy="accuracy", validation_float_accuracy="float_accuracy"),
        **_fields(trial, "epochs"),
        **_fields(last, last_rung_epoch="epoch", last_rung_accuracy="accuracy", last_rung_weighted_f1="weighted_f1"),
        **_fields(trial, "seconds", "model", model_sha256="sha256", reason="reason"),
        **_accuracy(evaluated),
    }


def _setting(settings: Mapping[str, Any], name: str) -> Cell:
    """Empty if there is none of this name; "none" is a value."""
    value = settings.get(name, "")
    if value is None:
        return "none"
    return value if isinstance(value, str | int | float) else json.dumps(value)


def _suites(material: Material) -> Iterator[dict[str, Cell]]:
    for suite in material.suites:
        for timing in suite.timings:
            own = _fields(timing, "min_ms", "median_ms", "iqr_ms", "rounds")
            yield {"suite": suite.name, "created": suite.created, "test": timing.name, **own}


def _figures(material: Material) -> Iterator[dict[str, Cell]]:
    for figures in material.figures:
        for row in figures.rows:
            yield {"benchmark": figures.name, "figure": row.name, **_fields(row, "value", "unit", "bar", "met")}


def _accuracies(material: Material) -> Iterator[dict[str, Cell]]:
    for found in material.accuracies:
        named = _fields(found, "model", "model_sha256", "index_sha256", "split", "images")
        yield {**named, **_accuracy(found), **_scores(found)}


def _scores(evaluated: Evaluated) -> dict[str, Cell]:
    """The other scores, each with its bounds and how many subjects it rests on."""
    cells: dict[str, Cell] = {}
    for name, found in list(evaluated.named.items())[1:]:
        unit = f"{evaluated.accuracy.unit}s"
        cells |= _fields(found, **{name: "value", f"{name}, low": "low", f"{name}, high": "high"})
        cells |= _fields(found, **{f"{name}, {unit}": "groups"})
    return cells


def _text(rows: Iterator[dict[str, Cell]]) -> str:
    made = list(rows)
    head = list(dict.fromkeys(name for row in made for name in row))
    return encodable(csv_text([head, *([_shown(row.get(key)) for key in head] for row in made)]))


def _shown(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, float):
        return cell
    return int(cell) if cell.is_integer() and abs(cell) < 1e7 else float(f"{cell:.7g}")
