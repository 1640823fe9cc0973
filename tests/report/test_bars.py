"""Bars of where time and memory go: every part is named, their sum is told."""

from xml.etree import ElementTree as ET

import pytest

from edgeleuk.bench.record import OperatorTime
from edgeleuk.report import bars
from edgeleuk.report.rows import rows_of


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter() if element.tag.endswith("text")]


@pytest.fixture(scope="module")
def rows(rich_record):
    return rows_of([rich_record])


def test_stages_are_named_and_added_up(rows):
    shown = texts(bars.stages(rows, "s"))
    assert {"decode", "crop and resize", "quantize", "invoke", "decide"} <= set(shown)
    assert "end to end" not in shown
    total = sum(ms for stage, ms in rows[0].stage_medians_ms.items() if stage != "end to end")
    assert f"{rows[0].name}: {total:.4g} ms" in shown


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
    assert f"{rows[0].name}: {sum(o.ms for o in operators):.4g} ms" in shown


def test_operators_that_took_no_time_are_drawn(make_result, make_record):
    rows = rows_of([make_record(make_result(operators=(OperatorTime("COPY", 1, 0.0, True),)))])
    assert "Copy" in texts(bars.operators(rows, "o"))


def test_memory_tells_the_peak_of_each(rows):
    shown = texts(bars.memory(rows, "m"))
    assert all(f"{row.name}: {row.summary.peak_memory_mib:.1f} MiB" in shown for row in rows)
