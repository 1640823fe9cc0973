"""An interpreter tried in a process of its own, so that one that crashes is a finding and not the end of doctor.

Without a model the network is probe.tflite, made by tests/device/make_probe.py: every kind of layer that InceptionV3
has, with answers on record, so that an interpreter that runs but computes wrong is found out, too.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.device.delegate import Coverage

PROBE = Path(__file__).with_name("probe.tflite")
# int8 answers are the same bits on every processor, but not with every package: XNNPACK rounds in its own way.
PROBE_ANSWERS = {
    "litert": (-1, -45, -52, 119, -70, -10, 59, -87, 41, -30, -86, 88, 42, 42, 111, -48),
    "tflite-runtime": (-1, -45, -52, 119, -70, -10, 60, -87, 41, -30, -85, 88, 42, 42, 111, -48),
}
_TIMEOUT_S = 180.0
_CHILD = (  # isolated, and with the parent's import path: what is tried is what the parent would use
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from edgeleuk.device.trial_process import main; main()"
)


@dataclass(frozen=True)
class Request:
    """What to try: the probe if `model` is None; each of `threads`, or one count that edgeleuk would choose."""

    backend: str
    model: str | None = None
    threads: tuple[int, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What came of it; `error` is None if the network ran. `invoke_ms`: median by number of threads.

    Of a cascade, that is of both its `stages` in turn, and the coverage is the large model's.
    """

    backend: str
    error: str | None = None
    invoke_ms: dict[int, float] = field(default_factory=dict)
    default_threads: int | None = None
    input_type: str | None = None
    output: tuple[int, ...] = ()
    coverage: Coverage | None = None
    peak_memory_mib: float | None = None
    stages: int = 1

    @property
    def ran(self) -> bool:
        """Whether it gave an answer, right or wrong."""
        return self.error is None


def try_interpreter(
    request: Request, python: Sequence[str] = (sys.executable, "-I"), timeout_s: float = _TIMEOUT_S
) -> Trial:
    """Load and run a network in a child process. Whatever goes wrong there, a crash too, is the trial's error."""
    asked = json.dumps([request.backend, request.model, list(request.threads)])
    command = [*python, "-c", _CHILD, json.dumps(sys.path), asked]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return Trial(request.backend, f"no answer within {timeout_s:g} s")
    except OSError as error:
        return Trial(request.backend, f"a process for it could not be started: {error}")
    return _trial(request.backend, done)


def steps_off(trial: Trial) -> int:
    """Largest difference between the probe's answer and the recorded one, in steps of the int8 output."""
    expected = PROBE_ANSWERS[trial.backend]
    if len(trial.output) != len(expected):
        return 256
    return max(abs(got - known) for got, known in zip(trial.output, expected, strict=True))


def _trial(backend: str, done: "subprocess.CompletedProcess[bytes]") -> Trial:
    if done.returncode != 0:
        return Trial(backend, how_it_ended(done.returncode, done.stderr.decode(errors="replace")))
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return Trial(backend, "its process ended without an answer")
    if answer["error"] is not None:
        return Trial(backend, answer["error"])
    return Trial(
        backend,
        invoke_ms={int(threads): median for threads, median in answer["invoke_ms"].items()},
        default_threads=answer["default_threads"],
        input_type=answer["input_type"],
        output=tuple(answer["output"]),
        coverage=None if answer["coverage"] is None else Coverage(**answer["coverage"]),
        peak_memory_mib=answer["peak_memory_mib"],
        stages=answer["stages"],
    )


def how_it_ended(status: int, errors: str) -> str:
    """The end of a child process that failed, for people: its last words, exit code or signal."""
    last = (errors.strip().splitlines() or [""])[-1]
    if status >= 0:
        return last or f"its process ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"its process was ended by {name}" + (f" after saying: {last}" if last else "")
