"""Two records side by side: what is a regression, what is noise, and what cannot be told."""

import dataclasses

import pytest

from edgeleuk.bench.compare import Comparison, compare, threads_advice
from edgeleuk.bench.measured import ModelFacts, Protocol
from edgeleuk.errors import DataError
from edgeleuk.statistics.latency import Ratio


@pytest.mark.parametrize(
    ("low", "high", "regression", "verdict"),
    [
        (1.06, 1.2, True, "slower by more than the 5.0% allowed"),
        (1.01, 1.04, False, "slower, within the 5.0% allowed"),
        (1.01, 1.2, False, "slower; whether by more than the 5.0% allowed is not shown, more processes would narrow"),
        (0.98, 1.03, False, "no difference beyond what noise explains"),
        (0.9, 1.2, False, "no difference beyond what noise explains; whether by more than the 5.0% allowed is not"),
        (0.8, 0.9, False, "faster"),
        (None, None, False, "cannot tell: an interval needs 5 processes on each side"),
    ],
)
def test_the_interval_decides(low, high, regression, verdict):
    pair = Comparison("model", 10.0, 11.0, Ratio(1.1, low, high), 0.05)
    assert pair.regression is regression
    assert pair.verdict.startswith(verdict)
    assert ("more processes" in pair.verdict) or pair.verdict == verdict


def test_a_tenth_slower_is_a_regression(make_record, make_result):
    found = compare(make_record(make_result(10.0)), make_record(make_result(11.0)))
    (pair,) = found.pairs
    assert found.regression
    assert pair.second_ms / pair.first_ms == pytest.approx(pair.ratio.value)
    assert pair.ratio.value == pytest.approx(1.1, abs=0.03)
    assert found.notes == ()


def test_a_record_is_not_slower_than_itself(make_record, make_result):
    record = make_record(make_result(10.0), make_result(20.0, threads=2))
    found = compare(record, record, 0.0)
    assert not found.regression
    assert [pair.ratio.value for pair in found.pairs] == [1.0, 1.0]


def test_what_is_allowed_is_up_to_the_caller(make_record, make_result):
    records = make_record(make_result(10.0)), make_record(make_result(11.0))
    assert not compare(*records, 0.15).regression
    assert compare(*records, 0.02).regression


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_with_few_processes_even_twice_as_slow_is_no_regression(make_record, make_result, processes):
    found = compare(make_record(make_result(10.0, processes)), make_record(make_result(20.0, processes)))
    assert not found.regression
    assert found.pairs[0].verdict.startswith("cannot tell")


def test_pairs_are_of_one_model_interpreter_and_number_of_threads(make_record, make_result):
    first = make_record(make_result(10.0), make_result(6.0, threads=2), make_result(9.0, name="other.tflite"))
    second = make_record(make_result(6.1, threads=2), make_result(10.1), make_result(50.0, backend="tflite-runtime"))
    found = compare(first, second)
    assert [pair.title for pair in found.pairs] == ["cells.tflite, litert, 1 thread", "cells.tflite, litert, 2 threads"]
    assert [round(pair.second_ms) for pair in found.pairs] == [10, 6]
    assert found.notes == ("2 of the results have no counterpart and are left out",)


def test_the_same_file_is_paired_before_the_same_name(make_record, make_result):
    def result(name, digest, level):
        return make_result(level, model=ModelFacts(name, digest * 64, 1))

    first = make_record(result("a.tflite", "1", 10.0), result("b.tflite", "2", 20.0))
    second = make_record(result("a.tflite", "2", 20.0), result("b.tflite", "1", 10.0))
    assert [round(pair.ratio.value, 1) for pair in compare(first, second).pairs] == [1.0, 1.0]


def test_copies_of_one_file_are_paired_by_name(make_record, make_result):
    record = make_record(
        *(make_result(level, model=ModelFacts(name, "1" * 64, 1)) for name, level in (("a", 10.0), ("copy", 12.0)))
    )
    assert [pair.ratio.value for pair in compare(record, record).pairs] == [1.0, 1.0]


