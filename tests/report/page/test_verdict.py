"""What a reader takes away first: whether it counts, how much faster, how much is lost and whether that is anything."""

import json
from dataclasses import replace

import pytest

from edgeleuk.report.page.rows import rows_of
from edgeleuk.report.page.verdict import told


def verdicts(material):
    return told(material, rows_of(material.records))


@pytest.fixture(scope="module")
def timed(make_record, make_result):
    return make_record(make_result("cells-float32.tflite", 7.0), make_result("cells-int8.tflite", 2.0))


def evaluation(text, accuracies):
    """The evaluation with these numbers of right images of its subjects, of four each."""
    raw = json.loads(text)
    rows = zip(raw["subjects"], accuracies, strict=True)
    raw["subjects"] = [row | {"correct": right, "accuracy": right / row["images"]} for row, right in rows]
    raw["scores"]["accuracy"] |= {"value": sum(accuracies) / 40, "low": 0.0, "high": 1.0}
    return json.dumps(raw)


def test_a_valid_record_says_how_many_times_as_fast_and_how_much_less_accurate(read, timed, make_evaluation):
    before = evaluation(make_evaluation("cells-float32.tflite"), [4] * 10)
    after = evaluation(make_evaluation("cells-int8.tflite"), [4] * 9 + [3])
    (found,) = verdicts(read(timed, before, after))
    assert found.good is True
    (sentence,) = found.sentences
    assert sentence.startswith("cells-int8 is 3.5 times as fast as cells-float32 (")
    assert sentence.endswith("2.5 points less accurate, which 10 subjects cannot tell from nothing.")
    assert found.caveats == ("accuracy: overlap cannot be ruled out",)


def test_a_loss_that_subjects_can_tell_comes_with_its_bounds(read, timed, make_evaluation):
    before = evaluation(make_evaluation("cells-float32.tflite"), [4] * 10)
    after = evaluation(make_evaluation("cells-int8.tflite"), [2, 1, 2, 3, 2, 2, 1, 2, 3, 2])
    (found,) = verdicts(read(timed, before, after))
    assert "50.0 points less accurate (-" in found.sentences[0]
    assert "; 10 subjects)" in found.sentences[0]


def test_what_is_not_valid_says_why_first_and_compares_no_time(read, timed, make_evaluation):
    disturbed = replace(timed, invalid=("the firmware reported throttling", "busy"))
    (found,) = verdicts(read(disturbed, make_evaluation("cells-float32.tflite"), make_evaluation("cells-int8.tflite")))
    assert found.good is False
    assert found.sentences[0] == "Not valid, because the firmware reported throttling, and 1 more reason."
    assert found.sentences[1] == "cells-int8 is as accurate as cells-float32 on 40 images of 10 subjects."
    assert not any("times as" in sentence for sentence in found.sentences)


def test_a_model_of_another_kind_is_not_compared(read, make_record, make_result):
    (found,) = verdicts(read(make_record(make_result("a.tflite"), make_result("b.tflite", 4.0))))
    assert [sentence.partition(":")[0] for sentence in found.sentences] == ["a", "b"]
    assert all("median" in sentence for sentence in found.sentences)


def test_equally_fast_models_are_no_faster(read, make_record, make_result):
    (found,) = verdicts(read(make_record(make_result("a-float32.tflite"), make_result("a-int8.tflite"))))
    assert "no faster or slower, as far as 6 processes can tell, than a-float32" in found.sentences[0]


def test_too_few_processes_are_said(read, make_record, make_result):
    record = make_record(make_result("a-float32.tflite", 9.0, 3), make_result("a-int8.tflite", 3.0, 3))
    (found,) = verdicts(read(record))
    assert "times as fast (too few processes for an interval) as a-float32" in found.sentences[0]


def test_many_records_are_told_together(read, make_record, make_result):
    records = [
        make_record(make_result(), label=f"board {number}", invalid=("hot",) if number else ()) for number in range(6)
    ]
    (found,) = verdicts(read(*records))
    assert (found.good, found.sentences) == (False, ("1 of 6 records are valid.",))
    assert found.caveats[0] == "board 1, 2026-01-31 12:00: not valid, because hot."
    assert found.caveats[-1] == "and 1 more, see below"


def test_evaluations_alone_are_compared_with_the_first(read, make_evaluation):
    (found,) = verdicts(read(make_evaluation("a.tflite"), make_evaluation("b.tflite", right=32)))
    assert found.good is None
    assert found.sentences[0].startswith("a.tflite: accuracy 0.900 (")
    assert "points less accurate than a.tflite" in found.sentences[1]


def test_without_subjects_nothing_is_said_to_be_more_than_chance(read, make_evaluation):
    texts = [
        json.dumps(json.loads(make_evaluation(name, right=n)) | {"subjects": []}) for name, n in (("a", 38), ("b", 20))
    ]
    (found,) = verdicts(read(*texts))
    assert (
        "45.0 points less accurate than a, and images of no known subject cannot tell by how much" in found.sentences[1]
    )
