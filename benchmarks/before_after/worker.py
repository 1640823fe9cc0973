"""Run by a build's own interpreter: makes the calls that a script names, and answers commands on standard input.

    python worker.py SCRIPT ARGUMENTS

SCRIPT defines `calls(arguments)`, which returns callables without parameters by name; ARGUMENTS is JSON. Each line of
input is JSON: {"call": NAME, "count": N}, answered by one line with the N calls' seconds, by wall clock and of
processor time of the whole process. It imports nothing but the standard library, as an earlier build lacks the rest.
"""

import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    script, arguments = sys.argv[1], json.loads(sys.argv[2])
    if arguments.get("core") is not None:
        os.sched_setaffinity(0, {arguments["core"]})
    calls = runpy.run_path(script)["calls"](arguments)
    print(json.dumps(sorted(calls)), file=answers)
    for text in sys.stdin:
        command = json.loads(text)
        print(json.dumps(timed(calls[command["call"]], command["count"])), file=answers)


def timed(call: Callable[[], Any], count: int) -> dict[str, list[float]]:
    """Seconds of each of `count` calls: "wall" and "cpu"."""
    wall, cpu = [], []
    for _ in range(count):
        begun, spent = time.perf_counter(), time.process_time()
        call()
        cpu.append(time.process_time() - spent)
        wall.append(time.perf_counter() - begun)
    return {"wall": wall, "cpu": cpu}


if __name__ == "__main__":
    main()