def test_a_result_that_is_paired_stays_so(make_record, make_result):
    one, copy = (make_result(level, model=ModelFacts(name, "1" * 64, 1)) for name, level in (("a", 10.0), ("b", 12.0)))
    found = compare(make_record(one), make_record(copy, one))
    assert [pair.ratio.value for pair in found.pairs] == [1.0]


def test_a_model_that_was_made_anew_is_paired_by_name_and_said_to_differ(make_record, make_result):
    first = make_record(make_result(10.0), make_result(6.0, threads=2))
    model = ModelFacts("cells.tflite", "f" * 64, 1)
    found = compare(first, make_record(make_result(10.0, model=model), make_result(6.0, threads=2)))
    assert len(found.pairs) == 2
    assert "the model files differ" in found.notes[0]


def test_records_without_a_common_result_are_refused(make_record, make_result):
    first = make_record(make_result(), make_result(threads=2))
    with pytest.raises(DataError, match="nothing to compare: pairs are of the same model") as raised:
        compare(first, make_record(make_result(threads=4)))
    assert raised.value.__notes__[0].startswith("the first record has cells")
    with pytest.raises(DataError) as raised:
        compare(first, make_record())
    assert raised.value.__notes__[1] == "the second record has no results"


def test_single_results_are_a_pair_whatever_they_hold_and_it_is_said(make_record, make_result):
    other = make_result(8.0, name="pruned.tflite", threads=4, backend="tflite-runtime")
    found = compare(make_record(make_result()), make_record(other))
    assert found.pairs[0].title == "cells.tflite, litert, 1 thread -> pruned.tflite, tflite-runtime, 4 threads"
    said = "\n".join(found.notes)
    assert "the model files differ" in said
    assert "threads differ, 1 and 4" in said
    assert "interpreters differ, litert and tflite-runtime" in said


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"partial": True}, "the second record is partial"),
        ({"invalid": ("the clock changed",)}, "the second record is not valid: the clock changed"),
        ({"protocol": Protocol(processes=9)}, "the protocols differ, processes 10 and 9"),
        ({"protocol": Protocol(warm_up_tolerance=0.2)}, "the protocols differ, warm_up_tolerance 0.05 and 0.2"),
        ({"device": {"board": "Raspberry Pi 4"}}, "the devices differ, board Raspberry Pi 5 and Raspberry Pi 4"),
        ({"device": {}}, "the devices differ, processor Cortex-A76 and not reported"),
        (
            {"device": {"board": "Raspberry Pi 5", "processor": "Cortex-A76", "governors": ["ondemand"]}},
            "the devices differ, governors not reported and ondemand",
        ),
    ],
)
def test_what_a_reader_has_to_know_is_noted(make_record, make_result, change, note):
    first = make_record(make_result())
    found = compare(first, dataclasses.replace(first, **change))
    assert any(each.startswith(note) for each in found.notes)


def test_an_interrupted_record_is_said_to_be_once(make_record, make_result):
    first = make_record(make_result())
    partial = dataclasses.replace(first, partial=True, invalid=("interrupted; not all was measured",))
    assert compare(first, partial).notes == ("the second record is not valid: interrupted; not all was measured",)


def test_another_version_of_the_interpreter_is_noted(make_record, make_result):
    found = compare(make_record(make_result()), make_record(make_result(backend_version="2.4.0")))
    assert found.notes == ("cells.tflite, litert, 1 thread: litert 2.3.0 and 2.4.0",)


def test_advice_names_the_number_of_threads(make_result):
    sweep = [make_result(level, threads=threads) for threads, level in ((1, 10.0), (2, 6.0), (4, 6.0))]
    assert threads_advice(sweep) == ("cells.tflite, litert: take 2 threads; no other number is shown to be faster",)
    assert threads_advice(sweep[:1]) == ()


def test_without_intervals_there_is_no_advice(make_result):
    sweep = [make_result(level, 1, threads=threads) for threads, level in ((1, 10.0), (2, 6.0))]
    assert threads_advice(sweep)[0].startswith("cells.tflite, litert: too few processes to say")
