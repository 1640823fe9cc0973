"""Each picture of latency shows every row by its name, whatever the numbers are."""

import itertools
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.report.page import charts
from edgeleuk.report.page.charts import Point, spread
from edgeleuk.report.page.rows import rows_of


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter() if element.tag.endswith("text")]


def label(picture):
    return ET.fromstring(picture).get("aria-label")


def height(picture):
    return float(ET.fromstring(picture).get("viewBox").split()[3])


@pytest.fixture(scope="module")
def rows(rich_record):
    return rows_of([rich_record])


def test_distributions_name_every_row_and_tell_its_median(rows):
    picture = charts.distributions(rows, "d")
    assert {row.name for row in rows} <= set(texts(picture))
    for row in rows:
        assert f"{row.name}: median {row.summary.p50_ms:.4g} ms" in label(picture)


def test_a_picture_grows_with_its_rows(rows):
    assert height(charts.distributions(rows, "a")) > height(charts.distributions(rows[:1], "b"))


@pytest.mark.parametrize(("slowest", "logarithmic"), [(4.0, False), (400.0, True)])
def test_the_axis_is_logarithmic_where_values_differ_tenfold(make_result, make_record, slowest, logarithmic):
    rows = rows_of([make_record(make_result("a.tflite", 2.0), make_result("b.tflite", slowest))])
    ticks = {text for text in texts(charts.distributions(rows, "d")) if text and text.replace(".", "").isdigit()}
    assert ({"10", "100"} <= ticks) is logarithmic


def test_identical_samples_and_a_single_process_are_drawn(make_result, make_record):
    result = make_result(processes=1)
    flat = replace(result, processes=(replace(result.processes[0], samples_ms=(2.0, 2.0, 2.0)),))
    rows = rows_of([make_record(flat)])
    assert rows[0].name in texts(charts.distributions(rows, "d"))


def test_rows_of_records_that_are_not_valid_are_hollow(make_result, make_record):
    good, bad = (rows_of([make_record(make_result(), invalid=faults)]) for faults in ((), ("busy",)))
    assert charts.distributions(good, "d") != charts.distributions(bad, "d")


def test_thread_scaling_draws_a_line_a_model(rows):
    shown = texts(charts.thread_scaling(rows, "t"))
    assert {"cells-int8", "cells-float32", "threads", "1", "2"} <= set(shown)


def test_the_pareto_picture_names_every_point_once():
    points = [Point(f"model {number}", 1.0 + number % 3, 0.9, 0.8, 0.95) for number in range(12)]
    picture = charts.pareto(points)
    assert sorted(text for text in texts(picture) if text and text.startswith("model")) == sorted(
        p.name for p in points
    )
    assert "model 3: 0.900 at 1 ms" in label(picture)


def test_names_beside_the_pareto_picture_do_not_overlap():
    points = [Point(f"model {number}", 1.0, 0.9, None, None) for number in range(20)]
    heights = sorted(
        float(element.get("y"))
        for element in ET.fromstring(charts.pareto(points)).iter()
        if element.tag.endswith("text") and (element.text or "").startswith("model")
    )
    assert min(b - a for a, b in itertools.pairwise(heights)) > 10
    assert heights[0] > 0


def test_one_point_without_an_interval_is_drawn():
    assert "only" in texts(charts.pareto([Point("only", 2.0, 1.0, None, None)]))


@given(values=st.lists(st.floats(-10, 10), max_size=20).map(sorted), gap=st.floats(0.01, 2))
def test_spread_values_keep_their_order_and_distance(values, gap):
    moved = spread(values, gap)
    assert len(moved) == len(values)
    assert all(b - a >= gap - 1e-9 for a, b in itertools.pairwise(moved))
    assert sum(moved) == pytest.approx(sum(values), abs=1e-6)  # as a group they stay where they were


def test_values_far_apart_are_not_moved():
    assert spread([0.0, 1.0, 3.0], 0.5) == [0.0, 1.0, 3.0]
    assert spread([1.0, 1.0], 0.5) == [0.75, 1.25]
