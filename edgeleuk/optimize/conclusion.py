"""The end of a search: models measured together, one chosen, compared with the reference, and all of it written."""

import dataclasses
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import edgeleuk
from edgeleuk.codec import decode, read_json
from edgeleuk.data.index import Index
from edgeleuk.evaluation.comparison import Comparison
from edgeleuk.evaluation.evaluate import shown_path
from edgeleuk.files import output_errors, sha256_file, whole_file, write_text
from edgeleuk.jobs.job import failure
from edgeleuk.optimize.config import FLOAT, PRUNED, QAT, Candidate
from edgeleuk.optimize.device import Device
from edgeleuk.optimize.halving import Halving
from edgeleuk.optimize.jobs import job
from edgeleuk.optimize.record import COMPLETE, FAILED, STOPPED, Reference, Refused, Rung, SearchRecord, Trial
from edgeleuk.statistics.pareto import front_of
from edgeleuk.text import examples

_STATES = {"COMPLETE": COMPLETE, "PRUNED": STOPPED, "FAIL": FAILED}
_MEASURED, _FAULTS = "measured_ms", "measured_faults"
_TOLD_FAULTS = 3


Render = Callable[[SearchRecord, Path], None]  # what people look at, written into the search's folder


@dataclass(frozen=True)
class Conclusion:
    """Draws what follows from a halving that is through."""

    device: Device
    index: Index
    command: str
    halving: Halving
    reference: Reference
    render: Render

    def draw(self) -> SearchRecord:
        """Measure, choose, judge, write."""
        out = self.halving.folder
        trials = self._measured(self._trials())
        reference = most_accurate([self.reference, *self._float_runs(trials)])
        front = pareto_front(trials, self.halving.config.budget_ms)
        chosen = choose(front, reference)
        gate, split = None, None
        if chosen is not None:
            self._take(chosen)
            split = "test" if any(image.label is not None for image in self.index.test()) else "validation"
            gate = self._gate(out / "model.tflite", reference, split)
        record = SearchRecord(
            **self._asked(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            edgeleuk_version=edgeleuk.__version__,
            trials=trials,
            refused=tuple(self._refused()),
            reference=dataclasses.replace(reference, run=_below(Path(reference.run), out)),
            front=tuple(trial.number for trial in front),
            chosen=None if chosen is None else chosen.number,
            gate=gate,
            gate_split=split,
            spent=self.halving.clock.spent,
            reproduce=self._reproduce(chosen),
            notes=(*self.device.notes, *self._disturbed(), *_notes(self.index, split, chosen is None)),
        )
        self.render(record, out)
        write_text(out / "search.json", record.to_json())  # last: with it the search is complete
        return record

    def _asked(self) -> dict[str, Any]:
        """What the search was told, by the record's names."""
        names = ("fold", "seed", "budget", "budget_ms", "threads", "max_drop_points")
        settings = {name: getattr(self.halving.config, name) for name in names}
        space = self.halving.space.values()
        where = {"command": self.command, "index_sha256": self.index.sha256, "device": self.device.label}
        return settings | where | {"space": space}

    def _trials(self) -> list[Trial]:
        return [self._trial(frozen) for frozen in self.halving.study.trained()]

    def _trial(self, frozen: Any) -> Trial:
        facts = frozen.user_attrs
        rungs = tuple(Rung(**rung) for rung in facts.get("rungs", ()))
        place = self.halving.place_of(frozen.number).relative_to(self.halving.folder)
        complete = frozen.state.name == "COMPLETE"
        return Trial(
            number=frozen.number,
            settings=dataclasses.asdict(self.halving.study.candidate(frozen.params)),
            state=_STATES[frozen.state.name],
            latency_ms=facts.get("latency_ms"),
            epochs=rungs[-1].epoch if rungs else 0,
            rungs=rungs,
            float_accuracy=facts["float"]["accuracy"] if complete else None,
            accuracy=facts["accuracy"] if complete else None,
            size_bytes=facts["size_bytes"] if complete else None,
            sha256=facts["sha256"] if complete else None,
            run=str(place / facts["last_run"]) if complete else None,
            model=str(place / "model.tflite") if complete else None,
            reason=facts.get("reason"),
            seconds=facts.get("seconds", 0.0),
        )

    def _measured(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        """Complete trials with the latency of the models that came out, measured in turn with each other."""
        out, study = self.halving.folder, self.halving.study
        complete = [trial for trial in trials if trial.model is not None]
        found: dict[str, float] = study.notes.get(_MEASURED, {})
        if complete and not found:
            self.halving.say(f"measure the {len(complete)} finished models")
            files = {str(trial.number): out / str(trial.model) for trial in complete}
            with self.halving.clock.measuring():
                measured = self.halving.latencies.time(files)
            found = measured.ms
            study.note(_FAULTS, measured.faults)
            study.note(_MEASURED, found)
        return tuple(
            dataclasses.replace(trial, latency_ms=found.get(str(trial.number), trial.latency_ms)) for trial in trials
        )

    def _disturbed(self) -> Iterator[str]:
        """What has to be said of the measurements of shapes and of the models that came out."""
        for what, faults in (
            ("choosing shapes", self.halving.latencies.faults),
            ("measuring the finished models", self.halving.study.notes.get(_FAULTS, ())),
        ):
            if faults:
                yield f"the device was not steady while {what}: {examples(faults, _TOLD_FAULTS, '; ')}"

    def _float_runs(self, trials: Sequence[Trial]) -> Iterator[Reference]:
        """The float networks of complete trials, before and after pruning: each may be better than the reference."""
        places = ((trial, (self.halving.folder / trial.model).parent) for trial in trials if trial.model is not None)
        for trial, place in places:
            for folder in (place / FLOAT, place / PRUNED):
                if folder.exists():
                    best = read_json(folder / "metrics.json")
                    whole = {} if folder.name == PRUNED else {"prune": 1.0}
                    yield Reference(
                        f"trial {trial.number}",
                        str(folder),
                        sha256_file(folder / "run.json"),
                        trial.settings | whole,
                        best["val_accuracy"],
                        best["val_weighted_f1"],
                    )

    def _take(self, chosen: Trial) -> None:
        """Copy the chosen model, its proof and its run to the top of the folder."""
        out = self.halving.folder
        model = out / str(chosen.model)
        for source, target in (
            (model, out / "model.tflite"),
            (model.with_suffix(".proof.json"), out / "model.proof.json"),
        ):
            with whole_file(target) as partial:
                shutil.copyfile(source, partial)
        with output_errors(out / "run"):
            shutil.rmtree(out / "run", ignore_errors=True)  # of a search that was killed here
            shutil.copytree(out / str(chosen.run), out / "run")
        self.index.save(out / "run" / "index.json")  # the same index, from where it lies now

    def _gate(self, model: Path, reference: Reference, split: str) -> Comparison:
        """Raises EdgeleukError if the comparison cannot be made."""
        out, config = self.halving.folder.absolute(), self.halving.config
        self.halving.say(f"compare the chosen model with {reference.origin} on the {split} images")
        arguments = {
            "model": str(model.absolute()),
            "reference": str(Path(reference.run).absolute()),
            "index": str(out / "index.json"),
            "split": split,
            "margin": config.max_drop_points / 100,
            "seed": config.seed,
            "out": str(out / "evaluation"),
        }
        with self.halving.clock.training():
            (outcome,) = self.halving.workers.run([job("the comparison", "judge", arguments, out / "judge.log")])
        if outcome.failure is not None:
            raise failure("the chosen model cannot be compared with the reference", outcome)
        found: Comparison = decode(Comparison, outcome.answer, "the comparison")
        return dataclasses.replace(found, reference=_below(Path(reference.run), self.halving.folder))

    def _refused(self) -> Iterator[Refused]:
        latencies = self.halving.latencies
        shapes = latencies.shapes(self.halving.space)
        for shape in shapes:
            if latencies.why_not(shape, shapes, self.halving.config.budget_ms) is not None:
                yield Refused(shape.settings, latencies.of(shape), latencies.impossible(shape))

    def _reproduce(self, chosen: Trial | None) -> tuple[str, ...]:
        if chosen is None:
            return (self.command,)
        return self.command, *map(shlex.join, _commands(self.halving, Candidate(**chosen.settings)))


def _below(path: Path, folder: Path) -> str:
    """Relative to the search's folder where it lies in it: a folder may be moved."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else shown_path(path)


def _notes(index: Index, split: str | None, nothing: bool) -> Iterator[str]:
    if nothing:
        yield "no trial came out within the budget: nothing was chosen"
    if split == "validation":
        yield (
            "there is no test part: the model was chosen on the images on which it is compared with the reference, "
            "which flatters it; 'edgeleuk data split --test-fraction 0.25' keeps images back"
        )
    if split is not None and not any(image.subject for image in index.images):
        yield "no subject is known, so nothing is said about new subjects"


def pareto_front(trials: Sequence[Trial], budget_ms: float) -> tuple[Trial, ...]:
    """Complete trials within the budget that no other is at least as fast and as accurate as, the fastest first.

    Of equals the first stays.
    """
    points: dict[tuple[float, float], Trial] = {}
    for trial in trials:
        if trial.state == COMPLETE and trial.latency_ms is not None and trial.accuracy is not None:
            points.setdefault((trial.latency_ms, trial.accuracy), trial)
    return tuple(points[point] for point in front_of([point for point in points if point[0] <= budget_ms]))


def choose(front: Sequence[Trial], reference: Reference) -> Trial | None:
    """The fastest that is at least as accurate as the reference on validation; if none is, the most accurate.

    Nothing of the allowed drop is spent here: what is chosen as the best of many on the same images has been lucky on
    them, and the margin is for the gate, on images that choose nothing.
    """
    good = [trial for trial in front if trial.accuracy is not None and trial.accuracy >= reference.accuracy]
    return good[0] if good else (front[-1] if front else None)


def most_accurate(references: Sequence[Reference]) -> Reference:
    """The float network that is hardest to follow: best validation accuracy, then weighted F1; of equals the first."""
    return max(references, key=lambda reference: (reference.accuracy, reference.weighted_f1))


def _commands(halving: Halving, candidate: Candidate) -> Iterator[list[str]]:
    """Command lines, to be run beside the search's folder; the runs they make are named float, pruned and qat."""
    config = halving.config.training(candidate, str(halving.teacher))
    yield ["edgeleuk", "train", str(halving.folder / "index.json"), *_options(config), "-o", FLOAT]
    last = FLOAT
    for command, settings in halving.steps(candidate).items():
        if settings is not None:
            made = {"prune": PRUNED, "qat": QAT}[command]
            yield ["edgeleuk", command, last, *_options(settings), "-o", made]
            last = made
    least = halving.config.min_agreement
    gate = [] if least is None else ["--min-agreement", f"{100 * least:g}%", "--max-float", "0"]
    yield ["edgeleuk", "convert", last, "--int8", *gate, "-o", "model.tflite"]


def _options(config: Any) -> list[str]:
    """What differs from the defaults."""
    given = []
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if value != item.default and value is not None:
            given += [f"--{item.name.replace('_', '-')}", str(value)]
    return given
