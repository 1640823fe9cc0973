"""Rows of a report: names that tell them apart, figures that follow from the samples."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.report.page.rows import rows_of, rows_of_record
from edgeleuk.text import shortened


def test_a_name_holds_what_differs_and_no_more(make_result, make_record):
    one = make_record(make_result("a.tflite"), make_result("b.tflite"))
    assert [row.name for row in rows_of([one])] == ["a", "b"]
    threads = make_record(make_result("a.tflite"), make_result("a.tflite", threads=2))
    assert [row.name for row in rows_of([threads])] == ["a, 1 thread", "a, 2 threads"]
    backends = make_record(make_result("a.tflite"), make_result("a.tflite", backend="tflite-runtime"))
    assert [row.name for row in rows_of([backends])] == ["a, litert", "a, tflite-runtime"]
    other = make_record(make_result("a.tflite"), label="Raspberry Pi 4")
    assert [row.name for row in rows_of([one, other])] == [
        "a, Raspberry Pi 5",
        "b, Raspberry Pi 5",
        "a, Raspberry Pi 4",
    ]


def test_records_of_one_device_are_told_apart_by_their_time(make_result, make_record):
    result = make_result("a.tflite")
    rows = rows_of([make_record(result), make_record(result, created="2026-02-01T08:30:00+00:00")])
    assert [row.name for row in rows] == ["a, 2026-01-31 12:00:00", "a, 2026-02-01 08:30:00"]


def test_within_its_record_a_row_needs_no_device(make_result, make_record):
    records = [make_record(make_result()), make_record(make_result(level_ms=3.0), label="other")]
    rows = rows_of(records)
    (row,) = rows_of_record(records[1], rows)
    assert row == replace(rows[1], name="cells-int8")


def test_a_row_is_so_many_times_as_fast_as_the_float_model_of_its_record(make_result, make_record):
    records = [
        make_record(make_result("cells-int8.tflite", 2.0), make_result("cells-float32.tflite", 3.0)),
        make_record(make_result("cells-int8.tflite", 2.0), label="another machine"),
    ]
    first, base, elsewhere = rows_of(records)
    assert first.speed.low < 1.5 < first.speed.high
    assert first.speed.value == pytest.approx(1.5, rel=0.02)
    assert first.speed.base is base.result
    assert base.speed is None
    assert elsewhere.speed is None


def test_a_row_takes_its_own_faults_and_those_of_the_whole_record(make_result, make_record):
    results = make_result("a.tflite"), make_result("b.tflite")
    faults = ("interrupted", f"{results[0].title}: throttled", f"{results[1].title}: busy")
    one, other = rows_of([make_record(*results, invalid=faults)])
    assert one.reasons == faults[:2]
    assert other.reasons == (faults[0], faults[2])
    assert not one.valid


def test_energy_is_that_of_one_inference(rich_record, make_result, make_record):
    assert rows_of([rich_record])[0].millijoules == pytest.approx(1000 * 0.5 / 40)
    assert rows_of([make_record(make_result())])[0].millijoules is None


def test_stages_are_medians_over_all_processes(rich_record):
    assert rows_of([rich_record])[0].stage_medians_ms["decode"] == pytest.approx(0.375)


@given(text=st.text(max_size=200), longest=st.integers(9, 60))
def test_a_shortened_name_is_one_printable_line_of_that_length(text, longest):
    short = shortened(text, longest)
    assert len(short) <= longest
    assert short.isprintable()


def test_a_shortened_name_keeps_begin_and_end():
    assert shortened("a" * 50 + "-int8", 20).startswith("aaaa")
    assert shortened("a" * 50 + "-int8", 20).endswith("-int8")
    assert shortened("two\nlines\x00here") == "two lines here"
