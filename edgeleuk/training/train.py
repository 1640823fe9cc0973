"""Training: from an index to a float run."""

import dataclasses
import logging
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from edgeleuk.data.field import field_notes, field_of
from edgeleuk.data.index import Index
from edgeleuk.data.sizes import size_problems, sizes_of
from edgeleuk.files import to_json
from edgeleuk.keras.batch_norm import recalibrate
from edgeleuk.keras.choices import OFF
from edgeleuk.keras.framework import tf_keras, use_mixed_precision
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.training.config import RANDOM, TrainConfig, weights_facts
from edgeleuk.training.distillation import distillation_of
from edgeleuk.training.fitting import FitData, Fitter, Labels, Objective, Phase, Progress, validate
from edgeleuk.training.preparation import check_images, fit_data, new_spec
from edgeleuk.training.results import OnEpoch, Report, epoch_reporter, made_by, write_results
from edgeleuk.training.run import STRENGTHS, TEACHER, Run, load_run_folder
from edgeleuk.training.shortcuts import shortcut_line
from edgeleuk.training.strengths import strengths_for
from edgeleuk.training.teacher import open_teacher, teacher_json
from edgeleuk.training.unfinished import publish_run, unfinished_run

_log = logging.getLogger(__name__)
_HEAD = frozenset({"average", "dropout", "logits", "probabilities"})
_HEAD_LEARNING_RATE = 1e-3
_MOST_BATCHES = 100  # that batch-norm statistics are taken on


def train(
    index: Index,
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    log_folder: Path | None = None,
) -> Run:
    """Train InceptionV3 on the index without its validation fold and write the run folder `out`.

    Raises LeakError if a group crosses the fold's border or the teacher has seen what is held out, DataError for
    images that changed or classes that lack images, UsageError for settings that cannot be met, OutputError if the
    run cannot be written. At its end `report` is told how far colour alone goes on the validation images.
    """
    total = _total_epochs(config)
    run = train_with(index, config, out, resume, report, lambda: epoch_reporter(total, report, log_folder))
    report(shortcut_line(run))
    return run


def train_with(
    index: Index, config: TrainConfig, out: Path, resume: bool, report: Report, observe: Callable[[], OnEpoch]
) -> Run:
    """Train as `train` does. What `observe` returns is told of each epoch once that is on the disk; an exception of it
    ends the training there, to be resumed.
    """
    check_images(index, config.fold, config.split == RANDOM)
    teacher = None if config.teacher is None else open_teacher(Path(config.teacher), index, config.fold)
    config_json = _config_json(config, teacher, index.leaks)
    spec = new_spec(index, config, config_json)
    strengths = strengths_for(config.robust, index, config.fold)
    texts = {"config.json": config_json, "spec.json": spec.to_json(), "index.json": index.to_json(out)}
    texts[STRENGTHS] = strengths.to_json()
    if teacher and config.distilling:
        texts[TEACHER] = teacher_json(teacher, config.distilling)
    with unfinished_run(out, texts, resume, report) as partial:
        if partial is None:
            return load_run_folder(out)
        for note in size_problems(sizes_of(index, index.training(config.fold))):
            _log.warning(note)
        _warn_of_crop(index, config)
        objective = _objective(config, teacher, report)  # first, as loading a run sets Keras' precision
        made = fit_data(index, config.fold, spec.preprocessing, config.batch_size, config.seed, strengths.augmentation)
        mixed = _fit(index, config, dataclasses.replace(made, objective=objective), partial, observe())
        facts = {"mixed_precision": mixed, "parent": None, "teacher": teacher.folder.name if teacher else None}
        network = dataclasses.replace(_network(index, config), weights=weights_facts(config.weights)["weights"])
        return publish_run(partial, out, "float", network, facts | made_by())


