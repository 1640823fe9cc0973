"""An interpreter tried in a process of its own, so that one that crashes is a finding and not the end of doctor.

Without a model the network is probe.tflite, made by tests/device/make_probe.py: every kind of layer that InceptionV3
has, with answers on record, so that an interpreter that runs but computes wrong is found out, too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.device.delegate import Coverage
from edgeleuk.processes.child import ISOLATED, run_module

PROBE = Path(__file__).with_name("probe.tflite")
# int8 answers are the same bits on every processor, but not with every package: XNNPACK rounds in its own way.
PROBE_ANSWERS = {
    "litert": (-1, -45, -52, 119, -70, -10, 59, -87, 41, -30, -86, 88, 42, 42, 111, -48),
    "tflite-runtime": (-1, -45, -52, 119, -70, -10, 60, -87, 41, -30, -85, 88, 42, 42, 111, -48),
}
_TIMEOUT_S = 180.0


@dataclass(frozen=True)
class Request:
    """What to try: the probe if `model` is None; each of `threads`, or one count that edgeleuk would choose."""

    backend: str
    model: str | None = None
    threads: tuple[int, ...] = ()


@dataclass(frozen=True)
class Trial:
    """The result of a trial; `error` is None if the network ran. `invoke_ms`: median by number of threads.

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


def try_interpreter(request: Request, python: Sequence[str] = ISOLATED, timeout_s: float = _TIMEOUT_S) -> Trial:
    """Load and run a network in a child process. Whatever goes wrong there, a crash too, is the trial's error."""
    outcome = run_module("edgeleuk.device.trial_process", asdict(request), python, timeout_s)
    if outcome.failure is not None:
        return Trial(request.backend, outcome.failure)
    answer: dict[str, Any] = outcome.answer
    return Trial(
        request.backend,
        invoke_ms={int(threads): median for threads, median in answer["invoke_ms"].items()},
        default_threads=answer["default_threads"],
        input_type=answer["input_type"],
        output=tuple(answer["output"]),
        coverage=None if answer["coverage"] is None else Coverage(**answer["coverage"]),
        peak_memory_mib=answer["peak_memory_mib"],
        stages=answer["stages"],
    )


def steps_off(trial: Trial) -> int:
    """Largest difference between the probe's answer and the recorded one, in steps of the int8 output."""
    expected = PROBE_ANSWERS[trial.backend]
    if len(trial.output) != len(expected):
        return 256
    return max(abs(got - known) for got, known in zip(trial.output, expected, strict=True))
