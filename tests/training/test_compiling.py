"""What `fit` is given, most of it about mixed precision: computed in float16, kept in float32."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import UsageError
from edgeleuk.keras.crew import Alone
from edgeleuk.keras.framework import tf, use_mixed_precision
from edgeleuk.quantization.convert import Request, convert
from edgeleuk.quantization.source import load_source
from edgeleuk.training.compiling import optimizer_state, restore_optimizer
from edgeleuk.training.config import Origin, TrainConfig
from edgeleuk.training.joined_adam import JoinedAdam
from edgeleuk.training.train import train
from tests.keras.crew_fit import fit, network, squares

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def float32_again() -> Iterator[None]:
    """Leave other tests the precision that they expect."""
    yield
    use_mixed_precision(False)


def _compiled(mixed: bool) -> Any:
    use_mixed_precision(mixed)
    model = network(0.0)
    model.compile(optimizer=JoinedAdam(0.1), loss="sparse_categorical_crossentropy")
    restore_optimizer(model, [])
    return model


def test_the_scale_of_the_loss_goes_on_where_it_was() -> None:
    model, other = _compiled(True), _compiled(True)
    images, labels = np.ones((4, 8, 8, 3), np.float32), np.array([0, 1, 1, 0])
    model.fit(images, labels, epochs=3, verbose=0)
    state = optimizer_state(model)
    restore_optimizer(other, state)
    assert all((a == b).all() for a, b in zip(state, optimizer_state(other), strict=True))
    assert float(other.optimizer.loss_scale) == float(model.optimizer.loss_scale) > 1
    assert int(other.optimizer.dynamic_counter) == 3


@pytest.mark.parametrize("mixed", [True, False])
def test_a_checkpoint_of_another_precision_is_refused(mixed: bool) -> None:
    before = "on" if mixed else "off"
    with pytest.raises(UsageError, match=f"begun with mixed precision {before}; give --mixed-precision {before}"):
        restore_optimizer(_compiled(not mixed), optimizer_state(_compiled(mixed)))


def test_a_network_fitted_in_float16_goes_on_after_a_stop_as_if_it_had_not(tmp_path: Path) -> None:
    paths, labels = squares(tmp_path, 16)
    job: dict[str, Any] = {"paths": [str(path) for path in paths], "labels": labels, "batch_size": 8}
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    use_mixed_precision(True)
    whole = fit(job | {"folder": str(tmp_path / "whole")}, Alone())
    fit(job | {"folder": str(tmp_path / "stopped"), "stop_after": 1}, Alone())
    resumed = fit(job | {"folder": str(tmp_path / "stopped")}, Alone())
    assert resumed["weights"] == whole["weights"]
    assert whole["rows"][-1]["loss"] < whole["rows"][0]["loss"]


def test_a_run_made_in_float16_holds_float32_and_converts(
    cells_index: Path, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    settings = TrainConfig(**tiny_settings | {"epochs": 1, "exit": "mixed3", "mixed_precision": "on"})
    run = train(Index.load(cells_index), settings, tmp_path / "run", report=lambda text: None)
    assert json.loads((run.folder / "run.json").read_text())["mixed_precision"] is True
    with np.load(run.folder / "weights.npz") as weights:
        assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
        assert all(np.isfinite(value).all() for value in weights.values())
    conversion = convert(load_source(run.folder), Request("int8", samples=16, fidelity_samples=0))
    assert conversion.proof.float_tensors == 0


def test_auto_is_no_setting_of_the_run_and_off_without_a_gpu(camera_run: Path) -> None:
    assert "mixed_precision" not in json.loads((camera_run / "config.json").read_text())
    expected = bool(tf.config.list_physical_devices("GPU"))
    assert json.loads((camera_run / "run.json").read_text())["mixed_precision"] is expected


def test_networks_of_others_are_not_forced() -> None:
    origin = Origin("theirs.keras", "spec.json")
    assert dataclasses.replace(TrainConfig(origin=origin), mixed_precision="off").mixed_precision == "off"
    with pytest.raises(UsageError, match=r"--mixed-precision on is for InceptionV3; theirs\.keras computes as its"):
        TrainConfig(origin=origin, mixed_precision="on")
    with pytest.raises(UsageError, match="mixed-precision is 'yes'; expected auto, on, off"):
        TrainConfig(mixed_precision="yes")
