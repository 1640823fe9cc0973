"""What a training leaves behind: weights, metrics, history, and a line an epoch on the terminal."""

import datetime as dt
import importlib.metadata
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeleuk import __version__
from edgeleuk.errors import OutputError
from edgeleuk.files import output_errors, to_json, write_text
from edgeleuk.keras.framework import tf
from edgeleuk.keras.weights import save_weights
from edgeleuk.progress import duration
from edgeleuk.safe_csv import csv_of
from edgeleuk.training.checkpoint import Progress
from edgeleuk.training.history_picture import history_figure

Report = Callable[[str], None]
OnEpoch = Callable[[dict[str, Any]], None]
_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "litert-quantizer", "ai-edge-litert", "numpy")


def write_results(partial: Path, progress: Progress, model: Any) -> None:
    """Write weights.npz, metrics.json, history.csv and history.png into the unfinished run. Raises OutputError."""
    save_weights(model, partial / "weights.npz")
    write_text(partial / "metrics.json", to_json(progress.best))
    if progress.rows:
        write_text(partial / "history.csv", csv_of(progress.rows))
        history_figure(progress.rows, partial / "history.png")


def epoch_reporter(total: int, report: Report, log_folder: Path | None) -> OnEpoch:
    """A function that tells each epoch's row on the terminal and, if asked, to TensorBoard."""
    if log_folder:
        with output_errors(log_folder):
            log_folder.mkdir(parents=True, exist_ok=True)
    writer = tf.summary.create_file_writer(str(log_folder)) if log_folder else None

    def tell(row: dict[str, Any]) -> None:
        report(describe_epoch(row, total))
        if writer:
            _log(writer, row)

    return tell


def _log(writer: Any, row: dict[str, Any]) -> None:
    try:
        with writer.as_default(step=row["epoch"]):
            for name, value in row.items():
                if isinstance(value, float):
                    tf.summary.scalar(name, value)
        writer.flush()
    except tf.errors.OpError as error:
        raise OutputError(f"cannot write TensorBoard logs: {error.message}") from error


def describe_epoch(row: dict[str, Any], total: int) -> str:
    """One line about an epoch."""
    return (
        f"epoch {row['epoch']:>3}/{total} {row['phase']:<8} loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
        f"val loss {row['val_loss']:.4f}  val accuracy {row['val_accuracy']:.4f}  "
        f"val F1 {row['val_weighted_f1']:.4f}  {row['seconds']:.0f} s{_left(row, total)}"
    )


def _left(row: dict[str, Any], total: int) -> str:
    """How long the other epochs take if each takes as long, at most: patience may end them early."""
    epochs = total - row["epoch"]
    return f", at most {duration(epochs * row['seconds'])} left" if epochs > 0 else ""


def made_by() -> dict[str, Any]:
    """When and with which versions: keys created, versions."""
    versions = {"edgeleuk": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "versions": versions}
