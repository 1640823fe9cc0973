"""Reference records: those that are committed, how one is named, and what is refused as one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.models import spec
from benchmarks.reference import FOLDER, MODELS, REJECTED, board_name, keep, main, unfit
from edgeleuk.bench.measured import ModelFacts, ProcessRun, Protocol, Stage
from edgeleuk.bench.record import Record, Result, read_record

RECORDS = sorted(path for path in FOLDER.iterdir() if path.name != "README.md")


def result(name, threads=1):
    described = json.loads(spec(MODELS[name]).to_json())
    run = ProcessRun(0.0, 1.0, 1.0, (1.0,), True, (1.0, 1.1), 50.0, stages=(Stage("decode", (0.5,)),))
    return Result(ModelFacts(name, "0" * 64, 1, spec=described), "litert", "2.3", threads, (run,) * 6)


@pytest.fixture
def record():
    """A record that is fit, of a device with two cores."""
    results = tuple(result(name, threads) for name in MODELS for threads in (1, 2))
    return Record("2026-01-01T00:00:00+00:00", "0.1.0", "Pi", {"board": "Raspberry Pi 5"}, Protocol(), results)


def test_committed_records_can_be_read_and_are_fit():
    found = {path.name: read_record(path) for path in RECORDS}
    assert {name: list(unfit(record)) for name, record in found.items()} == {name: [] for name in found}
    assert [f"{board_name(record.device)}.json" for record in found.values()] == list(found)


def test_the_folder_holds_records_and_says_how_one_is_made():
    assert (FOLDER / "README.md").is_file()
    assert {path.suffix for path in RECORDS} <= {".json"}


def test_a_record_of_all_models_on_one_thread_and_more_is_fit(record):
    assert list(unfit(record)) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda r: replace(r, invalid=("it was throttled",)), "it was throttled"),
        (lambda r: replace(r, partial=True), "it is partial"),
        (lambda r: replace(r, results=r.results[2:]), "was not measured"),
        (lambda r: replace(r, results=r.results[1:]), "was not measured on one thread"),
    ],
    ids=["invalid", "partial", "a model less", "no single thread"],
)
def test_what_makes_a_record_unfit_is_named(record, changed, reason):
    (found,) = unfit(changed(record))
    assert reason in found


def test_another_model_under_a_known_name_is_noticed(record):
    first, *others = record.results
    strange = replace(first, model=replace(first.model, spec=None))
    assert list(unfit(replace(record, results=(strange, *others)))) == [
        f"{first.title}: its spec is not that of the model that benchmarks.models makes"
    ]


def test_a_model_that_is_no_part_of_a_reference_is_named(record):
    other = replace(record.results[0], model=replace(record.results[0].model, name="own.tflite"))
    (found,) = unfit(replace(record, results=(*record.results, other)))
    assert found.startswith("own.tflite is none of the models")


def test_a_record_without_the_way_from_file_to_decision_is_unfit(record):
    first, *others = record.results
    bare = replace(first, processes=tuple(replace(run, stages=()) for run in first.processes))
    assert list(unfit(replace(record, results=(bare, *others)))) == [
        f"{first.title}: no way from file to decision was measured"
    ]


@pytest.mark.parametrize(
    ("board", "processor", "name"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "Cortex-A76", "raspberry-pi-5-model-b"),
        ("Raspberry Pi 4 Model B Rev 1.4", "Cortex-A72", "raspberry-pi-4-model-b"),
        (None, "AMD EPYC 7B13 64-Core Processor", "x86-64-amd-epyc-7b13"),
        (None, "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "x86-64-intel-xeon-platinum-8481c"),
        (None, None, "x86-64"),
    ],
)
def test_a_record_is_named_by_its_board(board, processor, name):
    assert board_name({"board": board, "processor": processor, "architecture": "x86_64"}) == name


def test_a_fit_record_goes_where_it_should(record, tmp_path, capsys):
    assert keep(record, tmp_path / "board.json", tmp_path / "rejected") == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'board.json'}\n"
    assert read_record(tmp_path / "board.json") == record
    assert not (tmp_path / "rejected").exists()


def test_an_unfit_record_is_kept_elsewhere_and_the_reason_told(record, tmp_path, capsys):
    invalid = replace(record, invalid=("it was throttled",))
    assert keep(invalid, tmp_path / "board.json", tmp_path / "rejected") == 1
    assert "not fit for a reference:\n  it was throttled\n" in capsys.readouterr().out
    assert read_record(tmp_path / "rejected" / "board.json") == invalid
    assert not (tmp_path / "board.json").exists()


def test_over_ssh_the_number_of_threads_has_to_be_said(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--ssh", "pi@nowhere.invalid"])
    assert ended.value.code == 2
    assert "--ssh needs --threads" in capsys.readouterr().err


def test_models_that_cannot_be_made_are_asked_for(run_python, tmp_path):
    done = run_python(
        "block(('tensorflow', 'tf_keras', 'scipy', 'sklearn', 'matplotlib', 'jinja2'))\n"
        "import subprocess, benchmarks.models, benchmarks.reference\n"
        "def fail(command, check): raise subprocess.CalledProcessError(1, command)\n"
        "benchmarks.models.subprocess.run = fail\n"
        f"raise SystemExit(benchmarks.reference.main(['--models', {str(tmp_path)!r}]))"
    )
    assert done.returncode == 1
    assert "name their folder with --models, or measure from there with --ssh" in done.stderr


def test_what_is_rejected_is_not_committed():
    ignored = (Path(__file__).resolve().parents[2] / ".gitignore").read_text().splitlines()
    assert f"{REJECTED.name}/" in ignored
