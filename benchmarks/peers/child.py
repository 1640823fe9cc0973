"""The parent's side of a worker process in an environment of its own."""

import dataclasses
import json
import os
import signal
import subprocess
from typing import Any

from benchmarks.peers.environment import UnavailableError
from benchmarks.peers.models import ROOT
from benchmarks.peers.worker import Task
from edgeleuk.processes.child import how_it_ended

_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from benchmarks.peers.worker import main; main()"
_PATIENCE_S = 600.0


def run_task(task: Task, python: str) -> dict[str, Any]:
    """What the worker answers. Raises UnavailableError where the engine fails, crashes or hangs.

    The process has a session of its own, so that Ctrl-C reaches the parent alone; it is ended with the parent's wait.
    """
    command = [python, "-I", "-c", _CHILD, str(ROOT), json.dumps(dataclasses.asdict(task))]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        output, errors = process.communicate(timeout=task.seconds * 20 + _PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{task.backend} gave no answer within {error.timeout:g} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        told = how_it_ended(process.returncode, errors.decode(errors="replace"))
        raise UnavailableError(f"{task.backend} cannot run it: {told}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found
