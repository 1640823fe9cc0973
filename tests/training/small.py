"""A network that is traced in a second or two, trained further by the command, and whether two runs are alike."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import environment

SIZE = 24
SETTINGS: dict[str, Any] = {"robust": "off", "batch_size": 8, "learning_rate": 0.01, "patience": 50}


def small_network(folder: Path) -> list[str]:
    """Options of `train` that go on from a network written to the folder."""
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.spec import ModelSpec, Preprocessing

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(3)
    source = tf_keras.Input((SIZE, SIZE, 3))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, use_bias=False)(source))
    x = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))
    tf_keras.Model(source, x).save(folder / "theirs.keras")
    (folder / "spec.json").write_text(ModelSpec(("all", "hem"), Preprocessing(SIZE, fit="stretch")).to_json())
    network = ["--from", str(folder / "theirs.keras"), "--spec", str(folder / "spec.json")]
    options = [part for name, value in SETTINGS.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return [*network, *options]


def train_command(index: Path, out: Path, *options: str) -> list[str]:
    """`edgeleuk train` in a process of its own."""
    return [sys.executable, "-m", "edgeleuk", "train", str(index), "-o", str(out), *options]


def run_command(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=300, check=False)


def assert_same(found: Path, expected: Path) -> None:
    """Check that runs are alike but for sums in another order.

    Some 30 steps of Adam multiply what that makes: 1e-3 is far above it, and far below what one epoch changes.
    """
    rows = [json.loads((run / "metrics.json").read_text()) for run in (found, expected)]
    assert rows[0]["epoch"] == rows[1]["epoch"]
    for name in ("loss", "val_loss", "val_accuracy", "val_weighted_f1"):
        assert rows[0][name] == pytest.approx(rows[1][name], rel=1e-3, abs=1e-4), name
    with np.load(found / "weights.npz") as one, np.load(expected / "weights.npz") as other:
        for name in other.files:
            assert one[name].dtype == np.float32
            assert np.allclose(one[name], other[name], rtol=0, atol=1e-3), name
