import json
from dataclasses import replace

import pytest

from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.session import benchmark
from edgeleuk.cli.optimize import _opened
from edgeleuk.data.labels import LabelSource
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.data.synthetic.synth import write_cells
from edgeleuk.errors import UsageError
from edgeleuk.optimize.record import COMPLETE, read_search


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    write_cells(folder / "cells", subjects=12, images_per_subject=8)
    make_folds(scan(folder / "cells"), folds=2, test_fraction=0.25).save(folder / "index.json")
    return folder / "index.json"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--budget-ms", "0"], "budget-ms is 0.0; expected a number above 0"),
        (["--budget-ms", "1", "--max-drop", "0pt"], "'0pt' is not a number of percentage points above 0"),
        (["--budget-ms", "1", "--max-drop", "0.5"], "for 0.5 points write 0.5pt"),
        (["--budget-ms", "1", "--prune", "100%,0.5"], "'0.5' has no unit; write 50%"),
        (["--budget-ms", "1", "--widths", "half"], "'half' is not a list such as 0.25,0.5"),
        (["--budget-ms", "1", "--teach", "maybe"], "'maybe' is not a list such as no,yes"),
        (["--budget-ms", "1", "--exits", "mixed99"], "exit is 'mixed99'"),
        (["--budget-ms", "1", "--fold", "7"], "fold is 7; the index has the folds 0 to 1"),
        (["--budget-ms", "1", "--ssh-config", "/"], "need --ssh"),
        (["--budget-ms", "1", "--ssh", "pi@box", "--device", "x.json"], "give one"),
        (["--budget-ms", "1", "--class-level", "1"], "is an index, which has its labels"),
        (["--budget-ms", "1", "--label-column", "label"], "is a column of --labels"),
        (["--budget-ms", "1", "--device", "x.json"], "scales inference alone"),
        (["--budget-ms", "1", "--resamples", "soft"], "resample is 'soft'"),
        (["--budget-ms", "1", "--widths", "0.001"], "rounds a layer of 32 filters to nothing"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_and_leaves_nothing(run_edgeleuk, index, tmp_path, options, said):
    done = run_edgeleuk("optimize", index, *options, "-o", tmp_path / "found")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "found").exists()


def test_a_record_of_another_architecture_is_refused(run_edgeleuk, index, small_model, tmp_path):
    record = benchmark(Request((small_model,), protocol=Protocol(processes=1, runs=2, seconds=0.0)))
    record = replace(record, device=record.device | {"architecture": "sparc64"})
    (tmp_path / "record.json").write_text(record.to_json())
    done = run_edgeleuk(
        "optimize",
        index,
        "--budget-ms",
        1,
        "--budget",
        "invoke",
        "--device",
        tmp_path / "record.json",
        "-o",
        tmp_path / "f",
    )
    assert done.returncode == 2
    assert "architecture sparc64" in done.stderr
    assert "--ssh USER@HOST" in done.stderr


def test_labels_of_a_folder_are_said_as_for_training(tmp_path):
    write_cells(tmp_path / "made", subjects=12, images_per_subject=1)
    (tmp_path / "cells").mkdir()
    for picture in (tmp_path / "made").rglob("*.bmp"):
        kind = "sick" if picture.parent.name == "all" else "well"
        picture.rename(tmp_path / "cells" / f"{kind}-{picture.name}")
    labels = LabelSource(label_pattern="(?P<label>sick|well)-UID_(?P<subject>[^_]+)")
    index, run = _opened(tmp_path / "cells", None, labels, {"fold": None, "seed": 0})
    assert (index.classes, run) == (("sick", "well"), None)
    assert all(image.subject for image in index.images)


def test_a_run_has_its_labels(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="is a run, whose images have their labels"):
        _opened(tmp_path, None, LabelSource(class_level=1), {"fold": None, "seed": 0})


def test_a_folder_without_images_is_refused(run_edgeleuk, index, tmp_path):
    done = run_edgeleuk("optimize", tmp_path, "--budget-ms", 1, "-o", tmp_path / "found")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.long
def test_the_whole_way_from_an_index_to_a_model_and_a_report(run_edgeleuk, index, tmp_path):
    """Both candidates are taught and quantization-aware; one is pruned.

    After one epoch they can hardly tell the classes apart, so any agreement of their labels as int8 will do.
    """
    found = tmp_path / "found"
    space = (
        "--crops",
        300,
        "--input-sizes",
        75,
        "--widths",
        0.25,
        "--exits",
        "mixed4",
        "--prune",
        "100%,60%",
        "--teach",
        "yes",
    )
    settings = ("--quantization", "qat", "--trials", 2, "--epochs", 1, "--batch-size", 8, "--workers", 2)
    gate = ("--min-agreement", "0%")
    command = ("optimize", index, "--budget-ms", 1000, *gate, *space, *settings, "-o", found)
    done = run_edgeleuk(*command, patience_s=900)
    assert done.returncode in (0, 1), done.stderr
    record = read_search(found / "search.json")
    assert [trial.state for trial in record.trials] == [COMPLETE, COMPLETE], done.stdout
    assert {trial.settings["prune"] for trial in record.trials} == {1.0, 0.6}
    assert record.gate is not None
    assert record.gate_split == "test"
    assert (done.returncode == 0) == (record.gate.result.verdict == "not inferior")
    assert "not a diagnosis" in done.stdout
    proof = json.loads((found / "model.proof.json").read_text())
    assert proof["float_tensors"] == 0
    assert proof["delegate"]["partitions"] == 1
    shown = run_edgeleuk("evaluate", found / "model.tflite", index, "--split", "test", "--json")
    assert json.loads(shown.stdout)["scores"]["accuracy"]["value"] == record.gate.result.candidate_accuracy
    again = run_edgeleuk(*command, "--resume")
    assert again.returncode == done.returncode
    assert "already complete" in again.stdout


def test_the_command_that_a_search_keeps_has_no_password(monkeypatch):
    from edgeleuk.cli.optimize import _typed

    typed = ["optimize", "i.json", "--storage", "postgresql+pg8000://me:secret@db:5432/s", "--resume", "-o", "a b"]
    monkeypatch.setattr("sys.argv", ["edgeleuk", *typed])
    assert _typed() == "edgeleuk optimize i.json --storage 'postgresql+pg8000://me:***@db:5432/s' -o 'a b'"
