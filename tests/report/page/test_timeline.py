"""Pictures over time show what was told and nothing else."""

from xml.etree import ElementTree as ET

import pytest

from edgeleuk.bench.measured import Condition, Sustained
from edgeleuk.report.page import timeline
from edgeleuk.report.page.rows import rows_of


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter() if element.tag.endswith("text")]


def label(picture):
    return ET.fromstring(picture).get("aria-label")


@pytest.fixture(scope="module")
def rows(rich_record):
    return rows_of([rich_record])


def test_a_long_run_is_told_in_per_cent_of_its_first_window(rows):
    found = texts(timeline.sustained(rows[:1], "s"))
    assert {"minutes without a pause", "% of the first median", "100", "115"} <= set(found)


def test_a_long_run_of_one_window_is_drawn(make_result, make_record):
    rows = rows_of([make_record(make_result(sustained=Sustained(1.0, 10.0, (2.0,))))])
    assert "minutes without a pause" in texts(timeline.sustained(rows, "s"))


def test_temperature_clock_power_and_load_each_have_a_panel():
    conditions = [Condition(float(t), 50.0 + t, (1500.0, 600.0), (), 0.5, 4.0) for t in range(5)]
    picture = timeline.over_time(conditions, "o")
    assert {"temperature, °C", "clock of the fastest core, MHz", "power, W"} <= set(texts(picture))
    assert "temperature, °C 50 to 54" in label(picture)
    assert "MHz 1500 to 1500" in label(picture)


def test_what_a_device_does_not_tell_has_no_panel():
    picture = timeline.over_time([Condition(float(t), load_average=0.5) for t in range(3)], "o")
    assert [text for text in texts(picture) if text in ("temperature, °C", "power, W")] == []
    assert timeline.over_time([Condition(0.0), Condition(1.0)], "o") is None
    assert timeline.over_time([], "o") is None


def test_the_load_stands_on_an_axis_from_nothing():
    picture = timeline.over_time([Condition(float(t), load_average=2.275 + t / 100) for t in range(3)], "o")
    numbers = [float(text) for text in texts(picture) if text and text.replace(".", "").isdecimal()]
    assert numbers.count(0.0) == 2  # of the time, and of the load
