"""CSV is one table that a spreadsheet and pandas read: plain numbers, bounds apart, nothing that is run."""

import csv
import io

import pytest

from edgeleuk.errors import DataError, UsageError
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.spreadsheet import render_csv

TEXTS = {"model", "model_sha256", "device", "created", "interpreter", "interpreter_version", "invalid_reasons", "valid"}
TEXTS |= {"times_as_fast_as", "accuracy_over", "accuracy_caveats"}


def parsed(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_every_result_is_a_row_of_numbers(read, rich_record, make_evaluation):
    rows = parsed(render_csv(read(rich_record, make_evaluation("cells-int8.tflite"))))
    assert len(rows) == 4
    for row, result in zip(rows, rich_record.results, strict=True):
        numbers = {key: float(value) for key, value in row.items() if key not in TEXTS and value}
        found = result.summary
        assert numbers["p50_ms"] == pytest.approx(found.p50_ms, rel=1e-6)
        assert numbers["p50_low_ms"] == pytest.approx(found.p50_interval.low, rel=1e-6)
        assert numbers["p90_high_ms"] == pytest.approx(found.p90_interval.high, rel=1e-6)
        assert numbers["peak_memory_mib"] == 69.5
        assert (numbers["file_bytes"], numbers["threads"]) == (5_731_902, result.threads)
        assert numbers["crop_and_resize_ms"] == 0.75
    assert [float(row["accuracy"]) for row in rows[:2]] == [0.9, 0.9]
    assert [row["accuracy"] for row in rows[2:]] == ["", ""]
    assert (rows[0]["accuracy_over_count"], rows[0]["accuracy_over"]) == ("10", "subjects")
    assert rows[0]["accuracy_caveats"] == "overlap cannot be ruled out"
    low, value, high = (float(rows[0][f"times_as_fast{part}"]) for part in ("_low", "", "_high"))
    assert 3 < low < value < high < 4
    assert rows[0]["times_as_fast_as"] == "cells-float32.tflite, litert, 1 thread"
    assert rows[2]["times_as_fast"] == ""


def test_validity_is_true_or_false_with_its_reasons(read, make_result, make_record):
    rows = parsed(render_csv(read(make_record(make_result()), make_record(make_result(), invalid=("hot", "busy")))))
    assert [(row["valid"], row["invalid_reasons"]) for row in rows] == [("true", ""), ("false", "hot; busy")]


def test_what_is_not_known_is_empty(read, make_result, make_record):
    (row,) = parsed(render_csv(read(make_record(make_result(processes=3)))))
    assert {row[key] for key in ("p50_low_ms", "p50_high_ms", "energy_mj", "arena_bytes", "accuracy")} == {""}


def test_a_spreadsheet_runs_nothing(read, make_result, make_record):
    name = '=HYPERLINK("http://x","y")'
    (row,) = parsed(render_csv(read(make_record(make_result(name), label="@SUM(A1)"))))
    assert (row["model"], row["device"]) == (f"'{name}", "'@SUM(A1)")


def test_suites_figures_and_evaluations_alone_are_tables_of_their_own(read, suite_json, figures_json, make_evaluation):
    suite = parsed(render_csv(read(suite_json)))
    assert [row["test"] for row in suite] == ["test_sums.py::test_sum[10]", "test_sums.py::test_sum[1000]"]
    assert all(0 < float(row["min_ms"]) <= float(row["median_ms"]) for row in suite)
    figures = parsed(render_csv(read(figures_json)))
    assert [(row["figure"], row["bar"], row["met"]) for row in figures] == [
        ("time", "", ""),
        ("ratio", "1.03", "true"),
        ("rate", "100", "false"),
    ]
    (accuracy,) = parsed(render_csv(read(make_evaluation("a.tflite"))))
    assert (accuracy["model"], float(accuracy["accuracy"]), accuracy["images"]) == ("a.tflite", 0.9, "40")


def test_kinds_that_make_two_tables_are_refused(read, rich_record, suite_json):
    with pytest.raises(UsageError, match=r"one table, and these are benchmark records and records of pytest-benchmark"):
        render_csv(read(rich_record, suite_json))


def test_records_without_results_make_no_table(make_record):
    with pytest.raises(DataError, match="nothing was measured"):
        render_csv(Material(records=(make_record(),)))
