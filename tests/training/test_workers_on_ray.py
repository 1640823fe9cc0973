"""Workers of a training on a Ray cluster, here a local one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeleuk.cluster.joining import LOCAL, Cluster, Node, joined
from edgeleuk.data.index import Index
from edgeleuk.errors import UsageError
from edgeleuk.training.config import Origin, TrainConfig
from edgeleuk.training.workers import OnWorkers
from edgeleuk.training.workers_on_ray import OnRay, cores_each
from tests.training.small import SETTINGS, assert_same, run_command, small_network, train_command


def _nodes(*cores: int) -> list[Node]:
    return [Node(str(number), "127.0.0.1", count, 0) for number, count in enumerate(cores)]


def test_each_worker_has_as_many_cores_as_let_all_of_them_fit() -> None:
    assert cores_each(_nodes(8, 8), 2) == 8
    assert cores_each(_nodes(8, 4), 2) == 4
    assert cores_each(_nodes(8, 4), 3) == 4
    assert cores_each(_nodes(2), 2) == 1
    assert cores_each(_nodes(8, 4), 3, asked=2) == 2
    with pytest.raises(UsageError, match="2 workers of 5 cores on a cluster of 12, of which one machine has at most 8"):
        cores_each(_nodes(8, 4), 2, asked=5)
    with pytest.raises(UsageError, match="3 workers on a cluster of 2 cores; expected at most one a core: --workers 2"):
        cores_each(_nodes(2), 3)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A local cluster of two cores."""
    pytest.importorskip("ray")
    with joined(LOCAL, cores=2) as found:
        yield found


def _below(process: int) -> Iterator[int]:
    """Also of its other threads, from which an actor starts processes."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            yield int(child)
            yield from _below(int(child))


def _workers() -> list[int]:
    """The processes of workers that this process, or a cluster of it, has started."""
    command = b"edgeleuk.training.worker"
    return [each for each in _below(os.getpid()) if command in Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")]


@pytest.mark.slow
@pytest.mark.long
def test_actors_train_as_one_worker_does_also_if_one_is_killed(
    cluster: Cluster, cells_index: Path, tmp_path: Path
) -> None:
    options = small_network(tmp_path)
    ended = run_command(train_command(cells_index, tmp_path / "one", *options, "--epochs", "4"))
    assert ended.returncode == 0, ended.stderr
    said: list[str] = []

    def report(text: str) -> None:
        said.append(text)
        if text.startswith("epoch   2/") and sum(line.startswith("epoch   2/") for line in said) == 1:
            os.kill(_workers()[-1], signal.SIGKILL)

    origin = Origin(str(tmp_path / "theirs.keras"), str(tmp_path / "spec.json"))
    config = TrainConfig(**SETTINGS, epochs=4, origin=origin)
    OnWorkers(OnRay(cluster, 2), report).train(Index.load(cells_index), config, tmp_path / "two")
    assert any("died: its process was ended by SIGKILL" in line for line in said)
    assert not _workers()
    assert_same(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
@pytest.mark.long
def test_the_command_trains_on_a_cluster_of_its_own(cells_index: Path, tmp_path: Path) -> None:
    options = (*small_network(tmp_path), "--epochs", "1")
    ended = run_command(train_command(cells_index, tmp_path / "here", *options, "--workers", "2"))
    assert ended.returncode == 0, ended.stderr
    ended = run_command(train_command(cells_index, tmp_path / "there", *options, "--workers", "2", "--ray", "local"))
    assert ended.returncode == 0, ended.stderr
    assert_same(tmp_path / "there", tmp_path / "here")
