"""Training the candidates of a search: a cohort at a time, halved at each rung, the survivors made into int8 models."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.errors import EdgeleukError, OutputError
from edgeleuk.jobs.job import Job, Runner
from edgeleuk.optimize.config import FLOAT, Candidate, SearchConfig, Shape, Space
from edgeleuk.optimize.jobs import job
from edgeleuk.optimize.latencies import Latencies
from edgeleuk.optimize.record import Clock, Rung
from edgeleuk.optimize.study import Study, rung_epochs
from edgeleuk.processes.child import Outcome
from edgeleuk.training.config import PruneConfig, QatConfig, percentage

Say = Callable[[str], None]
_MOST_REJECTIONS = 16  # in a row, before the sampler is helped
_FINE_TUNING_SHARE = 5  # pruned networks are fine-tuned for a fifth of the epochs


@dataclass(frozen=True)
class Contender:
    """A candidate with its trial."""

    trial: Any
    candidate: Candidate

    @property
    def name(self) -> str:
        """For people."""
        return f"trial {self.trial.number}"

    @property
    def rungs(self) -> list[dict[str, Any]]:
        """The rungs that it has reached, as the store has them."""
        return list(self.trial.user_attrs.get("rungs", []))

    def rung(self, epoch: int) -> dict[str, Any] | None:
        """That of this epoch; None if it has not got there."""
        return next((rung for rung in self.rungs if rung["epoch"] == epoch), None)


@dataclass(frozen=True)
class Halving:
    """What it takes to train candidates below `folder`; `teacher` is the reference run."""

    study: Study
    space: Space
    config: SearchConfig
    latencies: Latencies
    workers: Runner
    clock: Clock
    folder: Path
    teacher: Path
    say: Say

    def run(self) -> None:
        """Train cohort after cohort until there are as many trials as asked for, or no candidate is left.

        Raises EdgeleukError if every trial of the first cohort failed.
        """
        while cohort := self._cohort():
            for until in (*rung_epochs(self.config.epochs), self.config.epochs):
                cohort = self._climb(cohort, until)
            self._finish(cohort)
            self._refuse_hopeless()

    def place_of(self, number: int) -> Path:
        """The folder of a trial."""
        return self.folder / "trials" / f"{number:04}"

    @property
    def _index(self) -> str:
        return str((self.folder / "index.json").absolute())

    def _cohort(self) -> list[Contender]:
        """Those to resume after a kill, and new ones up to a whole cohort; none when all is done."""
        begun = [Contender(trial, self.study.candidate(trial.params)) for trial in self.study.unfinished()]
        number = self.study.cohort
        if begun and self.study.is_training(number):
            return begun
        number += not begun
        wanted = min(self.config.cohort, self.config.trials - len(self.study.trained()) + len(begun))
        return begun + self._chosen(wanted - len(begun), number)

    def _chosen(self, wanted: int, cohort: int) -> list[Contender]:
        """New candidates within the budget that were not tried yet; fewer than wanted if there are no more."""
        found: list[Contender] = []
        while len(found) < wanted and (count := self.study.batch_left or self._new_batch(wanted - len(found))):
            asked = [Contender(*self.study.ask()) for _ in range(count)]
            self._measure([contender.candidate.shape for contender in asked])
            for contender in asked:
                if reason := self._against(contender.candidate):
                    self.study.reject(contender.trial, reason)
                else:
                    self.study.admit(contender.trial, cohort)
                    found.append(contender)
        if len(found) < wanted:
            self.say(f"no more candidates within the budget were found; {len(found)} instead of {wanted}")
        return found

    def _new_batch(self, count: int) -> int:
        """Begin one; 0 if there is no candidate left. If the sampler finds none, the next is drawn from those."""
        if self.study.rejected_in_a_row >= _MOST_REJECTIONS:
            left = [candidate for candidate in self.space.candidates() if self._against(candidate) is None]
            if not left:
                return 0
            self.study.enqueue(left)
        return self.study.begin_batch(count)

    def _measure(self, shapes: Sequence[Shape]) -> None:
        """The latency of those that nothing is known of; the least first, as it may rule out others."""
        budget, every = self.config.budget_ms, self.latencies.shapes(self.space)
        shapes = list(dict.fromkeys(map(self.latencies.timed, shapes)))
        for shape in sorted(shapes, key=lambda shape: sum(map(shape.covers, shapes))):
            if self.latencies.of(shape) is None and self.latencies.why_not(shape, every, budget) is None:
                with self.clock.measuring():
                    self.latencies.measure([shape])
                found = self.latencies.of(shape)
                self.say(f"{shape.key}: {'cannot be made' if found is None else f'{found:.3g} ms'}")

    def _against(self, candidate: Candidate) -> str | None:
        """Why the candidate is not to be trained."""
        reason = self.latencies.why_not(candidate.shape, self.latencies.shapes(self.space), self.config.budget_ms)
        if reason is not None:
            return reason
        tried = any(candidate == self.study.candidate(trial.params) for trial in self.study.trained())
        return "tried already" if tried else None

    def _climb(self, cohort: Sequence[Contender], until: int) -> list[Contender]:
        """Train up to an epoch, but those that had got there before a kill; those that go on."""
        below = [contender for contender in cohort if contender.rung(until) is None]
        jobs = [self._training(contender, until) for contender in below]
        with self.clock.training():
            outcomes = self.workers.run(jobs)
        for contender, outcome in _blamed(below, outcomes):
            self._note(contender, until, outcome)
        _refuse_place(outcomes)
        reached = [contender for contender in cohort if contender.rung(until) is not None]
        if until == self.config.epochs:
            return reached
        return [contender for contender in reached if self._goes_on(contender, until)]

    def _training(self, contender: Contender, until: int) -> Job:
        place = self.place_of(contender.trial.number).absolute()
        training = dataclasses.asdict(self.config.training(contender.candidate, str(self.teacher.absolute())))
        arguments = {"config": training, "out": str(place / FLOAT), "until": until, "index": self._index}
        return job(contender.name, "train", arguments, place / "log.txt")

    def _note(self, contender: Contender, until: int, outcome: Outcome) -> None:
        """Keep what a training came to."""
        facts = self._facts(contender, outcome.seconds)
        if outcome.failure is not None:
            self.say(f"{contender.name} failed: {outcome.failure}")
            self.study.fail(contender.trial, outcome.failure, facts)
            return
        reached = Rung(until, outcome.answer["weighted_f1"], outcome.answer["accuracy"])
        self.say(f"{contender.name}, {describe(contender.candidate)}: epoch {until}, F1 {reached.weighted_f1:.4f}")
        contender.trial.set_user_attr("seconds", facts["seconds"])
        contender.trial.set_user_attr("rungs", [*contender.rungs, dataclasses.asdict(reached)])

    def _goes_on(self, contender: Contender, until: int) -> bool:
        rung = contender.rung(until)
        assert rung is not None  # asked of those only that have reached it
        on = self.study.goes_on(contender.trial, until, rung["weighted_f1"], self._facts(contender))
        if not on:
            self.say(f"{contender.name} is stopped")
        return on

    def _facts(self, contender: Contender, seconds: float = 0.0) -> dict[str, Any]:
        return {
            "seconds": contender.trial.user_attrs.get("seconds", 0.0) + seconds,
            "latency_ms": self.latencies.of(contender.candidate.shape),
        }

    def _finish(self, cohort: Sequence[Contender]) -> None:
        """Prune, quantize and judge what is left of a cohort."""
        jobs = [self._finishing(contender) for contender in cohort]
        with self.clock.training():
            outcomes = self.workers.run(jobs)
        for contender, outcome in _blamed(cohort, outcomes):
            facts = self._facts(contender, outcome.seconds)
            if outcome.failure is not None:
                self.say(f"{contender.name} failed: {outcome.failure}")
                self.study.fail(contender.trial, outcome.failure, facts)
                continue
            answer = outcome.answer
            self.study.complete(contender.trial, answer["weighted_f1"], facts | answer)
            self.say(
                f"{contender.name}: int8 accuracy {answer['accuracy']:.4f} on validation (float "
                f"{answer['float']['accuracy']:.4f}), {answer['size_bytes'] / 1e6:.2f} MB"
            )
        _refuse_place(outcomes)

    def _finishing(self, contender: Contender) -> Job:
        place = self.place_of(contender.trial.number).absolute()
        settings = {name: step and dataclasses.asdict(step) for name, step in self.steps(contender.candidate).items()}
        arguments = {"folder": str(place), "index": self._index, "min_agreement": self.config.min_agreement}
        return job(contender.name, "finish", arguments | settings, place / "log.txt")

    def steps(self, candidate: Candidate) -> "dict[str, PruneConfig | QatConfig | None]":
        """Settings of what follows the training, by command; None for what the candidate leaves out."""
        config = self.config
        prune = PruneConfig(
            macs=percentage(candidate.prune),
            epochs=max(1, config.epochs // _FINE_TUNING_SHARE),
            batch_size=config.batch_size,
            seed=config.seed,
        )
        qat = QatConfig(config.qat_epochs, config.batch_size, seed=config.seed)
        return {
            "prune": prune if candidate.prune < 1 else None,
            "qat": qat if candidate.quantization == "qat" else None,
        }

    def _refuse_hopeless(self) -> None:
        trained = self.study.trained()
        reasons = {trial.user_attrs.get("reason") for trial in trained}
        if all(trial.state.name == "FAIL" for trial in trained):
            raise EdgeleukError(
                f"every trial failed: {'; '.join(sorted(map(str, reasons)))}. Their logs are below trials/"
            )


def _blamed(cohort: Sequence[Contender], outcomes: Sequence[Outcome]) -> Iterator[tuple[Contender, Outcome]]:
    """Contenders with their outcomes, except those that could not write: they resume once they can."""
    return ((each, outcome) for each, outcome in zip(cohort, outcomes, strict=True) if not outcome.output)


def _refuse_place(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.output:
            raise OutputError(f"{outcome.failure}; no trial is lost: fix that, and continue with --resume")


def describe(candidate: Candidate) -> str:
    """A candidate in a few words."""
    words = [f"{candidate.input_size} px", f"width {candidate.width:g}"]
    words += [f"crop {candidate.crop}"] if candidate.crop else []
    words += [candidate.resample] if candidate.resample != Candidate.resample else []
    words += [f"up to {candidate.exit}"] if candidate.exit else []
    words += [f"pruned to {candidate.prune:.0%}"] if candidate.prune < 1 else []
    words += ["taught"] if candidate.distill else []
    return ", ".join([*words, candidate.quantization.upper()])
