"""Tables of a report: what stands in a cell, and which columns are there."""

from dataclasses import replace

import pytest

from edgeleuk.report import summary
from edgeleuk.report.reading import Material
from edgeleuk.report.rows import rows_of


def column(table, name):
    return [row[table.head.index(name)] for row in table.rows]


@pytest.fixture(scope="module")
def rows(rich_record):
    return rows_of([rich_record])


def test_latencies_stand_with_their_intervals(rows):
    table = summary.latency_table(rows)
    found = rows[0].summary
    assert table.title == "Latency of bare inference, ms"
    assert column(table, "median")[0] == f"{found.p50_ms:.4g}"
    assert column(table, "95 % interval")[0] == f"{found.p50_interval.low:.4g} to {found.p50_interval.high:.4g}"
    assert column(table, "p99")[0] == f"{found.p99_ms:.4g}"
    assert column(table, "threads") == ["1", "2", "1", "2"]
    assert column(table, "ratio to the first")[0] == "1"
    assert column(table, "ratio to the first")[1].startswith("0.6")
    assert column(table, "valid") == ["yes"] * 4


def test_too_few_processes_leave_a_dash_for_the_interval(make_result, make_record):
    rows = rows_of([make_record(make_result(processes=3), make_result("b.tflite", processes=3))])
    table = summary.latency_table(rows)
    assert column(table, "95 % interval") == ["-", "-"]
    assert column(table, "ratio to the first")[1].endswith("(no interval)")


def test_a_record_that_is_not_valid_is_marked_in_every_row(make_result, make_record):
    rows = rows_of([make_record(make_result(), invalid=("busy",)), make_record(make_result(level_ms=3.0), label="b")])
    assert column(summary.latency_table(rows), "valid") == ["NO", "yes"]


def test_columns_that_tell_nothing_apart_are_left_out(make_result, make_record):
    one = make_record(make_result())
    assert summary.latency_table(rows_of([one])).head[:3] == ("model", "threads", "min")
    again = replace(one, created="2026-02-01T00:00:00+00:00")
    assert summary.latency_table(rows_of([one, again])).head[:3] == ("model", "measured", "threads")
    other = replace(one, label="other")
    assert summary.latency_table(rows_of([one, other])).head[:3] == ("model", "device", "threads")
    backends = make_record(make_result(), make_result(backend="tflite-runtime"))
    assert summary.latency_table(rows_of([backends])).head[:3] == ("model", "interpreter", "threads")


def test_costs_are_told_where_they_are_known(rows, make_result, make_record):
    table = summary.costs_table(rows, Material())
    assert column(table, "peak MiB")[0] == "69.5"
    assert column(table, "arena KiB")[0] == "220"
    assert column(table, "file MB")[0] == "5.73"
    assert column(table, "in the delegate")[0] == "115 of 125, 10 parts"
    assert column(table, "mJ an inference")[0] == "12.5"
    bare = make_result()
    bare = replace(bare, processes=tuple(replace(process, peak_memory_mib=None) for process in bare.processes))
    table = summary.costs_table(rows_of([make_record(bare)]), Material())
    assert "mJ an inference" not in table.head
    assert [column(table, name) for name in ("peak MiB", "arena KiB", "in the delegate")] == [["-"], ["-"], ["-"]]


def test_accuracy_stands_beside_costs_where_it_was_read(read, rich_record, make_evaluation):
    material = read(rich_record, make_evaluation("cells-int8.tflite"))
    table = summary.costs_table(rows_of(material.records), material)
    accuracies = column(table, "accuracy (95 % interval)")
    assert accuracies[0].startswith("0.900 (0.")
    assert accuracies[2] == "-"


def test_devices_stand_side_by_side(make_result, make_record):
    pi5 = make_record(make_result("a.tflite"), make_result("b.tflite", 4.0))
    pi4 = make_record(make_result("a.tflite", 8.0), label="Raspberry Pi 4", invalid=("throttled",))
    table = summary.side_by_side(rows_of([pi5, pi4]))
    assert table.head == ("model", "Raspberry Pi 5", "Raspberry Pi 4")
    assert [row[0] for row in table.rows] == ["a.tflite, litert, 1 thread", "b.tflite, litert, 1 thread"]
    assert table.rows[0][2].endswith(" (not valid)")
    assert table.rows[1][2] == "-"
    assert summary.side_by_side(rows_of([pi5])) is None


def test_of_several_records_of_a_device_the_last_stands_beside_others(make_result, make_record):
    old = make_record(make_result(level_ms=9.0), created="2026-01-01T00:00:00+00:00")
    new = make_record(make_result(level_ms=2.0))
    other = make_record(make_result(level_ms=4.0), label="other")
    table = summary.side_by_side(rows_of([new, old, other]))
    assert table.rows[0][1] == f"{new.results[0].summary.p50_ms:.4g}"


def test_operators_have_shares_that_add_up(rich_record):
    table = summary.operators_table(rich_record.results[0])
    assert column(table, "share") == ["47.4%", "42.1%", "10.5%"]
    assert column(table, "run by") == ["interpreter", "delegate", "delegate"]


def test_stages_are_those_of_any_row(rows, make_result, make_record):
    table = summary.stages_table(rows)
    assert table.head == ("model", "decode", "crop and resize", "quantize", "invoke", "decide", "end to end")
    assert table.rows[0][1] == "0.375"
    assert summary.stages_table(rows_of([make_record(make_result())])) is None


def test_suites_and_figures_are_tables(read, suite_json, figures_json):
    material = read(suite_json, figures_json)
    assert summary.suite_table(material.suites[0]).rows[0][0] == "test_sums.py::test_sum[10]"
    assert [row[2:] for row in summary.figures_table(material.figures[0]).rows] == [
        ("", ""),
        ("1.03", "met"),
        ("100", "MISSED"),
    ]


def test_a_model_stands_in_the_pareto_picture_with_its_best_threads(read, rich_record, make_evaluation):
    material = read(rich_record, make_evaluation("cells-int8.tflite"))
    (point,) = summary.accuracy_points(rows_of(material.records), material)
    assert point.ms == rich_record.results[1].summary.p50_ms
    assert point.name == "cells-int8, 2 threads"
    assert point.accuracy == 0.9
