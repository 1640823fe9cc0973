"""From request to record, with real workers and with some that come to a bad end."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from edgeleuk.bench.candidates import MAX_IMAGES, Candidate, Request, _names, examined, image_files, model_facts
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record, Result, read_record
from edgeleuk.bench.session import StoppedError, benchmark
from edgeleuk.bench.worker import ProcessDiedError, run_task
from edgeleuk.errors import DataError, ModelError, SpecError, UsageError

QUICK = Protocol(processes=2, runs=5, seconds=0.0, warm_up_block_s=0.001)


def request(*models, **more):
    return Request(models, ("litert",), **{"protocol": QUICK} | more)


class Failing:
    """Workers, of which one dies: the n-th that is to `do` this."""

    def __init__(self, do, number):
        self.do, self.left = do, number

    def __call__(self, task):
        self.left -= task.do == self.do
        if self.left == 0 and task.do == self.do:
            raise ProcessDiedError(f"{task.model}: its process was ended by SIGSEGV")
        return run_task(task)


@pytest.fixture(scope="module")
def record(small_model, small_float_model) -> Record:
    """Two models with two numbers of threads each."""
    said: list[str] = []
    made = benchmark(request(small_model, small_float_model, threads=(1, 2)), said.append)
    return dataclasses.replace(made, label="\n".join(said))


def test_models_take_turns(record):
    names = [f"{name}.tflite, litert, {count}" for name in ("int8", "float32") for count in ("1 thread", "2 threads")]
    steps = ("inspect ", "round 1 of 2: ", "round 2 of 2: ")
    assert record.label.splitlines() == [f"{step}{name}" for step in steps for name in names]


def test_every_model_has_its_share_in_every_process(record):
    assert [(result.model.name, result.threads) for result in record.results] == [
        ("int8.tflite", 1),
        ("int8.tflite", 2),
        ("float32.tflite", 1),
        ("float32.tflite", 2),
    ]
    for result in record.results:
        assert [len(process.samples_ms) for process in result.processes] == [3, 3]  # 5 runs in 2 processes
    starts = [process.started_s for result in record.results for process in result.processes]
    assert sorted(starts) == [starts[position] for position in (0, 2, 4, 6, 1, 3, 5, 7)]


def test_the_record_holds_what_the_models_are(record, small_model):
    first = record.results[0]
    [facts] = model_facts([small_model])
    assert (first.model.sha256, first.model.spec, first.model.proof) == (facts.sha256, facts.spec, facts.proof)
    assert first.model.size_bytes == small_model.stat().st_size
    assert first.model.inputs[0].shape == (1, 32, 32, 3)
    assert first.coverage.operators == 5
    assert first.operators
    assert first.notes == ()


def test_it_is_whole_and_reads_back(record, tmp_path):
    assert not record.partial
    assert any("no interval" in reason for reason in record.invalid)  # of 2 processes
    (tmp_path / "r.json").write_text(record.to_json())
    assert read_record(tmp_path / "r.json") == record


def test_a_model_is_named_with_its_folder_where_names_are_shared(small_model, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(small_model, tmp_path / folder / "m.tflite")
    facts = model_facts([tmp_path / "a" / "m.tflite", tmp_path / "b" / "m.tflite", small_model])
    assert [fact.name for fact in facts] == ["a/m.tflite", "b/m.tflite", "int8.tflite"]


def test_a_name_that_is_no_unicode_can_be_written(small_model, tmp_path):
    path = tmp_path / "\udcff.tflite"
    shutil.copy(small_model, path)
    [facts] = model_facts([path])
    assert facts.name == "\\xff.tflite"


def test_one_file_by_two_names_is_named_twice(small_model, monkeypatch):
    monkeypatch.chdir(small_model.parent)
    with pytest.raises(UsageError, match="named twice"):
        model_facts([small_model, small_model.relative_to(small_model.parent)])


def test_images_need_a_spec(tmp_path, int8_flatbuffer):
    (tmp_path / "bare.tflite").write_bytes(int8_flatbuffer)
    with pytest.raises(SpecError, match=r"bare\.tflite has no ModelSpec"):
        benchmark(request(tmp_path / "bare.tflite", images=(str(tmp_path),)))


def test_a_bad_image_is_found_before_the_first_round(small_model, tmp_path, write_image):
    write_image("pictures/a.bmp")
    (tmp_path / "pictures" / "b.bmp").write_text("no image")
    said = []
    with pytest.raises(ModelError, match=r"b\.bmp"):
        benchmark(request(small_model, images=(str(tmp_path / "pictures"),)), said.append)
    assert said == ["inspect int8.tflite, litert, 1 thread"]


def test_stages_are_in_the_record(small_model, write_image):
    [result] = benchmark(request(small_model, images=(str(write_image("a.bmp")),))).results
    assert {name: len(samples) for name, samples in result.stage_samples().items()} == dict.fromkeys(
        ("decode", "crop and resize", "quantize", "invoke", "decide", "end to end"), 6
    )


def test_more_images_than_are_needed_are_left_out_aloud(tmp_path):
    for number in range(MAX_IMAGES + 1):
        (tmp_path / f"{number:03}.bmp").touch()
    files, more = image_files([str(tmp_path)])
    assert (len(files), files[-1].name, more) == (MAX_IMAGES, f"{MAX_IMAGES - 1:03}.bmp", True)
    (tmp_path / "000.bmp").unlink()
    assert image_files([str(tmp_path)])[1] is False


@pytest.mark.parametrize(("name", "error"), [("absent", UsageError), ("empty", DataError)])
def test_names_that_stand_for_no_image(tmp_path, name, error):
    (tmp_path / "empty").mkdir()
    with pytest.raises(error):
        image_files([str(tmp_path / name)])


def test_a_sustained_run_follows(small_model):
    said = []
    record = benchmark(request(small_model, sustained_minutes=0.005), said.append)
    assert record.results[0].sustained.minutes == pytest.approx(0.005)
    assert said[-1] == "0.005 minutes of continuous load: int8.tflite, litert, 1 thread"


def interrupting(words):
    """A progress that is interrupted when it comes to these words."""

    def progress(text):
        if words in text:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    ("words", "processes"), [("inspect float", []), ("round 1 of 2: float", [1]), ("round 2 of 2: float", [2, 1])]
)
def test_an_interruption_leaves_what_was_measured(small_model, small_float_model, words, processes):
    record = benchmark(request(small_model, small_float_model), interrupting(words))
    assert record.partial
    assert [len(result.processes) for result in record.results] == processes
    assert record.invalid[0] == "interrupted; not all that was asked for was measured"


def test_a_crash_on_the_way_leaves_what_was_measured(small_model, small_float_model):
    with pytest.raises(StoppedError, match=r"float32\.tflite: its process was ended by SIGSEGV") as caught:
        benchmark(request(small_model, small_float_model), run=Failing("measure", 4))
    record = caught.value.record
    assert record.partial
    assert [len(result.processes) for result in record.results] == [2, 1]
    assert record.invalid[0].startswith("stopped by a failure: ")


def test_a_crash_in_the_sustained_run_leaves_the_rounds(small_model):
    with pytest.raises(StoppedError) as caught:
        benchmark(request(small_model, sustained_minutes=0.001), run=Failing("sustain", 1))
    [result] = caught.value.record.results
    assert (len(result.processes), result.sustained) == (2, None)


def test_a_crash_before_anything_was_measured_is_the_models(small_model):
    with pytest.raises(ProcessDiedError):
        benchmark(request(small_model), run=Failing("measure", 1))


def test_a_profiler_that_crashes_costs_the_profile_only(small_model):
    candidate = Candidate(small_model, Result(model_facts([small_model])[0], "litert", "2.3.0", 1))
    result = examined(candidate, QUICK, run=Failing("examine", 1))
    assert (result.operators, result.coverage.operators) == ((), 5)
    assert [note for note in result.notes if "SIGSEGV" in note and note.startswith("time by operator: ")]


def test_a_model_that_changes_meanwhile_is_noticed(small_model, tmp_path):
    path = tmp_path / "m.tflite"
    shutil.copy(small_model, path)

    def progress(text):
        if text.startswith("round 2"):
            path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(StoppedError, match=r"m\.tflite was changed while it was measured"):
        benchmark(request(path), progress)


def test_models_of_one_name_are_told_apart_by_folders_and_not_by_where_all_of_them_lie():
    paths = [Path("/home/ada/a/x/m.tflite"), Path("/home/ada/b/x/m.tflite"), Path("/home/ada/b/n.tflite")]
    assert _names(paths) == ["a/x/m.tflite", "b/x/m.tflite", "n.tflite"]
