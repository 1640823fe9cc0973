"""Two workers fit what one would: compared after three epochs of a network with batch normalization.

What they may differ by is the order in which numbers are added up. Of this network, after nine steps of Adam, that is
below 1e-5 of losses and weights; statistics of batch normalization over each worker's own rows would change the
validation loss by more than a tenth, and a loss that weighs a short batch otherwise both losses in the third digit.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.training.workers import free_address
from tests.conftest import ROOT, environment
from tests.keras.crew_fit import fit, squares

pytestmark = pytest.mark.slow
SHAPES = {"short": (23, 8), "odd": (21, 7)}  # the last of three batches is one short; none is even
NAMES = (*SHAPES, "one left", "dropout", "stopped")


def _jobs(folder: Path) -> dict[str, dict[str, Any]]:
    paths, labels = squares(folder, 23)
    made: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        count, batch_size = (9, 8) if name == "one left" else SHAPES.get(name, SHAPES["short"])
        made[name] = {
            "paths": [str(path) for path in paths[:count]],
            "labels": labels[:count],
            "batch_size": batch_size,
        }
        made[name]["folder"] = str(folder / name)
        Path(made[name]["folder"]).mkdir()
    made["dropout"]["dropout"] = 0.3
    made["stopped"]["stop_after"] = 1
    return made


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By name, what one worker makes of each."""
    from edgeleuk.keras.crew import Alone

    return {name: fit(job, Alone()) for name, job in _jobs(tmp_path_factory.mktemp("alone")).items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two workers work."""
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def together(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """By name, what each of two workers makes of each."""
    addresses = [free_address("127.0.0.1") for _ in range(2)]
    file = folder / "job.json"
    file.write_text(json.dumps({"addresses": addresses, "fits": list(_jobs(folder).values())}))
    command = [sys.executable, "-m", "tests.keras.crew_fit", str(file)]
    workers = [
        subprocess.Popen([*command, str(rank)], cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    try:
        for worker in workers:
            _, errors = worker.communicate(timeout=180)
            assert worker.returncode == 0, errors[-2000:]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    made = [json.loads((folder / f"result_{rank}.json").read_text()) for rank in range(2)]
    return dict(zip(NAMES, map(list, zip(*made, strict=True)), strict=True))


def _close(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "val_weighted_f1", "learning_rate"):
            assert one[name] == pytest.approx(other[name], rel=1e-5, abs=1e-7), name


@pytest.mark.parametrize("name", SHAPES)
def test_two_workers_end_with_the_metrics_and_weights_of_one(
    name: str, alone: dict[str, dict[str, Any]], together: dict[str, list[dict[str, Any]]]
) -> None:
    for worker in together[name]:
        _close(worker["rows"], alone[name]["rows"])
        assert np.allclose(worker["weights"], alone[name]["weights"], rtol=0, atol=1e-5)
    assert together[name][0]["weights"] == together[name][1]["weights"]


@pytest.mark.parametrize("name", SHAPES)
def test_every_batch_is_dealt_without_overlap(
    name: str, alone: dict[str, dict[str, Any]], together: dict[str, list[dict[str, Any]]]
) -> None:
    count = SHAPES[name][0]
    for whole, *parts in zip(alone[name]["seen"], *(worker["seen"] for worker in together[name]), strict=True):
        assert sorted(number for batch in whole for number in batch) == list(range(count))
        for batch, *dealt in zip(whole, *parts, strict=True):
            assert sorted(dealt[0] + dealt[1]) == batch
            assert len(dealt[0]) - len(dealt[1]) in (0, 1)


def test_no_worker_is_left_without_an_image_of_the_last_batch(
    together: dict[str, list[dict[str, Any]]],
) -> None:
    for parts in zip(*(worker["seen"] for worker in together["one left"]), strict=True):
        assert [[len(batch) for batch in part] for part in parts] == [[4, 1], [3, 1]]
        assert sorted(number for part in parts for batch in part for number in batch) == list(range(9))


def test_dropout_drops_alike_on_all_workers_and_lets_them_learn(
    alone: dict[str, dict[str, Any]], together: dict[str, list[dict[str, Any]]]
) -> None:
    one, two = together["dropout"]
    assert one["weights"] == two["weights"]
    assert one["rows"][-1]["loss"] < one["rows"][0]["loss"] / 2
    assert one["rows"][-1]["val_accuracy"] >= alone["dropout"]["rows"][-1]["val_accuracy"] - 0.1


def test_one_worker_goes_on_where_two_were_stopped(
    alone: dict[str, dict[str, Any]], together: dict[str, list[dict[str, Any]]], folder: Path
) -> None:
    from edgeleuk.keras.crew import Alone

    assert [len(worker["rows"]) for worker in together["stopped"]] == [1, 1]
    paths, labels = squares(folder, 23)
    job = {"paths": list(map(str, paths)), "labels": labels, "batch_size": 8, "folder": str(folder / "stopped")}
    resumed = fit(job, Alone())
    assert len(resumed["seen"]) == 2
    _close(resumed["rows"], alone["short"]["rows"])
