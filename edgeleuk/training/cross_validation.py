"""Cross-validation: one run a fold, and what they say together."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.data.random_folds import random_folds
from edgeleuk.errors import DataError, MissingExtraError, UsageError
from edgeleuk.files import refuse_taken, to_json, write_text
from edgeleuk.text import counted
from edgeleuk.training.config import RANDOM, TrainConfig
from edgeleuk.training.folds import Folds, Here, Took, Trains
from edgeleuk.training.results import Report
from edgeleuk.training.run import Run, load_run_folder
from edgeleuk.training.shortcuts import shortcuts_of
from edgeleuk.training.teacher import fold_teacher, open_teacher

SUMMARY = "cross_validation.json"


def cross_validate(
    index: Index,
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    by: Trains | None = None,
) -> str:
    """Train a run a fold below `out`, write cross_validation.json there and return its summary in one line.

    Complete folds are kept if `resume` is asked for, whether they were trained `by` this process, which is the default,
    or on a cluster. A teacher is the folder of an earlier cross-validation, whose
    run of each fold teaches that fold's student. The best epoch of each run was chosen on its own validation
    fold, so the mean flatters; `evaluate` on a test split does not. Raises as `train`, UsageError without
    epochs or folds, and OutputError if `out` holds something else.
    """
    if config.epochs == 0:
        raise UsageError("epochs is 0; cross-validation needs at least one")
    if index.fold_count < 2:
        raise UsageError(
            "the index has one held-out part and no folds to cross-validate; train without --cross-validate, or deal "
            "folds with 'edgeleuk data split --redeal'"
        )
    if not any(out.glob("*fold_*")):  # nor what an interrupted one left
        refuse_taken(out)
    if config.split == RANDOM:
        index = random_folds(index, config.seed)
        report(f"{index.leaks}: this only shows what that is worth")
    folds = Folds(index, _configs(index, config), out, resume, report)
    took = (by or Here()).train(folds)
    rows = [_row(folds, fold, seconds) for fold, seconds in enumerate(took.folds)]
    scores = [row["best"]["val_weighted_f1"] for row in rows if row["best"]]
    mean, spread = statistics.fmean(scores), statistics.pstdev(scores)
    summary = {"schema_version": 1, "folds": rows, "val_weighted_f1_mean": mean, "val_weighted_f1_std": spread}
    summary |= {"seconds": round(took.seconds, 2), "speed_up": took.speed_up}
    summary |= {} if index.leaks is None else {"leaks": index.leaks}
    write_text(out / SUMMARY, to_json(summary))
    mark = "" if index.leaks is None else f" ({index.leaks})"
    told = f"validation weighted F1 {mean:.4f} +- {spread:.4f} over {len(scores)} folds{_beside(rows)}{mark}"
    return f"{told}{_time(took)}"


def _row(folds: Folds, fold: int, seconds: float | None) -> dict[str, Any]:
    run = load_run_folder(folds.place(fold))
    row = {"fold": fold, "run": run.folder.name, "best": run.best, "colour_accuracy": _colour(run)}
    return row | {"seconds": None if seconds is None else round(seconds, 2)}


def _time(took: Took) -> str:
    """How long it took; with folds at a time, how much longer they would have, had each waited for the one before."""
    known = [seconds for seconds in took.folds if seconds is not None]
    if not known:
        return ""
    told = f"; {counted(len(known), 'fold')} took {took.seconds:.0f} s"
    if took.speed_up is None:
        return told
    return f"{told}, {sum(known):.0f} s one after the other: a speed-up of {took.speed_up:.2f}"


def _colour(run: Run) -> float | None:
    """The accuracy of colour alone on the run's validation images; None if it is not known."""
    try:
        found = shortcuts_of(run).colour
    except (DataError, MissingExtraError):
        return None
    return None if found is None else found.accuracy.value


def _beside(rows: Sequence[Mapping[str, Any]]) -> str:
    """What colour alone reaches in the folds where that is known, and the networks there."""
    known = [row for row in rows if row["best"] and row["colour_accuracy"] is not None]
    if not known:
        return ""
    colour, accuracy = (
        statistics.fmean(values)
        for values in ([row["colour_accuracy"] for row in known], [row["best"]["val_accuracy"] for row in known])
    )
    return f"; accuracy {accuracy:.4f}, of colour alone {colour:.4f}"


def _configs(index: Index, config: TrainConfig) -> list[TrainConfig]:
    """The settings of each fold; every teacher is checked before the first fold is trained."""
    configs = [dataclasses.replace(config, fold=fold) for fold in range(index.fold_count)]
    if config.teacher is None:
        return configs
    teachers = [fold_teacher(Path(config.teacher), own.fold) for own in configs]
    for teacher, own in zip(teachers, configs, strict=True):
        open_teacher(teacher, index, own.fold)
    return [dataclasses.replace(own, teacher=str(path)) for own, path in zip(configs, teachers, strict=True)]
