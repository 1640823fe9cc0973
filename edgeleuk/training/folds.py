"""Training the folds of a cross-validation: here one after the other, or as jobs on a cluster."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgeleuk.data.index import Index
from edgeleuk.data.root import VARIABLE
from edgeleuk.errors import OutputError
from edgeleuk.jobs.job import Job, failure
from edgeleuk.jobs.on_ray import Asked, workers_on
from edgeleuk.processes.child import Outcome
from edgeleuk.text import examples
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.results import Report
from edgeleuk.training.train import train

_WORK = "edgeleuk.training.work"


@dataclass(frozen=True)
class Folds:
    """What is to be trained: a run a fold, each with its own settings, below `out`."""

    index: Index
    configs: Sequence[TrainConfig]
    out: Path
    resume: bool
    report: Report

    def place(self, fold: int) -> Path:
        """The run folder of a fold."""
        return self.out / f"fold_{fold}"

    def is_kept(self, fold: int) -> bool:
        """Whether it is complete, and stays."""
        return self.resume and (self.place(fold) / "run.json").exists()


@dataclass(frozen=True)
class Took:
    """Seconds: of each fold, None where it was complete before, and from beginning to end.

    `at_a_time`: several folds were trained at a time.
    """

    folds: tuple[float | None, ...]
    seconds: float
    at_a_time: bool = False

    @property
    def speed_up(self) -> float | None:
        """The seconds of the folds over those from beginning to end; None where they come one after the other."""
        known = [seconds for seconds in self.folds if seconds is not None]
        return sum(known) / self.seconds if self.at_a_time and known and self.seconds else None


class Trains(Protocol):
    """Something that trains folds."""

    def train(self, folds: Folds) -> Took:
        """Train them all; what is complete stays if they are resumed. Raises as `training.train.train`."""


@dataclass(frozen=True)
class Here:
    """One after the other, in this process. `log_folder`: where TensorBoard's logs go."""

    log_folder: Path | None = None

    def train(self, folds: Folds) -> Took:
        """See `Trains`."""
        started, took = time.monotonic(), list[float | None]()
        for fold, config in enumerate(folds.configs):
            folds.report(f"fold {fold} of {len(folds.configs)}")
            begun, kept = time.monotonic(), folds.is_kept(fold)
            logs = self.log_folder / f"fold_{fold}" if self.log_folder else None
            train(folds.index, config, folds.place(fold), folds.resume, folds.report, logs)
            took.append(None if kept else time.monotonic() - begun)
        return Took(tuple(took), time.monotonic() - started)


@dataclass(frozen=True)
class OnRay:
    """Several at a time on a cluster, each by a process of its own, whose log lies beside its run as fold_N.log."""

    asked: Asked
    log_folder: Path | None = None

    def train(self, folds: Folds) -> Took:
        """See `Trains`. Folds go on where another fails; then raises for all that failed."""
        started, count = time.monotonic(), len(folds.configs)
        kept = [folds.is_kept(fold) for fold in range(count)]
        with workers_on(
            self.asked, count, folds.out, seen_by_jobs(folds.index, folds.configs[0]), folds.report
        ) as workers:
            jobs = [self._job(folds, fold) for fold in range(count)]
            for job in jobs:
                job.log.touch()  # first, so that a folder in which no fold was begun is known for what it is
            folds.index.save(folds.out / "index.json")
            workers.environment = {VARIABLE: str(folds.index.root)}
            workers.watch = _Told([job.log for job in jobs], folds.report)
            outcomes = workers.run(jobs)
            workers.watch()
        _refuse_failed(jobs, outcomes)
        seconds = tuple(None if own else outcome.seconds for own, outcome in zip(kept, outcomes, strict=True))
        return Took(seconds, time.monotonic() - started, at_a_time=True)

    def _job(self, folds: Folds, fold: int) -> Job:
        place = folds.place(fold).absolute()
        logs = None if self.log_folder is None else str(self.log_folder.absolute() / place.name)
        arguments = {
            "action": "train",
            "index": str(folds.out.absolute() / "index.json"),
            "config": dataclasses.asdict(_absolute(folds.configs[fold])),
            "out": str(place),
            "resume": folds.resume,
            "logs": logs,
        }
        return Job(f"fold {fold}", _WORK, arguments, place.with_name(f"{place.name}.log"), again={"resume": True})


class _Told:
    """Tells of the lines that are added to logs, each with the name of its file."""

    def __init__(self, logs: Sequence[Path], report: Report) -> None:
        self._read = {log: log.stat().st_size if log.exists() else 0 for log in logs}
        self._report: Callable[[str], None] = report

    def __call__(self) -> None:
        for log, done in self._read.items():
            if not log.exists():
                continue
            with log.open("rb") as stream:
                stream.seek(done)
                lines = stream.read().rpartition(b"\n")[0]
            if lines:
                self._read[log] = done + len(lines) + 1
                for line in lines.decode(errors="replace").splitlines():
                    self._report(f"{log.stem.replace('_', ' ')}: {line}")


def _refuse_failed(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    failed = [(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True) if outcome.failure is not None]
    if not failed:
        return
    job, outcome = failed[0]
    error = failure(job.name, outcome)
    if len(failed) > 1:
        error.add_note(f"so ended {examples([other.name for other, _ in failed])}")
    if len(failed) < len(jobs) and not isinstance(error, OutputError):
        error.add_note("the other folds are kept: --resume goes on with what is left")
    raise error


def seen_by_jobs(index: Index, config: TrainConfig) -> list[Path]:
    """What all machines have to see: the images, and files that the settings name."""
    config = _absolute(config)
    named = [config.weights if Path(config.weights).is_absolute() else None, config.teacher]
    if config.origin is not None:
        named += [config.origin.model, config.origin.spec, config.origin.weights]
    return [index.root, *(Path(name) for name in named if name is not None)]


def _absolute(config: TrainConfig) -> TrainConfig:
    """The settings as another working folder understands them."""
    changed: dict[str, Any] = {"teacher": _path(config.teacher)}
    if config.weights not in ("none", "imagenet"):
        changed["weights"] = _path(config.weights)
    if config.origin is not None:
        origin = config.origin
        changed["origin"] = dataclasses.replace(
            origin, model=str(Path(origin.model).absolute()), spec=_path(origin.spec), weights=_path(origin.weights)
        )
    return dataclasses.replace(config, **changed)


def _path(name: str | None) -> str | None:
    return None if name is None else str(Path(name).absolute())
