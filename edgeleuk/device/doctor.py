"""`edgeleuk doctor`: facts are collected once, small checks judge them, and the findings are shown as text or JSON."""

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edgeleuk
from edgeleuk.device import checks, inference_checks
from edgeleuk.device.facts import board, device_health
from edgeleuk.device.findings import LEVELS, Facts, Finding
from edgeleuk.device.host import this_clock, this_host, this_place, this_user, video_nodes
from edgeleuk.device.processor import this_processor
from edgeleuk.device.trial import Request, try_interpreter
from edgeleuk.text import counted, one_line, wrapped

SCHEMA_VERSION = 1
MODULES = {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
CHECKS: tuple[Callable[[Facts], Finding | None], ...] = (
    inference_checks.check_backend,
    inference_checks.check_other_backend,
    inference_checks.check_model,
    inference_checks.check_delegate,
    inference_checks.check_threads,
    checks.check_interpreters,
    checks.check_python,
    checks.check_numpy,
    checks.check_pillow,
    checks.check_architecture,
    checks.check_libc,
    checks.check_system,
    checks.check_processor,
    checks.check_memory,
    checks.check_governor,
    checks.check_throttling,
    checks.check_temperature,
    checks.check_camera,
    checks.check_disk,
    checks.check_clock,
    checks.check_user,
)


@dataclass(frozen=True)
class Report:
    """What doctor found, and from which facts."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def can_infer(self) -> bool:
        """Whether no finding is a problem."""
        return all(finding.level != "problem" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "schema_version": SCHEMA_VERSION,
            "edgeleuk": edgeleuk.__version__,
            "can_infer": self.can_infer,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "facts": self.facts.to_dict(),
        }


def examine(facts: Facts) -> Report:
    """Let every check judge the facts."""
    findings = (check(facts) for check in CHECKS)
    return Report(facts, tuple(finding for finding in findings if finding is not None))


def collect(
    model: Path | None = None, threads: int | None = None, backend: str = "auto", folder: Path | None = None
) -> Facts:
    """Gather the facts of this machine, and try each interpreter, also on `model`. `folder`: where results would go."""
    host = this_host()
    names = [name for name, module in MODULES.items() if module in host.packages]
    chosen = next((name for name in names if backend in ("auto", name)), None)
    facts = Facts(
        host=host,
        health=device_health(),
        processor=this_processor(),
        place=this_place(folder or Path.cwd()),
        clock=this_clock(),
        user=this_user(),
        board=board(),
        cameras=video_nodes(),
        requested_backend=backend,
        requested_threads=threads,
        backend=chosen,
        trials={name: try_interpreter(Request(name, threads=_counts(threads))) for name in names},
        model=None if model is None else str(model),
    )
    if chosen is None or model is None or not facts.works:
        return facts
    return dataclasses.replace(
        facts, model_trial=try_interpreter(Request(chosen, str(model), _counts(threads) or _sweep()))
    )


def render(report: Report, width: int = 100) -> str:
    """A table for a terminal: level, name, what was found, and below it what to do. Ends in a newline."""
    side = 2 + max(map(len, LEVELS)) + 2 + max(len(finding.name) for finding in report.findings)
    width, indent, lines = max(width, side + 30), " " * side, []
    for finding in report.findings:
        head = f"{finding.level:{max(map(len, LEVELS))}}  {finding.name}".ljust(side)
        lines.append(wrapped(head + one_line(finding.found), width, side))
        if finding.advice:
            lines.append(wrapped(f"{indent}-> {one_line(finding.advice)}", max(width, side + 33), side + 3))
    return "\n".join([*lines, "", _summary(report)]) + "\n"


def _summary(report: Report) -> str:
    counts = {level: sum(finding.level == level for finding in report.findings) for level in reversed(LEVELS[1:])}
    said = ", ".join(counted(count, level) for level, count in counts.items() if count)
    verdict = "Inference works here" if report.can_infer else "Inference does not work here"
    return f"{verdict}: {said or 'nothing to mend'}."


def _counts(threads: int | None) -> tuple[int, ...]:
    return () if threads is None else (threads,)


def _sweep() -> tuple[int, ...]:
    """Numbers of threads to compare: 1, 2 and 4, as far as there are cores."""
    return tuple(count for count in (1, 2, 4) if count <= max(1, len(os.sched_getaffinity(0))))
