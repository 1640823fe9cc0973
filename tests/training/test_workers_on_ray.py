"""Workers of a training on a Ray cluster, here a local one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeleuk.cluster.joining import Node
from edgeleuk.errors import UsageError
from edgeleuk.training.workers_on_ray import cores_each
from tests.training.small import assert_same, run_command, small_network, train_command


def _nodes(*cores: int) -> list[Node]:
    return [Node(str(number), "127.0.0.1", count, 0) for number, count in enumerate(cores)]


def test_each_worker_has_as_many_cores_as_let_all_of_them_fit() -> None:
    assert cores_each(_nodes(8, 8), 2) == 8
    assert cores_each(_nodes(8, 4), 2) == 4
    assert cores_each(_nodes(8, 4), 3) == 4
    assert cores_each(_nodes(2), 2) == 1
    with pytest.raises(UsageError, match="3 workers on a cluster of 2 cores; expected at most one a core: --workers 2"):
        cores_each(_nodes(2), 3)
