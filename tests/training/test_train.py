import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, OutputError, UsageError
from edgeleuk.quantization.qat import qat
from edgeleuk.training.config import QatConfig, TrainConfig
from edgeleuk.training.run import load_run_folder, partial_of
from edgeleuk.training.train import train

pytestmark = pytest.mark.slow


def _arguments(index: Path, out: Path, settings: dict[str, Any]) -> list[str]:
    options = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return [sys.executable, "-m", "edgeleuk", "train", str(index), "-o", str(out), *options]


def test_a_run_holds_all_that_a_later_step_needs(float_run: Path, cells_index: Path) -> None:
    run = load_run_folder(float_run)
    assert run.kind == "float"
    assert run.spec.classes == ("all", "hem")
    assert run.spec.preprocessing.crop_px == 300
    assert run.index.images == Index.load(cells_index).images
    assert run.trained_on == frozenset().union(*(image.digests for image in run.index.training(0)))
    assert not partial_of(float_run).exists()
    assert (float_run / "history.png").read_bytes().startswith(b"\x89PNG")
    history = list(csv.DictReader((float_run / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in history] == ["1", "2"]
    best = max(float(row["val_weighted_f1"]) for row in history)
    anew = "batch_norm" in json.loads((float_run / "metrics.json").read_text())
    assert run.best_weighted_f1 >= best if anew else run.best_weighted_f1 == best


def test_a_run_says_how_strongly_its_images_were_changed_and_what_is_made_of_it_goes_on_so(
    camera_run: Path, tmp_path: Path
) -> None:
    from edgeleuk.quantization.qat import qat

    run = load_run_folder(camera_run)
    assert run.strengths.robust == "camera"
    assert run.strengths.between_subjects is not None
    assert run.spec.preprocessing.colour_constancy == "background"
    made = qat(run, QatConfig(epochs=0, batch_size=8, samples=8), tmp_path / "qat", report=lambda text: None)
    assert made.strengths == run.strengths
    assert made.spec.preprocessing == run.spec.preprocessing


def test_new_statistics_stay_only_where_the_validation_images_are_recognised_as_well(
    float_run: Path, cells_index: Path
) -> None:
    import numpy as np

    from edgeleuk.quantization.source import load_network
    from edgeleuk.training.fitting import Progress, validate
    from edgeleuk.training.preparation import fit_data
    from edgeleuk.training.train import with_new_statistics

    run = load_run_folder(float_run)
    index = Index.load(cells_index)
    data = fit_data(index, 0, run.spec.preprocessing, 8, 0, run.strengths.augmentation)
    for least, kept in ((0.0, True), (1.01, False)):
        network = load_network(run)
        before = [weights.copy() for weights in network.get_weights()]
        row = with_new_statistics(network, data, Progress(best={"epoch": 2, "val_weighted_f1": least}))
        assert row is not None
        assert ("batch_norm" in row) == kept
        changed = any(not np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
        assert changed == kept
        if kept:
            assert row["val_loss"] == pytest.approx(validate(network, data.validation)["val_loss"])


def test_robust_off_leaves_colours_as_they_are_unless_told() -> None:
    assert TrainConfig(robust="off").constancy == "none"
    assert TrainConfig(robust="off", colour_constancy="background").constancy == "background"
    assert TrainConfig(robust="strong").constancy == TrainConfig().constancy == "background"


def test_a_run_that_was_tampered_with_is_refused(float_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in float_run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "spec.json").write_text((copy / "spec.json").read_text().replace('"crop_px": 300', '"crop_px": 301'))
    with pytest.raises(ModelError, match=r"spec\.json has changed"):
        load_run_folder(copy)


def test_a_place_that_is_taken_is_not_overwritten(float_run: Path, cells_index: Path) -> None:
    with pytest.raises(OutputError, match="already exists"):
        train(Index.load(cells_index), TrainConfig(weights="none"), float_run)


def test_resuming_a_complete_run_changes_nothing(
    float_run: Path, cells_index: Path, tiny_settings: dict[str, Any]
) -> None:
    before = {path: path.read_bytes() for path in float_run.iterdir()}
    said: list[str] = []
    train(Index.load(cells_index), TrainConfig(**tiny_settings), float_run, resume=True, report=said.append)
    complete, colour = said
    assert complete == f"{float_run} is already complete"
    assert colour.startswith("validation images: ")
    assert {path: path.read_bytes() for path in float_run.iterdir()} == before


@pytest.mark.long
def test_a_killed_training_resumes_to_the_metrics_of_an_uninterrupted_one(
    float_run: Path, cells_index: Path, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = _arguments(cells_index, out, tiny_settings)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("epoch   1/2")
        os.kill(process.pid, signal.SIGKILL)
    assert not out.exists()
    with pytest.raises(ModelError, match=r"is unfinished: resume it"):
        load_run_folder(out)
    with pytest.raises(OutputError, match="unfinished run; continue it with --resume"):
        train(Index.load(cells_index), TrainConfig(**tiny_settings), out)
    with pytest.raises(UsageError, match=r"started with another config\.json"):
        train(Index.load(cells_index), TrainConfig(**tiny_settings | {"seed": 1}), out, resume=True)

    resumed = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True).stdout
    assert resumed.startswith("epoch   2/2")
    rows = [json.loads((folder / "metrics.json").read_text()) for folder in (float_run, out)]
    for name in ("loss", "val_loss", "val_accuracy", "val_weighted_f1"):
        assert rows[1][name] == pytest.approx(rows[0][name], rel=1e-3, abs=1e-4), name
    weights = [load_run_folder(folder).best_epoch for folder in (float_run, out)]
    assert weights[0] == weights[1]


def test_pretrained_weights_are_tuned_head_first_with_batch_norm_frozen(
    float_run: Path, cells_index: Path, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    import numpy as np

    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.keras.graph import carry_weights
    from edgeleuk.keras.network import NetworkConfig, build_network
    from edgeleuk.quantization.source import load_network

    published = build_network(NetworkConfig(2, 75, 0.125, pools="average"))
    carry_weights(load_network(load_run_folder(float_run)), published)
    backbone = tf_keras.Model(published.input, published.get_layer("mixed10").output)
    file = tmp_path / "backbone.h5"
    backbone.save_weights(str(file))
    settings = tiny_settings | {"weights": str(file), "epochs": 1, "head_epochs": 1}
    said: list[str] = []
    run = train(Index.load(cells_index), TrainConfig(**settings), tmp_path / "run", report=said.append)
    assert [line.split()[2] for line in said[:-1]] == ["head", "network"]

    def statistics(model: Any) -> list[Any]:
        layers = [layer for layer in model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
        return [value for layer in layers for value in (layer.moving_mean.numpy(), layer.moving_variance.numpy())]

    before = statistics(build_network(NetworkConfig(2, 75, 0.125, weights=str(file))))
    after = statistics(load_network(run))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert run.trained_on == frozenset().union(*(image.digests for image in run.index.training(0)))


@pytest.mark.long
def test_a_distilled_run_resumes_after_a_kill_names_its_teacher_and_goes_on_to_qat(
    float_run: Path, cells_index: Path, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    settings = tiny_settings | {"crop": 200, "input_size": 80, "distillation_temperature": 2.0}
    index, out = Index.load(cells_index), tmp_path / "run"
    command = _arguments(cells_index, out, settings | {"teacher": float_run})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"taught by {float_run} (validation weighted F1 ")
        assert process.stdout.readline().startswith("epoch   1/2")
        os.kill(process.pid, signal.SIGKILL)
    moved = tmp_path / "moved"
    moved.symlink_to(float_run)
    hotter = TrainConfig(**settings | {"distillation_temperature": 3.0}, teacher=str(moved))
    with pytest.raises(UsageError, match=r"of .distillation_temperature. it has 2\.0 where now 3\.0"):
        train(index, hotter, out, resume=True)
    run = train(index, TrainConfig(**settings, teacher=str(moved)), out, resume=True, report=lambda text: None)

    whole = train(index, TrainConfig(**settings, teacher=str(moved)), tmp_path / "whole", report=lambda text: None)
    rows = [json.loads((folder / "metrics.json").read_text()) for folder in (run.folder, whole.folder)]
    for name in ("epoch", "loss", "val_loss", "val_accuracy"):
        assert rows[1][name] == pytest.approx(rows[0][name], rel=1e-3, abs=1e-4), name

    teacher = load_run_folder(float_run)
    assert json.loads((out / "config.json").read_text())["teacher_sha256"] == teacher.sha256
    assert json.loads((out / "run.json").read_text())["teacher"] == moved.name
    lesson = json.loads((out / "teacher.json").read_text())
    assert (lesson["run_sha256"], lesson["temperature"], lesson["weight"]) == (teacher.sha256, 2.0, 0.9)
    assert run.trained_on == teacher.trained_on

    after = qat(run, QatConfig(epochs=0, batch_size=8, samples=16), tmp_path / "qat", report=lambda text: None)
    assert after.teacher_trained_on == teacher.trained_on
    assert after.spec.preprocessing.crop_px == 200
