"""Tables of a report: what stands in a cell, and which columns are there."""

import re
from dataclasses import replace

import pytest

from edgeleuk.bench.measured import OperatorTime
from edgeleuk.report.page import summary
from edgeleuk.report.page.reading import Material
from edgeleuk.report.page.rows import rows_of


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
    assert table.head[:4] == ("model", "median", "95 % interval", "against cells-float32")
    assert column(table, "against cells-float32")[2] == "-"
    assert re.fullmatch(r"3\.\d+ times as fast \(3\.\d+ to 3\.\d+\)", column(table, "against cells-float32")[0])
    assert column(table, "valid") == ["yes"] * 4


def test_too_few_processes_leave_a_dash_for_the_interval(make_result, make_record):
    rows = rows_of([make_record(make_result(processes=3), make_result("cells-qat.tflite", processes=3))])
    table = summary.latency_table(rows)
    assert column(table, "95 % interval") == ["-", "-"]
    assert column(table, "against cells-int8")[1].endswith("(no interval)")


def test_models_of_other_kinds_and_other_records_have_no_ratio(make_result, make_record):
    alone = [
        make_record(make_result("a.tflite"), make_result("b.tflite", 4.0)),
        make_record(make_result("b-int8.tflite")),
    ]
    assert not [head for head in summary.latency_table(rows_of(alone)).head if head.startswith("against")]
    kinds = make_record(*(make_result(f"{name}.tflite") for name in ("a-float32", "a-int8", "b-float32", "b-int8")))
    cells = column(summary.latency_table(rows_of([kinds])), "against another of its kind")
    assert cells[0] == cells[2] == "-"
    assert cells[1].endswith(" as a-float32")
    assert cells[3].endswith(" as b-float32")


def test_a_record_that_is_not_valid_is_marked_in_every_row(make_result, make_record):
    rows = rows_of([make_record(make_result(), invalid=("busy",)), make_record(make_result(level_ms=3.0), label="b")])
    assert column(summary.latency_table(rows), "valid") == ["NO", "yes"]


def test_columns_that_tell_nothing_apart_are_left_out(make_result, make_record):
    one = make_record(make_result())
    assert summary.latency_table(rows_of([one])).head == (
        "model", "median", "95 % interval", "valid", "threads", "least", "p90", "95 % interval of p90", "p95", "p99"
    )  # fmt: skip
    again = replace(one, created="2026-02-01T00:00:00+00:00")
    assert summary.latency_table(rows_of([one, again])).head[4:6] == ("measured", "threads")
    other = replace(one, label="other")
    assert summary.latency_table(rows_of([one, other])).head[4:6] == ("device", "threads")
    backends = make_record(make_result(), make_result(backend="tflite-runtime"))
    assert summary.latency_table(rows_of([backends])).head[5:7] == ("interpreter", "threads")


def test_costs_are_told_where_they_are_known(rows, make_result, make_record):
    table = summary.costs_table(rows, Material())
    assert column(table, "peak MiB")[0] == "69.5"
    assert column(table, "activations KiB")[0] == "220"
    assert column(table, "file MB")[0] == "5.73"
    assert column(table, "in the delegate")[0] == "115 of 125 in 10 pieces"
    assert column(table, "mJ an inference")[0] == "12.5"
    bare = make_result()
    bare = replace(bare, processes=tuple(replace(process, peak_memory_mib=None) for process in bare.processes))
    table = summary.costs_table(rows_of([make_record(bare)]), Material())
    assert "mJ an inference" not in table.head
    assert [column(table, name) for name in ("peak MiB", "activations KiB", "in the delegate")] == [["-"], ["-"], ["-"]]


def test_accuracy_stands_beside_costs_where_it_was_read(read, rich_record, make_evaluation):
    material = read(rich_record, make_evaluation("cells-int8.tflite"))
    table = summary.costs_table(rows_of(material.records), material)
    accuracies = column(table, "accuracy (95 % interval)")
    assert re.fullmatch(r"0\.900 \(0\.\d+ to 0\.\d+; 10 subjects\)", accuracies[0])
    assert any(note == "accuracy: overlap cannot be ruled out" for note in table.notes)
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


def test_operators_have_shares_of_the_median_and_the_rest_is_a_row(rich_record):
    table = summary.operators_table(rich_record.results[0])
    shares = [float(share.rstrip("%")) for share in column(table, "share of the median")]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert column(table, "run by") == ["interpreter", "delegate", "delegate", ""]
    assert table.rows[-1][0] == "not accounted for"
    assert "mean of 30 profiled inferences, as an older edgeleuk measured" in table.notes[0]
    assert "whole microseconds" in table.notes[0]


@pytest.mark.parametrize("total_ms", [0.8, 3.0])
def test_operators_whose_sum_is_off_by_a_fifth_have_no_shares(make_result, total_ms):
    operators = (OperatorTime("CONV_2D", 5, total_ms, True),)
    table = summary.operators_table(make_result(level_ms=2.0, operators=operators, profiled_runs=500))
    assert column(table, "share of the median") == ["-", "-"]
    assert table.notes[1].startswith("no shares: the sum")
    assert "median of 500 profiled inferences" in table.notes[0]


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
    material = read(rich_record, make_evaluation("cells-int8.tflite"), make_evaluation("cells-float32.tflite"))
    point, _ = summary.accuracy_points(rows_of(material.records), material)
    assert point.ms == rich_record.results[1].summary.p50_ms
    assert point.name == "cells-int8, 2 threads (10 subjects)"
    assert point.accuracy == 0.9


def test_one_model_alone_is_not_drawn_beside_nothing(read, rich_record, make_evaluation):
    material = read(rich_record, make_evaluation("cells-int8.tflite"))
    assert summary.accuracy_points(rows_of(material.records), material) == []
