"""Training of networks of others: `train --from`, and what can be done with such a run."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, SpecError, UsageError
from edgeleuk.files import sha256_file
from edgeleuk.importing.stored import ImportedNetwork
from edgeleuk.keras.framework import tf_keras
from edgeleuk.pruning.prune import prune
from edgeleuk.quantization.convert import Request, convert
from edgeleuk.quantization.qat import qat
from edgeleuk.quantization.source import load_network, load_source
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.training.config import Origin, PruneConfig, QatConfig, TrainConfig
from edgeleuk.training.run import Run, load_run_folder
from edgeleuk.training.train import Company, train, train_with

pytestmark = pytest.mark.slow
LAYERS = tf_keras.layers
SIZE = 24
IMAGES = np.random.default_rng(0).uniform(-1, 1, (6, SIZE, SIZE, 3)).astype(np.float32)


def _network(count: int, activation: str | None, channels: int = 3) -> Any:
    """A small residual network, its batch norms as after training."""
    tf_keras.utils.set_random_seed(3)
    source = tf_keras.Input((SIZE, SIZE, channels))
    x = LAYERS.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(source)
    x = LAYERS.ReLU(6.0)(LAYERS.BatchNormalization()(x))
    y = LAYERS.DepthwiseConv2D(3, padding="same")(x)
    x = LAYERS.GlobalAveragePooling2D()(LAYERS.Add()([x, LAYERS.BatchNormalization()(y)]))
    made = tf_keras.Model(source, LAYERS.Dense(count, activation=activation, name="scores")(x))
    kernel, bias = made.get_layer("scores").get_weights()
    made.get_layer("scores").set_weights([10 * kernel, bias + np.linspace(-0.3, 0.3, count)])
    return made


def _saved(
    folder: Path, network: Any, classes: tuple[str, ...], scores: str = "probabilities", **prepared: Any
) -> Origin:
    model, spec = folder / "theirs.keras", folder / "theirs.json"
    network.save(model)
    shown = Preprocessing(SIZE, **{"fit": "stretch", **prepared})
    positive = classes[-1] if scores == "sigmoid" else None
    spec.write_text(ModelSpec(classes, shown, positive, scores=scores).to_json())
    return Origin(str(model), str(spec))


def _train(index: Path, out: Path, origin: Origin, resume: bool = False, **settings: Any) -> tuple[Run, list[str]]:
    said: list[str] = []
    config = TrainConfig(**{"epochs": 0, "batch_size": 8, "robust": "off", **settings}, origin=origin)
    return train(Index.load(index), config, out, resume, report=said.append), said


def test_the_last_layer_of_the_same_classes_is_kept_in_the_order_of_the_index(
    cells_index: Path, tmp_path: Path
) -> None:
    theirs = _network(2, "softmax")
    run, said = _train(cells_index, tmp_path / "run", _saved(tmp_path, theirs, ("hem", "all")))
    assert run.spec.classes == ("all", "hem")
    assert run.spec.preprocessing.fit == "stretch"
    found = load_network(load_run_folder(run.folder)).predict_on_batch(IMAGES)
    assert found[:, ::-1] == pytest.approx(theirs.predict_on_batch(IMAGES), abs=1e-6)
    assert "its last layer is kept: it was made for the same classes, all, hem" in said
    assert run.best_epoch == 0  # the network as it came is what training has to beat
    assert run.best is not None


@pytest.mark.parametrize("scores", ["sigmoids", "sigmoid"])
def test_sigmoids_become_a_softmax_that_prefers_the_same_class(scores: str, cells_index: Path, tmp_path: Path) -> None:
    theirs = _network(2 if scores == "sigmoids" else 1, "sigmoid")
    run, said = _train(cells_index, tmp_path / "run", _saved(tmp_path, theirs, ("all", "hem"), scores))
    answers = theirs.predict_on_batch(IMAGES)
    found = load_network(run).predict_on_batch(IMAGES)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert run.spec.scores == "probabilities"
    if scores == "sigmoid":
        assert found[:, 1] == pytest.approx(answers[:, 0], abs=1e-6)
    else:
        assert (found.argmax(axis=1) == answers.argmax(axis=1)).all()
        assert any("become one softmax" in line for line in said)


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("hem", "blast")])
def test_other_classes_get_a_new_last_layer_from_the_seed(
    classes: tuple[str, ...], cells_index: Path, tmp_path: Path
) -> None:
    theirs = _network(len(classes), "softmax")
    origin = _saved(tmp_path, theirs, classes)
    run, said = _train(cells_index, tmp_path / "run", origin)
    again, _ = _train(cells_index, tmp_path / "again", origin)
    assert any(line.startswith("new last layer for all, hem: the old one was for") for line in said)
    weights, others = (load_network(one).get_weights() for one in (run, again))
    assert all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
    assert np.array_equal(weights[0], theirs.get_weights()[0])
    assert weights[-1].shape == (2,)


def test_a_run_of_a_network_of_others_goes_on_to_qat_and_int8(cells_index: Path, tmp_path: Path) -> None:
    origin = _saved(tmp_path, _network(2, "softmax"), ("all", "hem"))
    run, _ = _train(cells_index, tmp_path / "run", origin, epochs=1)
    aware = qat(run, QatConfig(epochs=1, batch_size=8, samples=8), tmp_path / "qat", report=lambda text: None)
    assert aware.kind == "qat"
    loaded = load_network(load_run_folder(aware.folder))
    assert any(layer.name.startswith("quant_depthwise") for layer in loaded.layers)
    made = convert(load_source(aware.folder), Request("int8", gate_samples=0))
    assert made.proof.float_tensors == 0
    assert made.proof.int8_rescales == 0


def test_an_interrupted_training_resumes_to_what_an_uninterrupted_one_makes(cells_index: Path, tmp_path: Path) -> None:
    origin = _saved(tmp_path, _network(3, "softmax"), ("a", "b", "c"))
    settings: dict[str, Any] = {"epochs": 1, "head_epochs": 1, "learning_rate": 1e-2}
    whole, _ = _train(cells_index, tmp_path / "whole", origin, **settings)

    def stop(row: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    config = TrainConfig(**settings, batch_size=8, robust="off", origin=origin)
    index, out = Index.load(cells_index), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train_with(index, config, out, False, Company(lambda text: None, lambda total: stop))
    resumed = train(index, config, out, resume=True, report=lambda text: None)
    for found, expected in zip(load_network(resumed).get_weights(), load_network(whole).get_weights(), strict=True):
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.long
def test_a_training_that_is_killed_within_an_epoch_resumes_to_the_weights_of_an_uninterrupted_one(
    cells_index: Path, tmp_path: Path
) -> None:
    origin = _saved(tmp_path, _network(2, "softmax"), ("all", "hem"))
    settings: dict[str, Any] = {"epochs": 8, "learning_rate": 1e-2}
    whole, _ = _train(cells_index, tmp_path / "whole", origin, **settings)

    out = tmp_path / "run"
    given = {"from": tmp_path / "theirs.keras", "spec": tmp_path / "theirs.json", "batch-size": 8, "robust": "off"}
    told = given | {name.replace("_", "-"): value for name, value in settings.items()}
    options = [text for name, value in told.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "edgeleuk", "train", str(cells_index), "-o", str(out), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("epoch   3/8") for line in process.stdout)
        os.kill(process.pid, signal.SIGKILL)
    assert not out.exists()
    resumed, said = _train(cells_index, out, origin, resume=True, **settings)
    assert not any(line.startswith("epoch   1/8") for line in said)
    assert resumed.best_epoch == whole.best_epoch
    for found, expected in zip(load_network(resumed).get_weights(), load_network(whole).get_weights(), strict=True):
        assert found == pytest.approx(expected, abs=1e-6)


def test_a_grey_and_oblong_input_is_trained_on(cells_index: Path, tmp_path: Path) -> None:
    source = tf_keras.Input((SIZE, 32, 1))
    x = LAYERS.GlobalAveragePooling2D()(LAYERS.Conv2D(4, 3, activation="relu")(source))
    network = tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(x))
    shown: dict[str, Any] = {"colour_order": "GREY", "input_width_px": 32}
    run, _ = _train(
        cells_index, tmp_path / "run", _saved(tmp_path, network, ("all", "hem"), **shown), robust="camera", epochs=1
    )
    assert load_network(run).input_shape == (None, SIZE, 32, 1)


def test_filters_are_not_taken_out_of_a_network_of_others(cells_index: Path, tmp_path: Path) -> None:
    run, _ = _train(cells_index, tmp_path / "run", _saved(tmp_path, _network(2, "softmax"), ("all", "hem")))
    with pytest.raises(UsageError, match=r"holds the network of theirs\.keras; this is for InceptionV3 alone"):
        prune(run, PruneConfig(macs="50%"), tmp_path / "pruned")


def test_an_architecture_that_was_changed_or_names_code_is_refused(cells_index: Path, tmp_path: Path) -> None:
    run, _ = _train(cells_index, tmp_path / "run", _saved(tmp_path, _network(2, "softmax"), ("all", "hem")))
    path = run.folder / "architecture.json"
    config = json.loads(path.read_text())
    missing = config | {"output_layers": [["elsewhere", 0, 0]]}
    with pytest.raises(ModelError, match="which is not there"):
        ImportedNetwork(json.dumps(missing), "theirs.keras").build()
    config["layers"][1] |= {"class_name": "Lambda"}
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"architecture\.json has changed since the run was made"):
        load_run_folder(run.folder)
    manifest = json.loads((run.folder / "run.json").read_text())
    manifest["files"]["architecture.json"] = sha256_file(path)
    (run.folder / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="is a Lambda: it holds code"):
        load_network(load_run_folder(run.folder))


def test_a_spec_of_another_size_is_refused_and_nothing_is_left(cells_index: Path, tmp_path: Path) -> None:
    origin = _saved(tmp_path, _network(2, "softmax"), ("all", "hem"))
    with pytest.raises((SpecError, ModelError)):
        _train(cells_index, tmp_path / "run", Origin(origin.model, origin.spec, input_size=40))
    assert not list(tmp_path.glob("run*"))


def test_what_says_how_pictures_are_shown_is_one_thing() -> None:
    with pytest.raises(UsageError, match=r"--from m\.h5 needs --spec SPEC\.json or --preset NAME"):
        Origin("m.h5")
    with pytest.raises(UsageError, match="one of them"):
        Origin("m.h5", "spec.json", "keras-mobilenet")
