"""The parent's side of a worker process: starts it, waits, and turns whatever went wrong into one error."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from typing import Any

from edgeleuk.bench.worker import Task
from edgeleuk.device.trial import how_it_ended
from edgeleuk.errors import ModelError

_CHILD = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from edgeleuk.bench.worker import main; main()"
_PATIENCE_S = 600.0


def run_task(task: Task, python: str = sys.executable) -> dict[str, Any]:
    """What the worker answers. Raises ModelError where the model cannot be run or its process crashed.

    The process has a session of its own, so that Ctrl-C reaches the parent alone; it is ended with the parent's wait.
    """
    command = [python, "-I", "-c", _CHILD, json.dumps(sys.path), json.dumps(dataclasses.asdict(task))]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        output, errors = process.communicate(timeout=task.seconds * 20 + _PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{task.model}: {task.backend} gave no answer within {error.timeout:g} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        told = how_it_ended(process.returncode, errors.decode(errors="replace"))
        raise ModelError(f"{task.model} cannot be run by {task.backend}: {told}")
    value, failure = json.loads(output.splitlines()[-1])
    if failure is not None:
        raise ModelError(failure)
    found: dict[str, Any] = value
    return found
