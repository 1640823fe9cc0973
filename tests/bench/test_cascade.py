"""A cascade in a benchmark: worst case, both models on their own, what is expected, and the mix of real images."""

import dataclasses
import json

import pytest

from edgeleuk.bench.candidates import Request, model_facts
from edgeleuk.bench.measured import (
    END_TO_END,
    FIRST_MODEL,
    LARGE_MODEL,
    CascadeFacts,
    ModelFacts,
    ProcessRun,
    Protocol,
    Stage,
)
from edgeleuk.bench.record import parse_record
from edgeleuk.bench.session import benchmark
from edgeleuk.bench.stages import STAGES
from edgeleuk.bench.worker import Task, measure, outline
from edgeleuk.codec import decode
from edgeleuk.report.text.benchmark import render_record
from edgeleuk.report.text.cascade import cascade_lines

QUICK = Protocol(processes=1, runs=4, seconds=0.0, warm_up_block_s=0.001)
FACTS = CascadeFacts(1.5, 0.9, answered_first=30, images=40)


@pytest.fixture
def cascade(write_cascade, tmp_path):
    """A cascade whose first model answers every image."""
    return write_cascade(tmp_path / "cascade.tflite", 0.0)


def made_up(make_process, stages=(), answered_first=None):
    parts = (Stage(FIRST_MODEL, (1.0,) * 9), Stage(LARGE_MODEL, (8.0,) * 9))
    return make_process([9.5] * 9, parts=parts, stages=stages, answered_first=answered_first)


@pytest.fixture
def result(make_process, make_result):
    model = ModelFacts("cascade.tflite", "a" * 64, 1000, cascade=FACTS)
    return make_result(model=model, runs=(made_up(make_process),) * 6)


def test_its_facts_are_those_of_its_rule(cascade, small_model):
    first, second = model_facts([cascade, small_model])
    assert first.cascade == CascadeFacts(1.0, 0.0, 30, 40)
    assert second.cascade is None


def test_both_models_are_measured_on_their_own_too(cascade, write_image):
    task = Task("measure", str(cascade), "litert", 1, runs=4, protocol=QUICK, images=(str(write_image("a.bmp")),))
    run = decode(ProcessRun, json.loads(json.dumps(measure(task))), "run")
    assert [part.name for part in run.parts] == [FIRST_MODEL, LARGE_MODEL]
    assert all(len(part.samples_ms) == 4 for part in run.parts)
    assert run.answered_first == len(run.stages[0].samples_ms) == 4


def test_of_other_models_there_are_no_parts(small_model):
    run = measure(Task("measure", str(small_model), "litert", 1, runs=2, protocol=QUICK))
    assert (run["parts"], run["answered_first"]) == ((), None)


def test_the_outline_says_what_the_figures_are_of(cascade):
    [note] = outline(Task("outline", str(cascade), "litert", 1))["notes"]
    assert note.startswith("cascade: bare invoke is its worst case")


def test_a_record_of_a_cascade_is_read_again(cascade, write_image):
    record = benchmark(Request((cascade,), images=(str(write_image("a.bmp")),), protocol=QUICK))
    again = parse_record(json.loads(record.to_json()), "record")
    assert again == record
    [result] = again.results
    assert result.share_first == 1.0
    first, large = result.part_ms(FIRST_MODEL), result.part_ms(LARGE_MODEL)
    assert result.expected_ms == pytest.approx(first + 0.25 * large)
    assert "as on 40 validation images" in render_record(record)
    assert "the first answered 100.0% of the images here" in render_record(record)


def test_a_record_without_the_new_keys_is_still_read(make_record, make_result):
    from edgeleuk.codec import digest

    raw = json.loads(make_record(make_result()).to_json())
    for row in raw["results"]:
        del row["model"]["cascade"]
        for run in row["processes"]:
            del run["parts"], run["answered_first"]
    raw["sha256"] = digest({key: raw[key] for key in raw if key not in ("kind", "schema_version", "sha256")})
    assert parse_record(raw, "old") == make_record(make_result())


def test_what_is_expected_follows_from_the_share_on_validation(result):
    assert result.expected_ms == 1.0 + 0.25 * 8.0
    [line] = cascade_lines(result)
    assert line == (
        "cascade: first model 1 ms, large model 8 ms, worst case (both in turn) 9.5 ms; expected 3 ms if the first "
        "answers 75.0%, as on 40 validation images"
    )


def test_with_images_the_share_found_there_is_told(result, make_process):
    stages = tuple(Stage(name, (1.0, 3.0, 3.0, 3.0)) for name in (*STAGES, END_TO_END))
    run = made_up(make_process, stages, answered_first=1)
    mixed = dataclasses.replace(result, processes=(run,) * 6)
    assert mixed.share_first == 0.25
    assert list(cascade_lines(mixed))[1] == (
        "cascade: the first answered 25.0% of the images here; 2.5 ms an image on average"
    )


def test_other_models_have_no_such_lines(make_result):
    other = make_result()
    assert list(cascade_lines(other)) == []
    assert (other.expected_ms, other.share_first) == (None, None)
