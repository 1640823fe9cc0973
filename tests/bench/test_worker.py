"""What a worker does, in this process."""

import dataclasses
import json

import pytest

from edgeleuk.bench import worker
from edgeleuk.bench.measured import END_TO_END, ProcessRun, Protocol, Sustained
from edgeleuk.bench.stages import STAGES
from edgeleuk.bench.worker import Task, examine, measure, outline, sustain
from edgeleuk.codec import decode
from edgeleuk.errors import ImageError, ModelError
from edgeleuk.processes.child import run_module

QUICK = Protocol(warm_up_block_s=0.001)


def plain(answer):
    """As the parent gets it."""
    return json.loads(json.dumps(answer))


def test_it_measures_one_process(small_model):
    run = decode(
        ProcessRun, plain(measure(Task("measure", str(small_model), "litert", 1, runs=7, protocol=QUICK))), "run"
    )
    assert len(run.samples_ms) == 7
    assert min(run.load_ms, run.first_ms, *run.samples_ms, *run.warm_up_ms) > 0
    assert len(run.warm_up_ms) >= QUICK.warm_up_blocks * 3
    assert run.peak_memory_mib > 20
    assert len(run.conditions) == 2
    assert run.stages == ()


def test_stages_are_measured_where_there_are_images(small_model, write_image):
    task = Task("measure", str(small_model), "litert", 1, runs=2, protocol=QUICK, images=(str(write_image("a.bmp")),))
    stages = measure(task)["stages"]
    assert [stage["name"] for stage in stages] == [*STAGES, END_TO_END]
    assert {len(stage["samples_ms"]) for stage in stages} == {2}


def test_the_outline_tells_what_the_model_is(small_float_model):
    found = outline(Task("outline", str(small_float_model), "litert", 1))
    assert (found["inputs"][0]["dtype"], found["operators"], found["notes"]) == ("float32", [], [])
    assert (found["coverage"]["operators"], found["coverage"]["partitions"]) == (5, 1)
    assert found["arena_bytes"] > 0


def test_an_examination_adds_time_by_operator(small_model):
    found = examine(Task("examine", str(small_model), "litert", 1))
    assert found["notes"] == []
    assert any("Convolution" in operator["name"] and operator["delegated"] for operator in found["operators"])


def test_a_bad_image_is_found_by_the_examination(small_model, tmp_path):
    (tmp_path / "bad.bmp").write_text("no image")
    with pytest.raises(ImageError, match=r"bad\.bmp"):
        examine(Task("examine", str(small_model), "litert", 1, images=(str(tmp_path / "bad.bmp"),)))


def test_a_sustained_run_is_a_row_of_windows(small_model):
    task = Task("sustain", str(small_model), "litert", 1, seconds=0.3, protocol=QUICK)
    found = decode(Sustained, plain(sustain(task)), "sustained")
    assert (found.minutes, found.window_s) == (0.3 / 60, 0.3 / 6)
    assert 3 <= len(found.medians_ms) <= 6
    assert len(found.conditions) == len(found.medians_ms) + 1


def test_a_model_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"gone\.tflite: No such file"):
        outline(Task("outline", str(tmp_path / "gone.tflite"), "litert", 1))


@pytest.mark.parametrize(("name", "failed"), [("small_model", False), ("cut", True)])
def test_it_answers_or_says_why_not(request, tmp_path, int8_flatbuffer, name, failed):
    (tmp_path / "cut.tflite").write_bytes(int8_flatbuffer[:500])
    path = tmp_path / "cut.tflite" if failed else request.getfixturevalue(name)
    outcome = run_module(worker.__name__, dataclasses.asdict(Task("outline", str(path), "litert", 1, protocol=QUICK)))
    assert (outcome.answer is None, outcome.failure is not None, outcome.died) == (failed, failed, False)