def _config_json(config: TrainConfig, teacher: Run | None, leaks: str | None) -> str:
    """The settings, and that the folds leak if they do.

    Teacher and weights file by their hashes, as they may lie elsewhere when training is resumed.
    """
    settings = dataclasses.asdict(config) | weights_facts(config.weights)
    del settings["teacher"]
    if leaks is not None:
        settings["leaks"] = leaks
    return to_json(settings | {"teacher_sha256": teacher.sha256 if teacher else None})


def _warn_of_crop(index: Index, config: TrainConfig) -> None:
    if config.crop is not None:
        for note in field_notes(field_of(index, index.training(config.fold)), config.crop):
            _log.warning(note)


def _network(index: Index, config: TrainConfig) -> NetworkConfig:
    return NetworkConfig(
        len(index.classes),
        config.input_size,
        config.width,
        config.dropout,
        config.weights,
        config.pools,
        exit=config.exit,
    )


def _objective(config: TrainConfig, teacher: Run | None, report: Report) -> Objective:
    how = config.distilling
    if teacher is None or how is None:
        return Labels()
    report(
        f"taught by {teacher.folder} (validation weighted F1 {teacher.best_weighted_f1:.4f}): temperature "
        f"{how.temperature:g}, weight {how.weight:g}"
    )
    return distillation_of(teacher, how)


def _fit(index: Index, config: TrainConfig, data: FitData, partial: Path, on_epoch: OnEpoch) -> bool:
    """Fit and write the results; returns whether float16 was used."""
    mixed = use_mixed_precision()
    tf_keras.utils.set_random_seed(config.seed)
    model = build_network(_network(index, config))
    progress = Fitter(model, data, partial, config.patience, config.seed, on_epoch).run(_phases(config))
    if config.robust != OFF and config.epochs and not config.pretrained:
        progress.best = with_new_statistics(model, data, progress)
    if index.leaks is not None and progress.best is not None:
        progress.best = {**progress.best, "leaks": index.leaks}
    write_results(partial, progress, model)
    return mixed


def with_new_statistics(model: Any, data: FitData, progress: Progress) -> dict[str, Any] | None:
    """Take batch-norm statistics anew, on augmented training images; returns the best row as the network now is.

    They stay as they were if the network's weighted F1 on the validation images would fall.
    """
    best, before = progress.best, model.get_weights()
    if best is None:
        return None
    batches = data.training.shuffled(progress.epochs_done + 1)
    recalibrate(model, (images for images, labels in islice(batches, _MOST_BATCHES) if len(labels) > 1))
    row = validate(model, data.validation)
    if not row["val_weighted_f1"] >= best["val_weighted_f1"]:
        model.set_weights(before)
        return best
    return {**best, **row, "batch_norm": "taken anew"}


def _phases(config: TrainConfig) -> list[Phase]:
    """Head first if the backbone is pretrained, then everything, batch-norm statistics frozen if pretrained."""
    rate = config.learning_rate or (1e-4 if config.pretrained else 2e-3)
    return [
        Phase("head", _head_epochs(config), max(rate, _HEAD_LEARNING_RATE), train_head_only),
        Phase("network", config.epochs, rate, freeze_batch_norm if config.pretrained else train_everything),
    ]


def _head_epochs(config: TrainConfig) -> int:
    return config.head_epochs if config.head_epochs is not None else 2 * config.pretrained


def _total_epochs(config: TrainConfig) -> int:
    return _head_epochs(config) + config.epochs


def train_head_only(model: Any) -> None:
    """Freeze the backbone."""
    for layer in model.layers:
        layer.trainable = layer.name in _HEAD


def freeze_batch_norm(model: Any) -> None:
    """Train every layer but batch normalization, whose statistics stay those of the starting weights."""
    for layer in model.layers:
        layer.trainable = not isinstance(getattr(layer, "layer", layer), tf_keras.layers.BatchNormalization)


def train_everything(model: Any) -> None:
    """Train every layer, batch-norm statistics included."""
    for layer in model.layers:
        layer.trainable = True
