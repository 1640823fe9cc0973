"""The process of a job of a search, see `edgeleuk.jobs.job`: `python -m edgeleuk.optimize.work CORES`."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeleuk.jobs.job import do_job
from edgeleuk.optimize.config import FLOAT, PRUNED, QAT, Shape


class _PauseError(Exception):
    """The training has reached the epoch that was asked for."""


def make_graph(
    shape: dict[str, Any],
    class_count: int,
    out: str,
    index: str | None = None,
    training: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the int8 graph of a shape, its weights untrained, to `out`.

    With `index` and `training`, the candidate's settings, a whole model file that takes pictures.
    """
    from edgeleuk.data.index import Index
    from edgeleuk.files import write_bytes
    from edgeleuk.optimize.graph import model_file, untrained_int8

    content = untrained_int8(Shape(**shape), class_count)
    if index is not None and training is not None:
        content = model_file(content, Index.load(Path(index)), _train_config(training))
    write_bytes(Path(out), content)
    return {}


def train(index: str, config: dict[str, Any], out: str, until: int) -> dict[str, Any]:
    """Train the run `out` until `epochs` are done, resuming from its checkpoint; returns its best epoch so far."""
    from edgeleuk.training.fitting import load_checkpoint
    from edgeleuk.training.run import load_run_folder, partial_of
    from edgeleuk.training.unfinished import CHECKPOINT

    folder, settings = Path(out), _train_config(config)
    if (folder / "run.json").exists():
        return _reached(load_run_folder(folder).best)
    checkpoint = partial_of(folder) / CHECKPOINT
    done = load_checkpoint(checkpoint).progress if checkpoint.exists() else None
    if done is None or done.epochs_done < until or until >= settings.epochs:
        _train_on(index, settings, folder, until)
    if (folder / "run.json").exists():
        return _reached(load_run_folder(folder).best)
    return _reached(load_checkpoint(checkpoint).progress.best)


def _train_on(index: str, config: Any, folder: Path, until: int) -> None:
    from edgeleuk.data.index import Index
    from edgeleuk.training.results import describe_epoch
    from edgeleuk.training.train import Company, train_with

    def on_epoch(row: dict[str, Any]) -> None:
        print(describe_epoch(row, config.epochs), flush=True)
        if until <= row["epoch"] < config.epochs:
            raise _PauseError

    try:
        train_with(Index.load(Path(index)), config, folder, True, Company(print, lambda _: on_epoch))
    except _PauseError:
        return


def _train_config(raw: dict[str, Any]) -> Any:
    from edgeleuk.training.config import TrainConfig

    return TrainConfig(**raw)


def _reached(row: dict[str, Any] | None) -> dict[str, Any]:
    assert row is not None  # a run of no epochs is refused before
    return {"epoch": row["epoch"], "weighted_f1": row["val_weighted_f1"], "accuracy": row["val_accuracy"]}


def finish(
    folder: str, prune: dict[str, Any] | None, qat: dict[str, Any] | None, index: str, min_agreement: float | None
) -> dict[str, Any]:
    """From the trained run `folder`/float to an int8 model, judged on validation; each step is done once.

    `prune` and `qat` are the settings of those steps, None to leave one out; `min_agreement` is the conversion's, None
    for its default.
    """
    from edgeleuk.files import sha256_file

    place = Path(folder)
    run = _pruned(place, prune)
    last = _quantization_aware(place, run, qat)
    model = place / "model.tflite"
    if not model.with_suffix(".proof.json").exists():  # written after the model
        _convert(last, model, min_agreement)
    return _judged(model, Path(index), place / "validation") | {
        "float": _reached(run.best),
        "run": run.folder.name,
        "last_run": last.name,
        "size_bytes": model.stat().st_size,
        "sha256": sha256_file(model),
    }


def _pruned(place: Path, settings: dict[str, Any] | None) -> Any:
    from edgeleuk.pruning.prune import prune
    from edgeleuk.training.config import PruneConfig
    from edgeleuk.training.run import load_run_folder

    run = load_run_folder(place / FLOAT)
    return run if settings is None else prune(run, PruneConfig(**settings), place / PRUNED, resume=True)


def _quantization_aware(place: Path, run: Any, settings: dict[str, Any] | None) -> Path:
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.config import QatConfig

    if settings is None:
        return Path(run.folder)
    return qat(run, QatConfig(**settings), place / QAT, resume=True).folder


def _convert(run: Path, model: Path, min_agreement: float | None) -> None:
    from edgeleuk.quantization.convert import Request, convert, write_conversion
    from edgeleuk.quantization.mixed import Keep
    from edgeleuk.quantization.source import load_source

    keep = Keep(min_agreement=min_agreement, most=0)  # its latency was measured with all of it in int8
    write_conversion(convert(load_source(run), Request("int8", keep=keep, error_samples=0)), model)


def _judged(model: Path, index: Path, folder: Path) -> dict[str, Any]:
    from edgeleuk.evaluation.evaluate import Request, evaluate_files
    from edgeleuk.evaluation.folder import write_folder

    shutil.rmtree(folder, ignore_errors=True)  # of a job that was killed
    evaluation = evaluate_files(model, index, Request(split="validation"))
    write_folder(evaluation, folder)
    scores = evaluation.scores
    return {"accuracy": scores.accuracy.value, "weighted_f1": scores.weighted_f1.value}


def judge(model: str, reference: str, index: str, split: str, margin: float, seed: int, out: str) -> dict[str, Any]:
    """Compare a model with the reference on the images of the split; writes the folder of `evaluate -o`."""
    from edgeleuk.evaluation.comparison import compare_with
    from edgeleuk.evaluation.evaluate import Request, evaluate_files
    from edgeleuk.evaluation.folder import write_folder
    from edgeleuk.statistics.noninferiority import Gate

    request = Request(split=split, seed=seed)
    evaluation = evaluate_files(Path(model), Path(index), request)
    comparison = compare_with(Path(reference), evaluation, Path(index), request, Gate(margin))
    shutil.rmtree(out, ignore_errors=True)
    write_folder(evaluation, Path(out), comparison)
    return dataclasses.asdict(comparison)


_ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "make_graph": make_graph,
    "train": train,
    "finish": finish,
    "judge": judge,
}


def main() -> None:
    """Do one job."""
    do_job(_ACTIONS)


if __name__ == "__main__":
    main()
