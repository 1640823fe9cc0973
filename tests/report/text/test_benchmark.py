"""A record as text for a terminal: every number with its interval, and why it should not be quoted, if so."""

from dataclasses import replace

import pytest

from edgeleuk.bench.compare import compare
from edgeleuk.bench.family import Speed
from edgeleuk.bench.measured import Condition
from edgeleuk.report.text.benchmark import conditions_text, ratio_text, render_comparisons, render_record, speed_text
from edgeleuk.statistics.latency import Ratio


def test_a_record_is_told_from_device_to_verdict(rich_record):
    text = render_record(rich_record)
    found = rich_record.results[0].summary
    assert text.startswith("device    Raspberry Pi 5: Cortex-A76, 4 cores")
    for told in (
        "numpy 2.4.6",
        "10 processes in turn, at least 50 runs and 10 s of each model; single stream",
        "49 to 55 °C",
        f"{found.p50_interval.low:.4g} to {found.p50_interval.high:.4g}",
        f"{found.throughput_per_s:.4g} inferences/s one after the other (1,000 / median)",
        "; 220 KiB planned for activations",
        "115 of 125 operators in 10 partitions; outside: 9 AVERAGE_POOL_2D, 1 SOFTMAX",
        f"{0.9 / found.p50_ms:.1%}     9 x AVERAGE_POOL_2D (interpreter)",
        "mean of 30 profiled inferences, as an older edgeleuk measured",
        "in whole microseconds",
        "not accounted for",
        "ms an image, a median each, which need not add up: decode 0.375",
        "energy: 12.5 mJ an inference by RAPL package-0",
        "1 minutes without a pause: the device does not hold its speed",
        "note: spec: none",
        "times as fast (",
        " as cells-float32.tflite, litert, 1 thread",
        "cells-int8.tflite, litert: take 2 threads",
    ):
        assert told in text, told
    assert text.rstrip().splitlines()[-1].startswith("valid: ")


def test_the_way_from_file_to_decision_leads_where_images_were_timed(rich_record):
    lines = render_record(rich_record).splitlines()
    heads = [line.split("  ")[0] for line in lines if line.startswith("ms ")]
    assert heads == ["ms from image file to decision", "ms of bare invoke"]
    assert f"{rich_record.results[0].decision.p50_ms:.4g}" in lines[lines.index("") + 2]


def test_columns_stand_below_their_heads(rich_record):
    lines = render_record(rich_record).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("ms of bare invoke"))
    head, *rows = lines[begin : begin + 5]
    assert all(len(row) == len(head) for row in rows)
    for name in ("median", "p90", "load", "MiB", "runs"):
        end = head.index(f"  {name}") + 2 + len(name)
        assert all(row[end - 1].isdigit() and row[end : end + 1] in ("", " ") for row in rows)


def test_a_record_that_is_not_valid_ends_with_the_reasons(make_record, make_result):
    text = render_record(make_record(make_result(), invalid=("the firmware reported throttled",)))
    assert text.endswith("NOT VALID, do not quote these numbers:\n  the firmware reported throttled\n")


def test_a_record_without_results_says_so(make_record):
    assert "nothing was measured" in render_record(make_record(invalid=("interrupted",), partial=True))


def test_energy_that_could_not_be_counted_is_told(make_record, make_result):
    record = make_record(make_result(), device={"energy_refused": "its counter may be read by root only"})
    assert "energy was not measured: its counter may be read by root only" in render_record(record)


def test_power_is_the_median_of_what_the_sensor_said(make_record, make_result):
    result = make_result()
    looks = (Condition(0.0, power_w=9.0), Condition(1.0, power_w=4.0), Condition(2.0, power_w=5.0))
    process = replace(result.processes[0], conditions=looks)
    text = render_record(make_record(replace(result, processes=(process, *result.processes[1:]))))
    assert "power: 4.5 W (median of 2 readings)" in text


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ([], "temperature not reported, clock not reported, load not reported, throttling not reported"),
        ([Condition(0.0, 40.0, (600.0, 1500.0), (), 0.1)], "40 °C, 600 to 1,500 MHz, load 0.10 to 0.10, not throttled"),
        ([Condition(0.0, throttled=("hot",)), Condition(1.0, throttled=("low voltage", "hot"))], "hot; low voltage"),
    ],
)  # fmt: skip
def test_conditions_are_ranges_and_what_is_not_told_is_said(conditions, told):
    assert conditions_text(conditions).endswith(told)


def test_a_ratio_is_told_with_its_interval():
    assert ratio_text(Ratio(1.1, 1.08, 1.12)) == "1.100 (95% interval 1.080 to 1.120)"
    assert ratio_text(Ratio(1.1, None, None)) == "1.100"


def test_a_speed_is_told_as_what_is_read(make_result):
    assert speed_text(Speed(make_result(), 2.1, 2.05, 2.14)) == "2.1 times as fast (2.05 to 2.14)"
    assert speed_text(Speed(make_result(), 0.4, 0.398, 0.402)) == "2.5 times as slow (2.49 to 2.51)"
    assert speed_text(Speed(make_result(), 2.1, None, None)) == "2.1 times as fast (no interval)"


def test_a_comparison_has_a_line_for_each_pair_and_its_notes(make_record, make_result):
    fast, slow = make_record(make_result(level_ms=2.0)), make_record(make_result(level_ms=3.0), invalid=("busy",))
    lines = render_comparisons(compare(fast, slow)).splitlines()
    assert lines[0] == "cells-int8.tflite, litert, 1 thread"
    assert " ms, ratio 1." in lines[1]
    assert "slower by more than the 5.0% allowed" in lines[1]
    assert "note: the second record is not valid: busy" in lines
