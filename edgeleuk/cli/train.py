"""`edgeleuk train`: fine-tune InceptionV3."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import (
    LABEL_OPTIONS,
    RunOptions,
    config_options,
    label_options,
    made,
    preset_option,
    run_options,
    show_run,
    typed,
)
from edgeleuk.cli.output import progress_to, show, show_json_text
from edgeleuk.cli.paths import Existing
from edgeleuk.data.labels import LabelSource
from edgeleuk.errors import UsageError
from edgeleuk.training.config import PRESETS, RANDOM, TrainConfig


@edgeleuk_command(
    examples=(
        "edgeleuk train index.json -o run",
        "edgeleuk train cells/ -o run --weights none --width 0.25 --input-size 96",
        "edgeleuk train index.json -o runs --cross-validate --config train.toml",
        "edgeleuk train index.json -o leaky --cross-validate --split random",
    ),
    groups={
        "The run": (
            "--data-root",
            "--output",
            "--config",
            "--resume",
            "--tensorboard",
            "--preset",
            "--cross-validate",
            "--fold",
            "--folds",
            "--split",
            "--seed",
            "--json",
        ),
        "Labels of a folder": LABEL_OPTIONS,
        "The network": (
            "--weights",
            "--input-size",
            "--crop",
            "--resample",
            "--width",
            "--pools",
            "--exit",
            "--colour-constancy",
            "--dropout",
        ),
        "The training": (*("--robust", "--epochs", "--head-epochs", "--batch-size", "--learning-rate", "--patience"),),
        "A teacher": ("--teacher", "--distillation-temperature", "--distillation-weight"),
    },
)
@click.argument(
    "data",
    type=Existing("index or folder", "an index of 'edgeleuk data split' or a folder of images"),
    metavar="INDEX_OR_DIR",
)
@run_options
@label_options
@config_options(TrainConfig)
@preset_option
@click.option("--cross-validate", is_flag=True, help="Train one run a fold, RUN/fold_0 and so on, and sum them up.")
def command(
    data: Path, run: RunOptions, labels: LabelSource, cross_validate: bool, preset: str | None, **given: Any
) -> None:
    """Fine-tune InceptionV3 on INDEX_OR_DIR without the validation fold and write the folder RUN.

    A folder is split into folds first; an index made by 'edgeleuk data split' says its own.
    """
    if cross_validate and typed("fold"):
        raise UsageError("--cross-validate trains every fold; leave --fold out")
    if data.suffix == ".json" and typed("folds"):
        raise UsageError(f"{data} has folds of its own; leave --folds out")
    settings = made(TrainConfig, given, PRESETS.get(preset or "", {}))
    if settings.split == RANDOM and not cross_validate:
        raise UsageError("--split random deals the folds of a cross-validation anew; give --cross-validate, too")
    from edgeleuk.data.split import open_index
    from edgeleuk.training.cross_validation import SUMMARY
    from edgeleuk.training.cross_validation import cross_validate as train_folds
    from edgeleuk.training.train import train

    index = open_index(data, settings.folds, settings.seed, data_root=run.data_root, labels=labels)
    place, report = run.output, progress_to(run.as_json)
    if cross_validate:
        summary = train_folds(index, settings, place, run.resume, report, run.log_folder)
        show_json_text((place / SUMMARY).read_text(encoding="utf-8")) if run.as_json else show(summary)
        return
    show_run(train(index, settings, place, run.resume, report, run.log_folder), "network as it was", run.as_json)
