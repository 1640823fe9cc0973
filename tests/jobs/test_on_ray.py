"""Jobs as Ray tasks: one outcome each, whatever becomes of their workers, and no process that is left behind."""

import fcntl
import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edgeleuk.cluster.joining import Node
from edgeleuk.errors import UsageError
from edgeleuk.jobs.on_ray import TRIES, Asked, Share, share_of

pytestmark = pytest.mark.slow


def asked(folder):
    """(arguments, process) of each job that was begun, in the order in which they were."""
    path = folder / "asked.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(arguments, process) for _, arguments, process in map(json.loads, lines)]


def wait_for(holds, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def in_background(act):
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def worker_of(process):
    """The Ray worker that started the process."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def is_gone(process):
    """Whether it has ended, be it that nobody has asked how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_jobs_answer_in_their_order_and_end_their_logs(workers, graph, tmp_path):
    outcomes = workers(2).run([graph(f"{number}", width=0.1 * (number + 1)) for number in range(4)])
    assert [outcome.failure for outcome in outcomes] == [None] * 4
    assert all((tmp_path / f"{number}").exists() and (tmp_path / f"{number}.log").exists() for number in range(4))
    assert len(asked(tmp_path)) == 4
    assert workers().run([]) == []


def test_a_job_that_fails_for_a_reason_of_its_own_is_not_tried_again(workers, graph, tmp_path):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["bad", "diverge"]}))
    bad, good = workers(2).run([graph("bad"), graph("good")])
    assert (bad.failure, bad.died) == ("the loss of epoch 1 is not finite", False)
    assert good.failure is None
    assert len(asked(tmp_path)) == 2


def test_a_job_whose_process_is_killed_is_tried_a_stated_number_of_times(workers, graph, tmp_path):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["bad", "kill"]}))
    said = []
    bad, good = workers(2, say=said.append).run([replace(graph("bad"), again={"again": True}), graph("good")])
    assert bad.died
    assert "SIGKILL" in bad.failure
    assert good.failure is None
    tries = [arguments for arguments, _ in asked(tmp_path) if arguments["out"].endswith("bad")]
    assert ["again" in arguments for arguments in tries] == [False, True, True]
    assert len(said) == TRIES - 1
    assert said[0].startswith("bad was ended (its process was ended by SIGKILL")
    assert f"for time 2 of {TRIES}; its log: {tmp_path / 'bad.log'}" in said[0]


def test_a_killed_worker_takes_its_job_along_which_is_done_again_once(workers, graph, tmp_path):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["bad", "wait"]}))
    said, found = [], []

    def kill():
        wait_for(lambda: asked(tmp_path))
        (tmp_path / "fail.json").unlink()
        found.append(asked(tmp_path)[0][1])
        os.kill(worker_of(found[0]), signal.SIGKILL)

    thread = in_background(kill)
    (outcome,) = workers(1, say=said.append).run([graph("bad")])
    thread.join()
    assert outcome.failure is None
    assert [text for text in said if text.startswith("bad was ended (its worker was killed")] == said != []
    assert len(asked(tmp_path)) == 2
    wait_for(lambda: is_gone(found[0]))


def test_an_interruption_ends_jobs_that_run(workers, graph, tmp_path):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["", "wait"]}))
    main = threading.get_ident()

    def interrupt():
        wait_for(lambda: asked(tmp_path))
        signal.pthread_kill(main, signal.SIGINT)

    thread = in_background(interrupt)
    with pytest.raises(KeyboardInterrupt):
        workers(1).run([graph("a"), graph("b")])
    thread.join()
    ((_, process),) = asked(tmp_path)  # the second never began
    wait_for(lambda: is_gone(process))


def test_a_job_waits_for_a_process_that_still_does_the_same(workers, graph, tmp_path):
    """As one does whose machine has lost the cluster, but not yet noticed."""
    with (tmp_path / "x.log").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        let_go = threading.Timer(3.0, lambda: (tmp_path / "free").touch() or fcntl.flock(held, fcntl.LOCK_UN))
        let_go.start()
        (outcome,) = workers(1).run([graph("x")])
        let_go.join()
    assert outcome.failure is None
    assert (tmp_path / "x").stat().st_mtime >= (tmp_path / "free").stat().st_mtime


def test_a_place_that_cannot_be_written_to_is_told_from_a_failure(workers, graph, tmp_path):
    (tmp_path / "file").touch()
    (outcome,) = workers(1).run([replace(graph("x"), log=tmp_path / "file" / "x.log")])
    assert (outcome.output, outcome.died) == (True, False)
    assert str(tmp_path / "file" / "x.log") in outcome.failure


def test_a_job_has_as_many_threads_as_cores(workers, graph, tmp_path):
    program = "import json, os, sys; sys.stdin.readline(); "
    program += "said = [os.environ['OMP_NUM_THREADS'], os.environ['TF_NUM_INTRAOP_THREADS'], os.environ['MINE']]; "
    program += 'print(json.dumps({"answer": said, "failure": None}))'
    made = workers(1)
    made.python, made.environment = (*made.python[:1], "-c", program), {"MINE": "images"}
    (outcome,) = made.run([graph("x")])
    assert outcome.answer == ["2", "2", "images"]


def node(cores, gpus=0):
    return Node("id", "10.0.0.1", cores, gpus)


@pytest.mark.parametrize(
    ("nodes", "at_a_time", "asked_for", "share"),
    [
        ([node(2)], 1, None, Share(2)),
        ([node(2)], 3, None, Share(1)),
        ([node(8), node(8)], 5, None, Share(2)),
        ([node(8), node(4)], 2, None, Share(4)),
        ([node(8), node(0)], 1, None, Share(8)),
        ([node(8), node(8, 2)], 3, None, Share(4, 1)),
        ([node(8)], 3, 4, Share(4)),
    ],
)
def test_what_a_job_gets_of_its_machine(nodes, at_a_time, asked_for, share):
    assert share_of(nodes, at_a_time, asked_for) == share


def test_more_cores_than_any_machine_has_are_refused():
    with pytest.raises(UsageError, match=r"no machine of the cluster has 9 cores for a job; it has at most 8"):
        share_of([node(8), node(4)], 1, 9)
    with pytest.raises(UsageError, match=r"cores-per-job is 0; expected 1 or more"):
        Asked("local", 0)
