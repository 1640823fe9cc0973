"""The parent's side of a worker process: starts it, waits, and turns whatever went wrong into one error."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from edgeleuk.bench.worker import Task
from edgeleuk.device.trial import how_it_ended
from edgeleuk.errors import ModelError
from edgeleuk.text import counted

_CHILD = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from edgeleuk.bench.worker import main; main()"
_START_S, _QUERY_S, _UNCOUNTED_QUERIES = 120.0, 60.0, 30


class ProcessDiedError(ModelError):
    """The process that ran a model ended without an answer: a crash, a signal, too little memory."""


def run_task(task: Task, python: Sequence[str] = (sys.executable, "-I"), patience_s: float | None = None) -> Any:
    """What the worker answers, a JSON object.

    Raises ModelError if the model cannot be run, ProcessDiedError if its process crashed or hangs. The process
    has a session of its own, so that Ctrl-C reaches the parent alone; it ends with the parent's wait, or the parent.
    """
    command = [*python, "-c", _CHILD, json.dumps(sys.path), str(os.getpid())]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    asked = json.dumps(dataclasses.asdict(task)).encode()  # not an argument, whose length Linux limits
    try:
        output, errors = process.communicate(asked, _patience_s(task) if patience_s is None else patience_s)
    except subprocess.TimeoutExpired as error:
        raise ProcessDiedError(f"{task.model}: {task.backend} gave no answer within {error.timeout:g} s") from error
    finally:
        _end(process)
    return _answer(task, process.returncode, output, errors.decode(errors="replace"))


def _patience_s(task: Task) -> float:
    """When to give it up for hanging: a minute for each query that has to be."""
    return _START_S + 20 * task.seconds + _QUERY_S * (task.runs + _UNCOUNTED_QUERIES)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _answer(task: Task, status: int, output: bytes, errors: str) -> Any:
    who = f"{task.model} under {task.backend}, {counted(task.threads, 'thread')}"
    if status != 0:
        told = how_it_ended(status, errors)
        if status == -signal.SIGKILL:
            told += "; Linux does that to what takes more memory than there is"
        raise ProcessDiedError(f"{who}: {told}")
    try:
        value, failure, of_name = json.loads(output.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise ProcessDiedError(f"{who}: its process ended without an answer") from error
    if failure is not None:
        refused = ModelError(failure)
        refused.of_name = of_name
        raise refused
    return value
