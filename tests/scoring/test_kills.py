"""Workers, drivers and nodes that are killed at any moment: no image is lost, none has two rows."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle

from benchmarks.kills import Driver, score_under_kills
from edgeleuk.classify.model import Model
from edgeleuk.scoring import command
from edgeleuk.scoring.command import Request, Summary
from edgeleuk.scoring.worker import Work
from tests.conftest import environment
from tests.scoring.helpers import picture, rows, write_pictures, write_shard
from tests.two_nodes import two_nodes

Score = Callable[..., Summary]
_DEADLY = picture(666)
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Deadly(Work):
    """In the place of a picture that takes all memory: one whose decoding ends its worker as the kernel would."""

    driver: int = 0

    def model(self) -> Model:
        if os.getpid() != self.driver:
            from edgeleuk.runtime import classifier

            decode = classifier.decoded_part

            def deadly(content: Any, *more: Any) -> Any:
                if content == _DEADLY:
                    os.kill(os.getpid(), signal.SIGKILL)
                return decode(content, *more)

            vars(classifier)["decoded_part"] = deadly
        return super().model()


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers that do not survive one picture."""
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    work = Request.work

    def made(request: Request) -> Work:
        return Deadly(**vars(work(request)), driver=os.getpid())

    monkeypatch.setattr(command.Request, "work", made)
    yield
    cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.long
def test_an_image_that_kills_its_worker_is_a_row_and_the_others_are_scored(
    score: Score, deadly: None, small_model: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "cells", 9)
    (tmp_path / "cells" / "deadly.bmp").write_bytes(_DEADLY)
    write_shard(tmp_path / "cells" / "shard.tar", {"a.bmp": picture(20), "b.bmp": _DEADLY, "c.bmp": picture(21)})
    done = score(small_model, tmp_path / "cells", tmp_path / "out")
    found = rows(tmp_path / "out")
    errors = {name.removeprefix(f"{tmp_path}/cells/"): row["error"] for name, row in found.items() if row["error"]}
    assert set(errors) == {"deadly.bmp", "shard.tar!1"}
    assert all(error.startswith("skipped: its worker died 3 times") for error in errors.values())
    assert (done.written, done.bad) == (13, 2)


@pytest.mark.long
def test_kills_of_drivers_and_workers_lose_and_double_nothing(small_model: Path, tmp_path: Path) -> None:
    cells, out = tmp_path / "cells", tmp_path / "out"
    cells.mkdir()
    for number in range(1500):
        (cells / f"{number}.png").write_bytes(picture(number, "PNG", 200))
    arguments = ("score", small_model, cells, "-o", out, "--every", 1, "--workers", 2)
    done = score_under_kills(arguments, kills=6, longest_s=1.5, environment=environment())
    assert sum(done.values()) == 6
    found = rows(out)
    assert set(found) == set(map(str, cells.iterdir()))
    assert {row["error"] for row in found.values()} == {None}


@pytest.mark.long
def test_a_node_that_is_killed_midway_takes_nothing_with_it(small_model: Path, tmp_path: Path) -> None:
    cells, out = tmp_path / "cells", tmp_path / "out"
    cells.mkdir()
    for number in range(1500):
        (cells / f"{number}.png").write_bytes(picture(number, "PNG", 200))
    with two_nodes() as cluster:
        arguments = ("score", small_model, cells, "-o", out, "--every", 1, "--ray", cluster.address)
        with Driver(arguments, cluster.environment) as driver:
            until = time.monotonic() + 120
            while not any("MapWorker" in name for name in cluster.workers_of_other()) and time.monotonic() < until:
                time.sleep(0.1)
            while not list(out.rglob("part-*.parquet")) and time.monotonic() < until:
                time.sleep(0.05)
            assert not driver.over
            cluster.kill_other()
            said, errors = driver.process.communicate(timeout=300)
            assert driver.process.returncode == 0, errors
    assert "1,500 images scored" in said
    found = rows(out)
    assert set(found) == set(map(str, cells.iterdir()))
    assert {row["error"] for row in found.values()} == {None}


@pytest.mark.long
def test_a_signal_ends_it_with_what_was_scored_written(small_model: Path, tmp_path: Path) -> None:
    cells, out = tmp_path / "cells", tmp_path / "out"
    cells.mkdir()
    for number in range(1500):
        (cells / f"{number}.png").write_bytes(picture(number, "PNG", 200))
    with Driver(("score", small_model, cells, "-o", out, "--every", 3600), environment()) as driver:
        assert driver.wait_for_workers()
        driver.sleep(1.5)
        driver.process.terminate()
        _, errors = driver.process.communicate(timeout=60)
    assert driver.process.returncode == 128 + signal.SIGTERM, errors
    assert "what was scored is written" in errors
