"""Cross-validation on a cluster: what comes out is what comes out here, wherever its folds were trained."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.data.scan import scan
from edgeleuk.data.split import make_folds
from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.jobs.on_ray import Asked
from edgeleuk.training.config import Origin, TrainConfig
from edgeleuk.training.cross_validation import SUMMARY, cross_validate
from edgeleuk.training.folds import OnRay, Took, _absolute, _refuse_failed, _Told, seen_by_jobs
from edgeleuk.training.run import partial_of
from tests.clusters import head
from tests.conftest import ROOT

_TWO = 2


@pytest.fixture(scope="module")
def two_folds(cells_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a few of the cells, in two folds."""
    place = tmp_path_factory.mktemp("folds") / "index.json"
    make_folds(scan(cells_index.parent / "cells"), folds=_TWO).save(place)
    return place


def measured(place: Path) -> list[Any]:
    """What each fold came to, but for times."""
    rows = json.loads((place / SUMMARY).read_text())["folds"]
    return [{key: value for key, value in row["best"].items() if key != "seconds"} for row in rows]


def command(index: Path, out: Path, settings: dict[str, Any], *more: str) -> list[str]:
    named = {f"--{name.replace('_', '-')}": str(value) for name, value in settings.items()}
    options = [word for pair in named.items() for word in pair]
    words = ["train", str(index), "-o", str(out), "--cross-validate", *options, *more]
    return [sys.executable, "-m", "edgeleuk", *words]


def ended(words: list[str], **variables: str) -> str:
    """What the command printed; it ended well."""
    done = subprocess.run(
        words, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)} | variables, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_folds_on_a_cluster_are_those_of_this_process_to_the_bit_whatever_becomes_of_the_driver(
    two_folds: Path, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    """Killed with a fold's checkpoint there, gone on with on a cluster, then here, then both complete."""
    one = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
    ended(command(two_folds, tmp_path / "here", tiny_settings), **one)
    with head() as address:
        ray = ("--ray", address, "--cores-per-job", "1")
        there, words = tmp_path / "there", command(two_folds, tmp_path / "there", tiny_settings, *ray)
        driver = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)})
        checkpoint = partial_of(there / "fold_0") / "checkpoint.npz"
        while not checkpoint.exists():
            assert driver.poll() is None
            time.sleep(0.05)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        until = time.monotonic() + 60
        while running(there):
            assert time.monotonic() < until
            time.sleep(0.2)
        said = ended([*words, "--resume"])
    assert "a speed-up of " in said
    assert measured(there) == measured(tmp_path / "here")
    summary = json.loads((there / SUMMARY).read_text())
    assert summary["speed_up"] > 0
    assert all(row["seconds"] > 0 for row in summary["folds"])
    assert "already complete" in ended(command(two_folds, there, tiny_settings, "--resume"))


def running(place: Path) -> list[int]:
    """Processes that train below a folder: their log, which is their standard error, lies there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "fd" / "2").readlink().is_relative_to(place):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_where_paths_are_of_this_folder_jobs_are_told_the_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    placed = _absolute(TrainConfig(weights="w.h5", teacher="runs", origin=Origin("m.keras", preset="zero-to-one")))
    assert (placed.weights, placed.teacher) == (f"{tmp_path}/w.h5", f"{tmp_path}/runs")
    assert placed.origin is not None
    assert (placed.origin.model, placed.origin.spec) == (f"{tmp_path}/m.keras", None)
    assert _absolute(TrainConfig()) == TrainConfig()


def test_a_cluster_has_to_see_images_and_files_that_settings_name(cells_index: Path) -> None:
    index = Index.load(cells_index)
    config = TrainConfig(weights="/w.h5", teacher="/runs/fold_0")
    assert seen_by_jobs(index, config) == [index.root, Path("/w.h5"), Path("/runs/fold_0")]


def test_what_took_how_long() -> None:
    assert Took((10.0, 20.0), 15.0, at_a_time=True).speed_up == 2.0
    assert Took((10.0, None), 10.0, at_a_time=True).speed_up == 1.0
    assert Took((None, None), 0.1, at_a_time=True).speed_up is None
    assert Took((10.0, 20.0), 31.0).speed_up is None


def test_lines_that_are_added_to_logs_are_told_once_and_whole(tmp_path: Path) -> None:
    logs, said = [tmp_path / "fold_0.log", tmp_path / "fold_1.log"], list[str]()
    logs[0].write_text("of an earlier attempt\n")
    told = _Told(logs, said.append)
    with logs[0].open("a") as first:
        first.write("epoch 1\nepo")
        first.flush()
        told()
        first.write("ch 2\n")
        first.flush()
        logs[1].write_text("epoch 1\n")
        told()
        told()
    assert said == ["fold 0: epoch 1", "fold 0: epoch 2", "fold 1: epoch 1"]


def test_folds_that_fail_are_named_with_what_is_kept(tmp_path: Path) -> None:
    from edgeleuk.jobs.job import Job
    from edgeleuk.processes.child import Outcome

    jobs = [Job(f"fold {fold}", "m", {}, tmp_path / f"fold_{fold}.log") for fold in range(3)]
    good, bad = Outcome({}), Outcome(failure="the loss of epoch 1 is not finite")
    _refuse_failed(jobs, [good, good, good])
    with pytest.raises(EdgeleukError, match=r"^fold 1: the loss of epoch 1 is not finite") as raised:
        _refuse_failed(jobs, [good, bad, bad])
    assert raised.value.__notes__ == [
        "so ended fold 1, fold 2",
        "the other folds are kept: --resume goes on with what is left",
    ]
    with pytest.raises(OutputError, match="no space"):
        _refuse_failed(jobs, [good, good, Outcome(failure="no space", output=True)])
    with pytest.raises(UsageError):
        _refuse_failed(jobs, [Outcome(failure="what", usage=True), good, good])


@pytest.mark.slow
def test_more_cores_than_there_are_leave_nothing(
    two_folds: Path, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    by = OnRay(Asked("local", 999))
    with pytest.raises(UsageError, match="no machine of the cluster has 999 cores for a job"):
        cross_validate(Index.load(two_folds), TrainConfig(**tiny_settings), tmp_path / "cv", by=by)
    assert not (tmp_path / "cv").exists()
