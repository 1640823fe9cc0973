"""Training on several workers: what is refused, what becomes of a worker that dies, of the parent that is killed."""

import dataclasses
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import Index
from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.files import sha256_file
from edgeleuk.processes.child import Outcome
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.worker import SAID, Job
from edgeleuk.training.workers import RESTARTS, OnWorkers, first_cause, shares_of
from tests.conftest import environment
from tests.training.small import assert_same, run_command, small_network, train_command

KILLED = Outcome(failure="its process was ended by SIGKILL", died=True)


class Ending:
    """A place whose workers come to these ends, one a run, each after so many epochs."""

    def __init__(self, *ends: tuple[int, Outcome]) -> None:
        self.ends, self.resumed, self.count = list(ends), [], 2

    def run(self, job: Job, told: Any) -> tuple[int, Outcome]:
        """The next."""
        self.resumed.append(job.resume)
        epochs, outcome = self.ends.pop(0)
        for epoch in range(epochs):
            told([SAID, f"epoch {epoch + 1:>3}/9"])
        return self.count - 1, outcome


def _run(index: Path, place: Ending, count: int = 2, **settings: Any) -> list[str]:
    said: list[str] = []
    defaults: dict[str, Any] = {"weights": "none", "batch_size": 8}
    config = TrainConfig(**defaults | settings)
    place.count = count
    OnWorkers(place, said.append).train(Index.load(index), config, Path("run"))
    return said


@pytest.mark.parametrize(
    ("count", "settings", "message"),
    [
        (1, {}, "workers is 1; expected 2 to 1,024, or leave --workers out"),
        (5, {}, "5 workers for batches of 8 images; expected at least two images of every batch for each"),
        (60, {"batch_size": 500}, "60 workers for 48 training images; give fewer --workers"),
    ],
)
def test_more_workers_than_there_is_work_are_refused(
    cells_index: Path, count: int, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        _run(cells_index, Ending(), count, **settings)


def test_workers_that_died_are_started_again_as_often_as_is_said(cells_index: Path) -> None:
    place = Ending((2, KILLED), *[(0, KILLED)] * RESTARTS)
    with pytest.raises(EdgeleukError, match=r"worker 2 of 2 died: .* SIGKILL; 4 times without a finished epoch"):
        _run(cells_index, place)
    assert place.resumed == [False, *[True] * RESTARTS]


def test_an_epoch_between_makes_it_begin_to_count_again(cells_index: Path) -> None:
    place = Ending(*[(1, KILLED)] * (RESTARTS + 2), (0, Outcome(failure="no image", usage=True)))
    with pytest.raises(UsageError, match=r"^no image$"):
        _run(cells_index, place)
    assert not place.ends


def test_what_is_wrong_is_said_as_one_worker_would(cells_index: Path) -> None:
    with pytest.raises(OutputError, match=r"^run already exists$"):
        _run(cells_index, Ending((0, Outcome(failure="run already exists", output=True))))


def test_of_workers_that_ended_together_the_cause_is_told() -> None:
    lost, wrong = Outcome(failure="Socket closed", died=True), Outcome(failure="3.png is cut off")
    assert first_cause([(0, lost), (1, KILLED)]) == (1, KILLED)
    assert first_cause([(0, lost), (1, KILLED), (2, wrong)]) == (2, wrong)
    assert first_cause([(0, lost), (1, lost)]) == (0, lost)


def test_cores_are_dealt_and_every_worker_has_one() -> None:
    assert shares_of([0, 1, 2, 3, 4], 2) == [(0, 2, 4), (1, 3)]
    assert shares_of([3, 7], 3) == [(3,), (7,), (3,)]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a small network that is trained further: fast to trace."""
    return small_network(tmp_path_factory.mktemp("theirs"))


@pytest.fixture(scope="module")
def by_one(cells_index: Path, theirs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one worker."""
    out = tmp_path_factory.mktemp("one") / "run"
    ended = run_command(train_command(cells_index, out, *theirs, "--epochs", "5"))
    assert ended.returncode == 0, ended.stderr
    return out


def _cut_off(index: Path, folder: Path) -> tuple[Path, str]:
    """An index whose third training image is cut off, its hash right; and the name of that image."""
    whole = Index.load(index)
    image = whole.training(0)[2]
    copies = []
    for each in whole.images:
        place = folder / "cells" / each.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(whole.path_of(each).read_bytes())
        if each == image:
            Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)).save(place)
            place.write_bytes(place.read_bytes()[:5000])
        copies.append(
            dataclasses.replace(each, sha256=sha256_file(place), pixels_sha256=None) if each == image else each
        )
    made = dataclasses.replace(whole, root=folder / "cells", images=tuple(copies))
    made.save(folder / "index.json")
    return folder / "index.json", Path(image.path).name


@pytest.mark.slow
def test_a_bad_image_of_one_worker_ends_all_with_the_error_of_one(
    cells_index: Path, theirs: list[str], tmp_path: Path
) -> None:
    index, name = _cut_off(cells_index, tmp_path)
    one, two = (
        run_command(train_command(index, tmp_path / "run", *theirs, "--epochs", "1", *more))
        for more in ([], ["--workers", "2"])
    )
    assert (one.returncode, two.returncode) == (1, 1)
    assert name in two.stderr
    assert two.stderr.splitlines()[-1] == one.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _at_epoch(process: "subprocess.Popen[str]", epoch: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(f"epoch {epoch:>3}/"):
            return
    raise AssertionError(f"it ended before epoch {epoch}")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_killed_is_started_again_and_the_run_ends_as_if_nothing_had_been(
    cells_index: Path, theirs: list[str], by_one: Path, tmp_path: Path, victim: int
) -> None:
    command = train_command(cells_index, tmp_path / "run", *theirs, "--epochs", "5", "--workers", "2")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        _at_epoch(process, 2)
        os.kill(_children(process.pid)[victim], signal.SIGKILL)
        assert process.stdout is not None
        rest = process.stdout.read()
    assert process.returncode == 0
    assert f"worker {victim + 1} of 2 died: its process was ended by SIGKILL" in rest
    assert "starting all again from the last finished epoch" in rest
    assert_same(tmp_path / "run", by_one)


@pytest.mark.slow
@pytest.mark.long
def test_workers_end_with_their_parent_and_one_worker_can_go_on(
    cells_index: Path, theirs: list[str], by_one: Path, tmp_path: Path
) -> None:
    command = train_command(cells_index, tmp_path / "run", *theirs, "--epochs", "5")
    with subprocess.Popen(
        [*command, "--workers", "2"], stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        _at_epoch(process, 2)
        children = _children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(children) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    ended = run_command([*command, "--resume"])
    assert ended.returncode == 0, ended.stderr
    assert "epoch   1/" not in ended.stdout
    assert_same(tmp_path / "run", by_one)
