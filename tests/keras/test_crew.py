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
COUNT, BATCH_SIZE = 20, 7  # a worker has 4 or 3 images of a batch, and the last batch is short


def _jobs(folder: Path) -> dict[str, dict[str, Any]]:
    paths, labels = squares(folder, COUNT)
    whole: dict[str, Any] = {"paths": [str(path) for path in paths], "labels": labels, "batch_size": BATCH_SIZE}
    one_left = {"paths": whole["paths"][:9], "labels": labels[:9], "batch_size": 8, "dropout": 0.3}
    jobs = {"whole": whole, "stopped": whole | {"stop_after": 1}, "one left": one_left}
    for name, job in jobs.items():
        job["folder"] = str(folder / name)
        Path(job["folder"]).mkdir()
    return jobs


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one worker makes of the whole."""
    from edgeleuk.keras.crew import Alone

    return fit(_jobs(tmp_path_factory.mktemp("alone"))["whole"], Alone())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two workers work."""
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def together(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """By name, what each of two workers makes of each."""
    addresses = [free_address("127.0.0.1") for _ in range(2)]
    file = folder / "job.json"
    jobs = _jobs(folder)
    file.write_text(json.dumps({"addresses": addresses, "fits": list(jobs.values())}))
    command = [sys.executable, "-m", "tests.keras.crew_fit", str(file)]
    workers = [
        subprocess.Popen([*command, str(rank)], cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    try:
        for worker in workers:
            _, errors = worker.communicate(timeout=900)
            assert worker.returncode == 0, errors[-2000:]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    made = [json.loads((folder / f"result_{rank}.json").read_text()) for rank in range(2)]
    return dict(zip(jobs, map(list, zip(*made, strict=True)), strict=True))


def _close(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "val_weighted_f1", "learning_rate"):
            assert one[name] == pytest.approx(other[name], rel=1e-5, abs=1e-7), name


def test_two_workers_end_with_the_metrics_and_weights_of_one(
    alone: dict[str, Any], together: dict[str, list[dict[str, Any]]]
) -> None:
    for worker in together["whole"]:
        _close(worker["rows"], alone["rows"])
        assert np.allclose(worker["weights"], alone["weights"], rtol=0, atol=1e-5)
    assert together["whole"][0]["weights"] == together["whole"][1]["weights"]


def test_every_batch_is_dealt_without_overlap(alone: dict[str, Any], together: dict[str, list[dict[str, Any]]]) -> None:
    for whole, *parts in zip(alone["seen"], *(worker["seen"] for worker in together["whole"]), strict=True):
        assert sorted(number for batch in whole for number in batch) == list(range(COUNT))
        for batch, *dealt in zip(whole, *parts, strict=True):
            assert sorted(dealt[0] + dealt[1]) == batch
            assert len(dealt[0]) - len(dealt[1]) in (0, 1)


def test_no_worker_is_left_without_an_image_of_the_last_batch(together: dict[str, list[dict[str, Any]]]) -> None:
    for parts in zip(*(worker["seen"] for worker in together["one left"]), strict=True):
        assert [[len(batch) for batch in part] for part in parts] == [[4, 1], [3, 1]]
        assert sorted(number for part in parts for batch in part for number in batch) == list(range(9))


def test_workers_that_drop_different_rows_stay_alike(together: dict[str, list[dict[str, Any]]]) -> None:
    one, two = together["one left"]
    assert one["weights"] == two["weights"]
    assert np.isfinite(one["weights"]).all()


def test_one_worker_goes_on_where_two_were_stopped(
    alone: dict[str, Any], together: dict[str, list[dict[str, Any]]], folder: Path
) -> None:
    from edgeleuk.keras.crew import Alone

    assert [len(worker["rows"]) for worker in together["stopped"]] == [1, 1]
    paths, labels = squares(folder, COUNT)
    job = {
        "paths": list(map(str, paths)),
        "labels": labels,
        "batch_size": BATCH_SIZE,
        "folder": str(folder / "stopped"),
    }
    resumed = fit(job, Alone())
    assert len(resumed["seen"]) == 2
    _close(resumed["rows"], alone["rows"])
