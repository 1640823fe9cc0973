"""`edgeleuk train`: fine-tune InceptionV3, or a network of others."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command, ended_by_signals
from edgeleuk.cli.options import (
    LABEL_OPTIONS,
    PRESET_HELP,
    RAY_OPTIONS,
    RunOptions,
    config_options,
    label_options,
    made,
    ray_options,
    run_options,
    show_run,
    typed,
)
from edgeleuk.cli.output import progress_to, show, show_json_text
from edgeleuk.cli.paths import Existing
from edgeleuk.data.labels import LabelSource
from edgeleuk.errors import UsageError
from edgeleuk.spec_presets import PRESETS as SPEC_PRESETS
from edgeleuk.training.config import PRESETS, RANDOM, Origin, TrainConfig

if TYPE_CHECKING:
    from edgeleuk.data.index import Index
    from edgeleuk.jobs.on_ray import Asked
    from edgeleuk.training.run import Run
    from edgeleuk.training.workers import Place


@edgeleuk_command(
    examples=(
        "edgeleuk train index.json -o run",
        "edgeleuk train cells/ -o run --weights none --width 0.25 --input-size 96",
        "edgeleuk train index.json -o runs --cross-validate --config train.toml",
        "edgeleuk train index.json -o runs --cross-validate --ray local",
        "edgeleuk train index.json -o leaky --cross-validate --split random",
        "edgeleuk train index.json -o run --from network.h5 --spec spec.json",
        "edgeleuk train index.json -o run --from m.keras --preset keras-mobilenet",
        "edgeleuk train index.json -o run --workers 2",
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
        "Several workers": ("--workers",),
        "A cluster": RAY_OPTIONS,
        "Labels of a folder": LABEL_OPTIONS,
        "A network of others": ("--from", "--spec", "--model-weights", "--logits"),
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
        "The training": (
            *("--robust", "--epochs", "--head-epochs", "--batch-size", "--learning-rate", "--patience"),
            "--mixed-precision",
        ),
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
@click.option(
    "--preset",
    type=Choice(list(dict.fromkeys((*PRESETS, *SPEC_PRESETS)))),
    help=f"{PRESET_HELP} With --from: how that network is shown pictures.",
)
@click.option(
    "--from",
    "model",
    type=Existing("model", "a .keras, .h5 or .json file, or a SavedModel folder"),
    metavar="MODEL",
    help="Train this network of Keras further instead of InceptionV3. Its last layer is kept if it was made for the "
    "classes of the index, else it gets a new one.",
)
@click.option(
    "--spec",
    type=Existing("spec", "a JSON file", dir_okay=False),
    help="ModelSpec of MODEL: how a picture becomes its input, and its classes; or give --preset.",
)
@click.option(
    "--model-weights",
    type=Existing("weights", "an HDF5 file", dir_okay=False),
    metavar="FILE",
    help="Weights of MODEL, if that is an architecture (.json) alone.",
)
@click.option("--logits", is_flag=True, help="The scores of MODEL are logits: put a softmax behind them.")
@click.option(
    "--workers",
    type=int,
    metavar="N",
    help="Train on N processes in step, each with its part of every batch of --batch-size images and its share of the "
    "cores, or a GPU.",
)
@click.option("--cross-validate", is_flag=True, help="Train one run a fold, RUN/fold_0 and so on, and sum them up.")
@ray_options
def command(
    data: Path,
    run: RunOptions,
    labels: LabelSource,
    workers: int | None,
    cross_validate: bool,
    preset: str | None,
    asked: "Asked | None",
    **given: Any,
) -> None:
    """Fine-tune InceptionV3 on INDEX_OR_DIR without the validation fold and write the folder RUN.

    A folder is split into folds first; an index made by 'edgeleuk data split' says its own. With --from it is another
    network that is trained further, as --spec or --preset says that it is shown pictures.
    """
    origin = _origin(preset, given)
    if cross_validate and typed("fold"):
        raise UsageError("--cross-validate trains every fold; leave --fold out")
    if cross_validate and workers is not None:
        raise UsageError("--workers shares out one training; leave it or --cross-validate out")
    if asked is not None and not cross_validate and workers is None:
        raise UsageError("--ray is for folds or workers; give --cross-validate, or --workers N, too")
    if data.suffix == ".json" and typed("folds"):
        raise UsageError(f"{data} has folds of its own; leave --folds out")
    settings = made(TrainConfig, given | {"origin": origin}, {} if origin else _own_preset(preset))
    if settings.split == RANDOM and not cross_validate:
        raise UsageError("--split random deals the folds of a cross-validation anew; give --cross-validate, too")
    from edgeleuk.data.split import open_index

    index = open_index(data, settings.folds, settings.seed, data_root=run.data_root, labels=labels)
    report = progress_to(run.as_json)
    if cross_validate:
        _train_folds(index, settings, run, asked, report)
        return
    if workers is None:
        made_run = _train(index, settings, run, report)
    else:
        made_run = _train_on_workers(index, settings, run, workers, asked, report)
    show_run(made_run, "network as it was", run.as_json)


def _train_folds(
    index: "Index", settings: TrainConfig, run: RunOptions, asked: "Asked | None", report: Callable[[str], None]
) -> None:
    from edgeleuk.training.cross_validation import SUMMARY, cross_validate
    from edgeleuk.training.folds import Here, OnRay

    by = Here(run.log_folder) if asked is None else OnRay(asked, run.log_folder)
    summary = cross_validate(index, settings, run.output, run.resume, report, by)
    show_json_text((run.output / SUMMARY).read_text(encoding="utf-8")) if run.as_json else show(summary)


def _train(index: "Index", settings: TrainConfig, run: RunOptions, report: Callable[[str], None]) -> "Run":
    from edgeleuk.training.train import train

    return train(index, settings, run.output, run.resume, report, run.log_folder)


def _train_on_workers(
    index: "Index",
    settings: TrainConfig,
    run: RunOptions,
    workers: int,
    asked: "Asked | None",
    report: Callable[[str], None],
) -> "Run":
    from edgeleuk.training.workers import Here, OnWorkers, check_workers

    check_workers(index, settings, workers)
    with ended_by_signals(), ExitStack() as stack:
        place: Place = Here(workers)
        if asked is not None:
            from edgeleuk.training.folds import seen_by_jobs
            from edgeleuk.training.workers_on_ray import workers_on_ray

            place = stack.enter_context(workers_on_ray(asked, workers, run.output, seen_by_jobs(index, settings)))
        return OnWorkers(place, report, run.log_folder).train(index, settings, run.output, run.resume)


def _own_preset(name: str | None) -> dict[str, Any]:
    """What a preset sets of InceptionV3's training. Raises UsageError for one of networks of others."""
    if name is not None and name not in PRESETS:
        raise UsageError(f"the preset {name} says how a network of others is shown pictures; give --from MODEL, too")
    return PRESETS.get(name or "", {})


def _origin(preset: str | None, given: dict[str, Any]) -> Origin | None:
    """What --from and its options say, taken out of `given`. Raises UsageError for options that do not go together."""
    model, spec, weights = (given.pop(name) for name in ("model", "spec", "model_weights"))
    logits = given.pop("logits")
    if model is None:
        for name, value in (("--spec", spec), ("--model-weights", weights), ("--logits", logits)):
            if value:
                raise UsageError(f"{name} is about a network of others; give --from MODEL, too")
        return None
    for name in ("weights", "width", "pools", "exit", "dropout"):
        if given[name] is not None:
            raise UsageError(f"--from {model} has a network of its own; leave --{name} out")
    shown = {name: given[name] for name in ("input_size", "crop", "resample", "colour_constancy")}
    return Origin(str(model), None if spec is None else str(spec), preset, weights and str(weights), logits, **shown)
