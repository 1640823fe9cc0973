"""Training: from an index to a float run."""

import dataclasses
import logging
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Any

from edgeleuk.data.field import field_notes, field_of
from edgeleuk.data.index import Index
from edgeleuk.data.sizes import size_problems, sizes_of
from edgeleuk.files import to_json
from edgeleuk.keras.batch_norm import recalibrate
from edgeleuk.keras.choices import OFF
from edgeleuk.keras.crew import Alone, Crew
from edgeleuk.keras.framework import tf_keras
from edgeleuk.training.config import RANDOM, TrainConfig
from edgeleuk.training.distillation import distillation_of
from edgeleuk.training.fitting import Answers, FitData, Fitter, Labels, Objective, Phase, Progress, validate
from edgeleuk.training.preparation import check_images, fit_data
from edgeleuk.training.results import OnEpoch, Report, epoch_reporter, made_by, write_results
from edgeleuk.training.run import STRENGTHS, TEACHER, Run, load_run_folder, partial_of
from edgeleuk.training.shortcuts import shortcut_line
from edgeleuk.training.start import Start, start_of
from edgeleuk.training.strengths import strengths_for
from edgeleuk.training.teacher import open_teacher, teacher_json
from edgeleuk.training.unfinished import publish_run, unfinished_run

_log = logging.getLogger(__name__)
_HEAD_LEARNING_RATE = 1e-3
_MOST_BATCHES = 100  # that batch-norm statistics are taken on


@dataclasses.dataclass(frozen=True)
class Company:
    """Who is told how a training goes, and who else works on it.

    What `observe` returns, given the number of epochs, is told of each epoch once that is on the disk.
    """

    report: Report
    observe: Callable[[int], OnEpoch]
    crew: Crew = dataclasses.field(default_factory=Alone)

    @classmethod
    def of(cls, report: Report, log_folder: Path | None = None, crew: Crew | None = None) -> "Company":
        """Each epoch is a line of `report`, and of TensorBoard's logs below `log_folder`."""
        return cls(report, lambda total: epoch_reporter(total, report, log_folder), crew or Alone())


def train(
    index: Index,
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    log_folder: Path | None = None,
) -> Run:
    """Train InceptionV3, or the network of `config.origin`, on the index without its validation fold; write `out`.

    Raises LeakError if a group crosses the fold's border or the teacher has seen what is held out, DataError for
    images that changed or classes that lack images, UsageError for settings that cannot be met, OutputError if the
    run cannot be written. At its end `report` is told how far colour alone goes on the validation images.
    """
    return train_as_chief(index, config, out, resume, Company.of(report, log_folder))


def train_as_chief(index: Index, config: TrainConfig, out: Path, resume: bool, company: Company) -> Run:
    """Train as `train` does, as the chief of a crew; its other workers call `train_along`."""
    run = train_with(index, config, out, resume, company)
    company.report(shortcut_line(run))
    return run


def train_with(index: Index, config: TrainConfig, out: Path, resume: bool, company: Company) -> Run:
    """Train as `train` does, but say nothing of colour. An exception of who is told of an epoch ends the training
    there, to be resumed.
    """
    report = company.report
    check_images(index, config.fold, config.split == RANDOM)
    teacher = None if config.teacher is None else open_teacher(Path(config.teacher), index, config.fold)
    start = start_of(index, config)
    config_json = _config_json(start, teacher, index.leaks)
    spec = start.spec(index, config_json)
    strengths = strengths_for(config.robust, index, config.fold)
    texts = {"config.json": config_json, "spec.json": spec.to_json(), "index.json": index.to_json(out)}
    texts |= {STRENGTHS: strengths.to_json(), **start.texts()}
    if teacher and config.distilling:
        texts[TEACHER] = teacher_json(teacher, config.distilling)
    with unfinished_run(out, texts, resume, report) as partial:
        if partial is None:
            return load_run_folder(out)
        for note in size_problems(sizes_of(index, index.training(config.fold))):
            _log.warning(note)
        for note in start.notes:
            report(note)
        _warn_of_crop(index, start)
        objective = _objective(config, teacher, report)  # first, as loading a run sets Keras' precision
        made = fit_data(index, config.fold, spec.preprocessing, config.batch_size, config.seed, strengths.augmentation)
        data = dataclasses.replace(made, objective=objective)
        on_epoch = company.observe(_head_epochs(start) + config.epochs)
        mixed = _fit(index, start, data, partial, on_epoch, company.crew)
        facts = {"mixed_precision": mixed, "parent": None, "teacher": teacher.folder.name if teacher else None}
        return publish_run(partial, out, "float", start.recorded(), facts | made_by())


