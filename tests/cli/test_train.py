import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.cross_validation import cross_validate
from edgeleuk.training.run import load_run_folder, partial_of

pytestmark = pytest.mark.slow
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}  # the discard port


def _run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edgeleuk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_without_imagenet_weights_it_says_how_to_go_on_and_leaves_nothing(cells_index: Path, tmp_path: Path) -> None:
    done = _run("train", cells_index, "-o", tmp_path / "run", HOME=str(tmp_path / "home"), **NO_NETWORK)
    assert done.returncode == 1
    assert "cannot be downloaded" in done.stderr
    assert "--weights none" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("run*"))


def test_an_unknown_key_in_the_config_file_is_a_usage_error(cells_index: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("batchsize = 3\n")
    done = _run("train", cells_index, "-o", tmp_path / "run", "--config", tmp_path / "c.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown key 'batchsize'; did you mean 'batch_size'?" in done.stderr


@pytest.mark.parametrize("data", ["missing", "empty"])
def test_a_missing_or_empty_folder_is_a_clear_error(tmp_path: Path, data: str) -> None:
    (tmp_path / "empty").mkdir()
    done = _run("train", tmp_path / data, "-o", tmp_path / "run", "--weights", "none")
    assert done.returncode in (1, 2)
    assert str(tmp_path / data) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_named(cells_index: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = _run("train", cells_index, "-o", tmp_path / "file" / "run", "--weights", "none")
    assert done.returncode == 1
    assert f"cannot write {tmp_path / 'file' / 'run.partial'}" in done.stderr


def test_without_tensorflow_one_sentence_names_the_extra(cells_index: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfor name in ('tensorflow', 'tf_keras'):\n    sys.modules[name] = None\n"
    )
    for command in (["train", cells_index], ["qat", tmp_path], ["convert", tmp_path]):
        done = _run(*command, "-o", tmp_path / "out.tflite", PYTHONPATH=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.strip().endswith("needs the 'train' extra: pip install 'edgeleuk[train]'")


def test_workers_are_for_one_training(cells_index: Path, tmp_path: Path) -> None:
    done = _run("train", cells_index, "-o", tmp_path / "run", "--workers", "2", "--cross-validate")
    assert done.returncode == 2
    assert done.stderr.strip().endswith("--workers shares out one training; leave it or --cross-validate out")
    done = _run("train", cells_index, "-o", tmp_path / "run", "--workers", "20")
    assert done.returncode == 2
    assert "20 workers for batches of 32 images" in done.stderr


@pytest.mark.long
def test_interrupting_leaves_a_run_to_resume(cells_index: Path, tiny_settings: dict[str, Any], tmp_path: Path) -> None:
    options = [part for name, value in tiny_settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "edgeleuk", "train", str(cells_index), "-o", str(tmp_path / "run"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("epoch   1/2")
        os.kill(process.pid, signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert told.strip().endswith("interrupted")
    assert "Traceback" not in told
    assert (partial_of(tmp_path / "run") / "checkpoint.npz").exists()


@pytest.mark.long
def test_cross_validation_trains_a_run_a_fold(cells_index: Path, tiny_settings: dict[str, Any], tmp_path: Path) -> None:
    index = Index.load(cells_index)
    config = TrainConfig(**tiny_settings | {"epochs": 1})
    summary = cross_validate(index, config, tmp_path / "cv", report=lambda text: None)
    assert "over 3 folds; accuracy " in summary
    assert ", of colour alone " in summary
    runs = [load_run_folder(tmp_path / "cv" / f"fold_{fold}") for fold in range(3)]
    assert [run.fold for run in runs] == [0, 1, 2]
    assert not runs[0].trained_on & frozenset().union(*(image.digests for image in index.validation(0)))


def test_qat_of_a_qat_run_and_a_model_without_the_suffix_are_usage_errors(qat_run: Path, tmp_path: Path) -> None:
    assert _run("qat", qat_run, "-o", tmp_path / "again").returncode == 2
    done = _run("convert", qat_run, "-o", tmp_path / "model.bin")
    assert done.returncode == 2
    assert "expected .tflite" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ray", "local"), "--ray is for folds or workers; give --cross-validate, or --workers N, too"),
        (("--cores-per-job", "2"), "--cores-per-job is of jobs on a cluster; give --ray, too"),
        (("--ray", "local", "--cores-per-job", "0"), "cores-per-job is 0; expected 1 or more"),
    ],
)
def test_what_is_of_a_cluster_alone_is_refused_without(
    cells_index: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = _run("train", cells_index, "-o", tmp_path / "run", *words)
    assert (done.returncode, said in done.stderr) == (2, True)
    assert not (tmp_path / "run").exists()
