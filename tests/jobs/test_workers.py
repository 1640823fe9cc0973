"""Jobs on a program of the tests' own, which ends in every way that a training can."""

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from edgeleuk.data.root import VARIABLE
from edgeleuk.jobs.workers import Workers, _shares
from edgeleuk.optimize.jobs import job
from tests.conftest import ROOT

PROGRAM = ROOT / "tests" / "optimize" / "jobs.py"


@pytest.fixture
def workers(tmp_path):
    return lambda count=1: Workers(count, (sys.executable, str(PROGRAM), str(tmp_path)))


def graph(tmp_path, name, width=0.5):
    shape = {"input_size": 96, "width": width, "exit": None, "prune": 1.0}
    arguments = {"shape": shape, "class_count": 2, "out": str(tmp_path / name)}
    return job(name, "make_graph", arguments, tmp_path / "log" / "log.txt", alone=False)


def test_jobs_answer_in_their_order(tmp_path, workers):
    jobs = [graph(tmp_path, f"{number}", width=0.1 * (number + 1)) for number in range(5)]
    outcomes = workers(3).run(jobs)
    assert [outcome.failure for outcome in outcomes] == [None] * 5
    assert all(outcome.seconds > 0 for outcome in outcomes)
    assert [(tmp_path / f"{number}").exists() for number in range(5)] == [True] * 5


def test_no_jobs_have_no_outcome(workers):
    assert workers().run([]) == []


@pytest.mark.parametrize(
    ("how", "said"),
    [("diverge", "the loss of epoch 1 is not finite"), ("kill", "SIGKILL; Linux does that to what takes more")],
)
def test_a_job_that_fails_says_why_and_leaves_the_others_alone(tmp_path, workers, how, said):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["bad", how]}))
    bad, good = workers(2).run([graph(tmp_path, "bad"), graph(tmp_path, "good")])
    assert said in bad.failure
    assert good.failure is None


def test_a_program_that_cannot_start_is_a_failure_with_its_last_words(tmp_path):
    (outcome,) = Workers(1, (sys.executable, "-c", "raise SystemExit('no such thing')")).run([graph(tmp_path, "x")])
    assert "no such thing" in outcome.failure


def test_an_interruption_ends_jobs_that_run(tmp_path, workers):
    (tmp_path / "fail.json").write_text(json.dumps({"make_graph": ["", "wait"]}))
    main, started = threading.get_ident(), time.monotonic()

    def interrupt():
        while not (tmp_path / "asked.txt").exists():
            time.sleep(0.02)
        import signal

        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        workers(1).run([graph(tmp_path, "a"), graph(tmp_path, "b")])
    assert time.monotonic() - started < 30
    lines = (tmp_path / "asked.txt").read_text().splitlines()
    assert len(lines) == 1  # the second never began
    assert not Path(f"/proc/{json.loads(lines[0])[2]}").exists()


@pytest.mark.parametrize(("count", "shares"), [(1, [{0, 1, 2}]), (2, [{0, 2}, {1}]), (3, [{0}, {1}, {2}])])
def test_each_job_has_its_share_of_the_cores(count, shares):
    assert _shares([0, 1, 2], count) == shares
    assert _shares([0, 1], 3) == [{0, 1}] * 3


def test_a_job_is_told_where_the_images_lie_now(tmp_path):
    program = f"import json, os, sys; sys.stdin.readline(); said = os.environ.get({VARIABLE!r}); "
    program += 'print(json.dumps({"answer": {"said": said}, "failure": None}))'
    workers = Workers(1, (sys.executable, "-c", program), {VARIABLE: str(tmp_path / "images")})
    (outcome,) = workers.run([graph(tmp_path, "x")])
    assert outcome.answer["said"] == str(tmp_path / "images")
