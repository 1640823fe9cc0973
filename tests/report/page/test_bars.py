"""Bars of where time and memory go: every part is named, their sum is told."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from edgeleuk.bench.measured import OperatorTime
from edgeleuk.report.page import bars
from edgeleuk.report.page.rows import rows_of


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter() if element.tag.endswith("text")]


@pytest.fixture(scope="module")
def rows(rich_record):
    return rows_of([rich_record])


def test_stages_are_named_beside_the_median_of_the_whole(rows):
    shown = texts(bars.stages(rows, "s"))
    assert {"decode", "crop and resize", "quantize", "invoke", "decide"} <= set(shown)
    assert "end to end" not in shown
    assert f"{rows[0].name}: {rows[0].stage_medians_ms['end to end']:.4g} ms" in shown


def test_operators_are_joined_by_type_and_the_interpreters_own_are_marked(rows):
    assert bars.by_kind(rows[0].result.operators) == {
        "Average pool 2d (interpreter)": pytest.approx(0.9),
        "Convolution": pytest.approx(1.0),
    }
    assert {"Convolution", "Average pool 2d (interpreter)"} <= set(texts(bars.operators(rows, "o")))


def test_many_types_of_operator_end_in_others(make_result, make_record):
    operators = tuple(OperatorTime(f"KIND_{number}", 1, 10.0 - number, True) for number in range(9))
    rows = rows_of([make_record(make_result(operators=operators))])
    shown = texts(bars.operators(rows, "o"))
    assert "Kind 0" in shown
    assert "others" in shown
    assert "Kind 8" not in shown
    assert f"{rows[0].name}: {rows[0].summary.p50_ms:.4g} ms" in shown
    assert "not accounted for" not in shown  # they tell more than there was


def test_what_no_operator_accounts_for_is_a_part_of_the_bar(rows):
    assert "not accounted for" in texts(bars.operators(rows, "o"))


def test_operators_that_took_no_time_are_drawn(make_result, make_record):
    rows = rows_of([make_record(make_result(operators=(OperatorTime("COPY", 1, 0.0, True),)))])
    assert "Copy" in texts(bars.operators(rows, "o"))


def test_memory_tells_the_peak_of_each(rows):
    shown = texts(bars.memory(rows, "m"))
    assert all(f"{row.name}: {row.summary.peak_memory_mib:.1f} MiB" in shown for row in rows)


def test_memory_tells_how_much_of_it_was_there_before_the_model(make_result, make_record):
    result = make_result()
    processes = tuple(replace(process, start_memory_mib=50.0) for process in result.processes)
    rows = rows_of([make_record(replace(result, processes=processes))])
    assert f"{rows[0].name}: 69.5 MiB, 19.5 for the model" in texts(bars.memory(rows, "m"))
