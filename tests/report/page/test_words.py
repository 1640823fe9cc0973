"""What a report says in words."""

from edgeleuk.report.page import words
from tests.searches import make_search


def test_an_evaluation_of_a_model_that_was_not_timed_is_said(read, rich_record, make_evaluation):
    material = read(rich_record, make_evaluation("cells-int8.tflite"), make_evaluation("other.tflite", right=20))
    timed, other = words.accuracy_lines(material)
    assert timed.startswith("cells-int8.tflite: accuracy 0.900 (0.")
    assert timed.endswith("; 10 subjects) on 40 images of split 'test'")
    assert "not timed" not in timed
    assert other.endswith("not timed in these records")


def test_the_heading_says_what_kind_of_report_it_is(read, rich_record, make_evaluation):
    evaluation = make_evaluation("cells-int8.tflite")
    assert words.heading(read(evaluation)) == "Evaluation report"
    assert words.heading(read(rich_record, evaluation)) == "Benchmark report"
    assert words.heading(read(make_search(4).to_json())) == "Search report"


def test_the_device_tells_what_it_knows_and_the_conditions(make_record, make_result):
    record = make_record(make_result(), device={"board": None, "cores": 4, "hypervisor": False, "memory_mib": 8063.2})
    rows = dict(words.device_rows(record))
    assert "board" not in rows
    assert (rows["cores"], rows["hypervisor"], rows["memory mib"]) == ("4", "no", "8,063")
    assert rows["conditions"].startswith("49 to 55 °C, 1,400 to 1,500 MHz, load 0.40 to 0.70")
    assert rows["measured by"] == "edgeleuk 0.4.0"


def test_the_protocol_holds_every_number_of_it(make_record, make_result):
    rows = dict(words.protocol_rows(make_record(make_result())))
    assert rows["processes"] == "10 of each model, in turn"
    assert rows["queries"] == "at least 50 and 10 s of each model, over all processes"
    assert rows["warm-up"] == "until the medians of the last 3 blocks of 0.1 s differ by at most 5%, at most 5 s"
