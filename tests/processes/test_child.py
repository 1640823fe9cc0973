"""Child processes, most of them the workers of a benchmark; some of them come to a bad end."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeleuk.bench.worker import ProcessDiedError, Task, run_task
from edgeleuk.errors import ModelError
from edgeleuk.processes.child import Child, command_of, run_module

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def task(small_model):
    return Task("outline", str(small_model), "litert", 1)


def is_gone(pid):
    """Whether the process is over, or on its way."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def waits_until(condition, seconds=20.0):
    """Whether it comes true in this time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_the_worker_answers(task):
    found = run_task(task)
    assert [tensor["shape"] for tensor in found["inputs"]] == [[1, 32, 32, 3]]


def test_what_the_model_lacks_is_its_own_fault(tmp_path, int8_flatbuffer):
    (tmp_path / "cut.tflite").write_bytes(int8_flatbuffer[:1000])
    with pytest.raises(ModelError, match=r"cut\.tflite cannot be run by litert") as caught:
        run_task(Task("outline", str(tmp_path / "cut.tflite"), "litert", 1))
    assert not isinstance(caught.value, ProcessDiedError)


@pytest.mark.parametrize("name", ["SIGILL", "SIGSEGV", "SIGBUS"])
def test_a_crash_is_told_by_the_signals_name(task, tool, name):
    with pytest.raises(
        ProcessDiedError, match=f"under litert, 1 thread: its process was ended by {name} after"
    ) as told:
        run_task(task, [tool(f"echo 'loading XNNPACK' >&2; kill -{name[3:]} $$")])
    assert str(told.value).endswith("after saying: loading XNNPACK")


def test_a_kill_points_at_memory(task, tool):
    with pytest.raises(ProcessDiedError, match="SIGKILL; Linux does that to what takes more memory than there is"):
        run_task(task, [tool("kill -KILL $$")])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("exit 3", "its process ended with exit code 3"),
        ("exit 0", "its process ended without an answer"),
        ("echo chatter", "its process ended without an answer"),
        ("printf 'Traceback:\\n  File x\\nMemoryError\\n' >&2; exit 1", "MemoryError$"),
    ],
)
def test_a_process_without_an_answer(task, tool, body, told):
    with pytest.raises(ProcessDiedError, match=told):
        run_task(task, [tool(body)])


def test_a_process_that_hangs_is_given_up_and_ended_with_what_it_started(task, tool, tmp_path):
    body = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(ProcessDiedError, match=r"no answer within 0\.5 s"):
        run_task(task, [tool(body)], patience_s=0.5)
    assert waits_until(lambda: is_gone(int((tmp_path / "pid").read_text())))


def test_more_images_than_fit_on_a_command_line(small_model):
    images = tuple(f"/{number:0>4000}" for number in range(256))
    assert run_task(Task("outline", str(small_model), "litert", 1, images=images))["notes"] == []


def test_a_module_in_the_working_folder_does_not_get_in_the_way(task, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')")
    monkeypatch.chdir(tmp_path)
    assert run_task(task)["coverage"]["operators"] == 5


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_ends_with_its_parent(small_model, number):
    program = (
        "import sys\nfrom edgeleuk.bench.worker import Task, run_task\n"
        "run_task(Task('sustain', sys.argv[1], 'litert', 1, seconds=600.0))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", program, str(small_model)], env=environment)
    try:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        assert waits_until(lambda: children.read_text().split())
        [worker] = children.read_text().split()
        # Not before the worker has asked to be ended: it is after that that it loads the interpreter.
        assert waits_until(lambda: "litert" in Path(f"/proc/{worker}/maps").read_text())
        parent.send_signal(number)
        assert parent.wait(20) == -number
    finally:
        parent.kill()
        parent.wait()
    assert waits_until(lambda: is_gone(worker))


def test_a_worker_whose_parent_was_faster_measures_nothing(small_model):
    program = "from edgeleuk.bench.worker import main; main()"
    asked = json.dumps(dataclasses.asdict(Task("sustain", str(small_model), "litert", 1, seconds=600.0)))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (130, "")


def test_what_a_worker_prints_is_not_taken_for_its_answer(tmp_path, monkeypatch):
    (tmp_path / "chatty.py").write_text(
        "from edgeleuk.processes.child import answer\n"
        "def main():\n    answer(lambda job: (print('{}'), job['twice'] * 2)[1])\n    print('[]')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert run_module("chatty", {"twice": 21}).answer == 42


def test_a_python_that_is_gone(tmp_path):
    outcome = run_module("json", {}, [str(tmp_path / "absent")])
    assert outcome.died
    assert "could not be started" in outcome.failure


INTERRUPTED_AT_ITS_CLOCK = """
import sys, threading
from edgeleuk.processes.child import Child, command_of, run_module

start = threading.Timer.start

def started_and_interrupted(clock):
    start(clock)
    raise KeyboardInterrupt  # as by a signal that comes just then

threading.Timer.start = started_and_interrupted
try:
    run_module("edgeleuk.bench.worker", {}, timeout_s=300)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_while_its_clock_is_started_leaves_nothing_to_wait_for():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_ITS_CLOCK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


def test_a_child_tells_what_it_has_to_tell_before_it_answers(tmp_path, monkeypatch):
    (tmp_path / "telling.py").write_text(
        "from edgeleuk.processes.child import answer_telling\n"
        "def work(job, tell):\n    tell(['begun', job])\n    print('told: no')\n    tell('done')\n    return job + 1\n"
        "def main():\n    answer_telling(work)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    told = []
    with (tmp_path / "log").open("a+b") as log:
        outcome = Child(command_of("telling"), log).ask(41, told=told.append)
    assert outcome.answer == 42
    assert told == [["begun", 41], "done"]
