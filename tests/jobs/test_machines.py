"""Jobs on a cluster whose machines go."""

import json
import sys
import threading
from contextlib import ExitStack

import pytest

from edgeleuk.jobs.on_ray import RayWorkers
from tests.clusters import end_at_once, head, joined_by, node
from tests.jobs.conftest import PROGRAM
from tests.jobs.test_on_ray import asked, is_gone, wait_for


@pytest.mark.long
def test_a_job_whose_machine_is_gone_is_done_on_another(graph, tmp_path):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["", "wait"]}))
    said = []
    with ExitStack() as stack:
        address = stack.enter_context(head(0))
        first = stack.enter_context(node(["--address", address], 1))
        workers = RayWorkers(stack.enter_context(joined_by(address, 2)), 1, say=said.append)
        workers.python = (sys.executable, str(PROGRAM), str(tmp_path))

        def lose():
            wait_for(lambda: asked(tmp_path))
            (tmp_path / "fail.json").unlink()
            end_at_once(first)
            stack.enter_context(node(["--address", address], 1))

        thread = threading.Thread(target=lose)
        thread.start()
        (outcome,) = workers.run([graph("x")])
        thread.join()
        (_, gone), (_, other) = asked(tmp_path)
        assert gone != other
        wait_for(lambda: is_gone(gone))
    assert outcome.failure is None
    assert "left the cluster" in said[0]
