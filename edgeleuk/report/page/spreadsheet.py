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
from edgeleuk.statistics.latency import Interval

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


def _latency(row: Row) -> dict[str, Cell]:
    found, speed = row.summary, row.speed
    return {
        "runs": found.runs,
        "min_ms": found.min_ms,
        "p50_ms": found.p50_ms,
        **_bounds("p50", found.p50_interval),
        "p90_ms": found.p90_ms,
        **_bounds("p90", found.p90_interval),
        "p95_ms": found.p95_ms,
        "p99_ms": found.p99_ms,
        "mean_ms": found.mean_ms,
        "std_ms": found.std_ms,
        "times_as_fast": None if speed is None else speed.value,
        "times_as_fast_low": None if speed is None else speed.low,
        "times_as_fast_high": None if speed is None else speed.high,
        "times_as_fast_as": None if speed is None else speed.base.title,
    }


def _costs(row: Row) -> dict[str, Cell]:
    result, covered = row.result, row.result.coverage
    return {
        "load_ms": row.summary.load_ms,
        "first_inference_ms": row.summary.first_ms,
        "peak_memory_mib": row.summary.peak_memory_mib,
        "arena_bytes": result.arena_bytes,
        "file_bytes": result.model.size_bytes,
        "inferences_per_s": row.summary.throughput_per_s,
        "energy_mj": row.millijoules,
        "operators": None if covered is None else covered.operators,
        "operators_delegated": None if covered is None else covered.delegated,
        "delegate_partitions": None if covered is None else covered.partitions,
    }


def _bounds(name: str, interval: Interval | None) -> dict[str, Cell]:
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {f"{name}_low_ms": low, f"{name}_high_ms": high}


def _accuracy(evaluated: Evaluated | None) -> dict[str, Cell]:
    """With how many subjects it rests on and what limits it, in columns of their own."""
    found = None if evaluated is None else evaluated.accuracy
    return {
        "accuracy": None if found is None else found.value,
        "accuracy_low": None if found is None else found.low,
        "accuracy_high": None if found is None else found.high,
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
        "int8_ms": trial.latency_ms,
        "file_bytes": trial.size_bytes,
        "validation_accuracy": trial.accuracy,
        "validation_float_accuracy": trial.float_accuracy,
        "epochs": trial.epochs,
        "last_rung_epoch": None if last is None else last.epoch,
        "last_rung_accuracy": None if last is None else last.accuracy,
        "last_rung_weighted_f1": None if last is None else last.weighted_f1,
        "seconds": trial.seconds,
        "model": trial.model,
        "model_sha256": trial.sha256,
        "reason": trial.reason,
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
            yield {
                "suite": suite.name,
                "created": suite.created,
                "test": timing.name,
                "min_ms": timing.min_ms,
                "median_ms": timing.median_ms,
                "iqr_ms": timing.iqr_ms,
                "rounds": timing.rounds,
            }


def _figures(material: Material) -> Iterator[dict[str, Cell]]:
    for figures in material.figures:
        for row in figures.rows:
            yield {
                "benchmark": figures.name,
                "figure": row.name,
                "value": row.value,
                "unit": row.unit,
                "bar": row.bar,
                "met": row.met,
            }


def _accuracies(material: Material) -> Iterator[dict[str, Cell]]:
    for found in material.accuracies:
        yield {
            "model": found.model,
            "model_sha256": found.model_sha256,
            "index_sha256": found.index_sha256,
            "split": found.split,
            "images": found.images,
            **_accuracy(found),
            **dict(_scores(found)),
        }


def _scores(evaluated: Evaluated) -> Iterator[tuple[str, Cell]]:
    """The other scores, each with its bounds and how many subjects it rests on."""
    for name, found in list(evaluated.named.items())[1:]:
        yield name, None if found is None else found.value
        yield f"{name}, low", None if found is None else found.low
        yield f"{name}, high", None if found is None else found.high
        yield f"{name}, {evaluated.accuracy.unit}s", None if found is None else found.groups


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
