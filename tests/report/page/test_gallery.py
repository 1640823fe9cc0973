"""Which pictures are shown: those that there is something to draw for, and none twice."""

from dataclasses import replace

from edgeleuk.report.page.charts import Point
from edgeleuk.report.page.gallery import overview_pictures, record_pictures, untold
from edgeleuk.report.page.rows import rows_of

POINT = Point("a", 1.0, 0.9, None, None)


def titles(pictures):
    return [picture.title for picture in pictures]


def test_a_record_with_everything_has_every_picture(rich_record):
    rows = rows_of([rich_record])
    assert titles(overview_pictures(rows, [POINT])) == ["Latency", "Accuracy beside latency", "Memory"]
    assert titles(record_pictures(rich_record, rows, "r", alone=True)) == [
        "Threads",
        "From image file to decision",
        "Operators",
        "Without a pause",
        "The device meanwhile",
    ]


def test_beside_others_a_record_has_its_own_latencies(rich_record):
    assert titles(record_pictures(rich_record, rows_of([rich_record]), "r", alone=False))[0] == "Latency"


def test_what_was_not_measured_has_no_picture(make_result, make_record):
    result = make_result()
    silent = replace(result, processes=tuple(replace(p, conditions=(), peak_memory_mib=None) for p in result.processes))
    record = make_record(silent, conditions=())
    rows = rows_of([record])
    assert titles(overview_pictures(rows, [])) == ["Latency"]
    assert record_pictures(record, rows, "r", alone=True) == ()
    assert overview_pictures((), []) == ()


def test_a_device_that_tells_all_is_not_blamed(rich_record, make_record):
    told = tuple(replace(condition, power_w=4.0) for condition in rich_record.conditions)
    assert untold(replace(rich_record, conditions=told)) == ""
    assert untold(rich_record) == "This device does not report: power."