def train_along(index: Index, config: TrainConfig, out: Path, crew: Crew) -> None:
    """What a worker of the crew does that is not its chief: fit, and leave all else to the chief.

    Raises as `train`; what is wrong with images, settings or the place is said by the chief, which looks for it.
    """
    teacher = None if config.teacher is None else open_teacher(Path(config.teacher), index, config.fold)
    start = start_of(index, config)
    strengths = strengths_for(config.robust, index, config.fold)
    preprocessing = start.spec(index, "").preprocessing
    objective = _objective(config, teacher, lambda text: None)
    made = fit_data(index, config.fold, preprocessing, config.batch_size, config.seed, strengths.augmentation)
    data = dataclasses.replace(made, objective=objective)
    model, _ = start.build(crew)
    head = start.keeps_head
    Fitter(model, data, partial_of(out), config.patience, config.seed, lambda row: None, head, crew).run(_phases(start))


def _config_json(start: Start, teacher: Run | None, leaks: str | None) -> str:
    """The settings, the teacher by its hash, as it may lie elsewhere when training is resumed; and folds that leak."""
    settings = start.settings()
    del settings["teacher"]
    if leaks is not None:
        settings["leaks"] = leaks
    return to_json(settings | {"teacher_sha256": teacher.sha256 if teacher else None})


def _warn_of_crop(index: Index, start: Start) -> None:
    crop = start.config.crop if start.preprocessing is None else start.preprocessing.crop_px
    if crop is not None:
        for note in field_notes(field_of(index, index.training(start.config.fold)), crop):
            _log.warning(note)


def _objective(config: TrainConfig, teacher: Run | None, report: Report) -> Objective:
    how = config.distilling
    if teacher is None or how is None:
        return Labels()
    report(
        f"taught by {teacher.folder} (validation weighted F1 {teacher.best_weighted_f1:.4f}): temperature "
        f"{how.temperature:g}, weight {how.weight:g}"
    )
    return distillation_of(teacher, how)


def _fit(index: Index, start: Start, data: FitData, partial: Path, on_epoch: OnEpoch, crew: Crew) -> bool:
    """Fit and write the results; returns whether float16 was used."""
    config = start.config
    model, mixed = start.build(crew)
    fitter = Fitter(model, data, partial, config.patience, config.seed, on_epoch, start.keeps_head, crew)
    progress = fitter.run(_phases(start))
    if config.robust != OFF and config.epochs and not config.pretrained:
        progress.best = with_new_statistics(model, data, progress, fitter.answers)
    if index.leaks is not None and progress.best is not None:
        progress.best = {**progress.best, "leaks": index.leaks}
    write_results(partial, progress, model)
    return mixed


def with_new_statistics(
    model: Any, data: FitData, progress: Progress, answers: Answers | None = None
) -> dict[str, Any] | None:
    """Take batch-norm statistics anew, on augmented training images; returns the best row as the network now is.

    They stay as they were if the network's weighted F1 on the validation images would fall.
    """
    best, before = progress.best, model.get_weights()
    if best is None:
        return None
    batches = data.training.shuffled(progress.epochs_done + 1)
    recalibrate(model, (images for images, labels in islice(batches, _MOST_BATCHES) if len(labels) > 1))
    row = validate(model, data.validation, answers)
    if not row["val_weighted_f1"] >= best["val_weighted_f1"]:
        model.set_weights(before)
        return best
    return {**best, **row, "batch_norm": "taken anew"}


def _phases(start: Start) -> list[Phase]:
    """Head first if the backbone is pretrained, then everything, batch-norm statistics frozen if pretrained."""
    config = start.config
    rate = config.learning_rate or (1e-4 if config.pretrained else 2e-3)
    prepare = freeze_batch_norm if config.pretrained else train_everything
    return [
        Phase(
            "head",
            _head_epochs(start),
            max(rate, _HEAD_LEARNING_RATE),
            lambda model: train_head_only(model, start.head),
        ),
        Phase("network", config.epochs, rate, prepare),
    ]


def _head_epochs(start: Start) -> int:
    """As many as are asked for; by default none for a last layer that is trained already."""
    asked = start.config.head_epochs
    return asked if asked is not None else 2 * (start.config.pretrained and not start.keeps_head)


def train_head_only(model: Any, head: Collection[str]) -> None:
    """Freeze all layers but those of these names."""
    for layer in model.layers:
        layer.trainable = layer.name in head


def freeze_batch_norm(model: Any) -> None:
    """Train every layer but batch normalization, whose statistics stay those of the starting weights."""
    for layer in model.layers:
        layer.trainable = not isinstance(getattr(layer, "layer", layer), tf_keras.layers.BatchNormalization)


def train_everything(model: Any) -> None:
    """Train every layer, batch-norm statistics included."""
    for layer in model.layers:
        layer.trainable = True
