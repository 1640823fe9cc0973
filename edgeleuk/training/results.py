"""What a training leaves behind: weights and the network of them, metrics, history and its picture, a line an epoch."""

import dataclasses
import datetime as dt
import importlib.metadata
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk import __version__
from edgeleuk.errors import DataError, ModelError, OutputError
from edgeleuk.files import output_errors, to_json, write_text
from edgeleuk.keras.choices import AVERAGE
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.graph import carry_weights
from edgeleuk.keras.network import NetworkConfig, build_network, layers_with_weights
from edgeleuk.keras.weights import load_weights, save_weights
from edgeleuk.plots.colours import BLUE, GREEN, GREY, ORANGE
from edgeleuk.plots.figures import new_figure, save_figure
from edgeleuk.progress import duration
from edgeleuk.safe_csv import csv_of
from edgeleuk.text import counted
from edgeleuk.training.fitting import Progress
from edgeleuk.training.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def history_figure(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a PNG of a training history, one row an epoch: loss, validation weighted F1 and learning rate.

    Rows have the columns phase, loss, val_loss, val_weighted_f1 and learning_rate; epochs are counted on across
    phases. A value that is missing, None or "" leaves a gap. Raises DataError without rows, and what
    `evaluation_figure` raises.
    """
    if not rows:
        raise DataError("the training history has no epoch; nothing to draw")
    figure = new_figure(9, 7.5)
    loss, f1, rate = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": [3, 3, 1.3]})
    _curve(loss, rows, "loss", BLUE, "training")
    _curve(loss, rows, "val_loss", ORANGE, "validation", dashed=True)
    loss.set_ylabel("loss")
    loss.legend(frameon=False)
    _curve(f1, rows, "val_weighted_f1", ORANGE, "validation", dashed=True)
    f1.set_ylabel("weighted F1")
    _mark_best(f1, rows)
    _curve(rate, rows, "learning_rate", GREY, "learning rate")
    rate.set(ylabel="learning rate", xlabel="epoch")
    if any(value > 0 for value in _column(rows, "learning_rate")):  # a schedule ends at zero, which no log axis shows
        rate.set_yscale("log")
    rate.xaxis.get_major_locator().set_params(integer=True)
    for axes in (loss, f1, rate):
        axes.grid(alpha=0.3)
        _mark_phases(axes, rows)
    _name_phases(loss, rows)
    figure.suptitle(f"training history, {counted(len(rows), 'epoch')}", fontsize=13)
    save_figure(figure, path)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [math.nan if row.get(name) in (None, "") else float(row[name]) for row in rows]


def _curve(
    axes: "Axes", rows: Sequence[Mapping[str, Any]], name: str, colour: str, label: str, dashed: bool = False
) -> None:
    style = "--" if dashed else "-"
    epochs = range(1, len(rows) + 1)
    axes.plot(epochs, _column(rows, name), style, color=colour, marker="o", markersize=4, label=label)


def _mark_best(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    values = _column(rows, "val_weighted_f1")
    if all(map(math.isnan, values)):
        return
    best = int(np.nanargmax(values))
    label = f"best {values[best]:.3f}, epoch {best + 1}"
    axes.plot(best + 1, values[best], "*", color=GREEN, markersize=16, label=label)
    axes.legend(*[items[-1:] for items in axes.get_legend_handles_labels()], frameon=False, loc="lower right")


def _mark_phases(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    """A line between the last epoch of a phase and the first of the next."""
    for number, (before, after) in enumerate(pairwise(rows), start=1):
        if before.get("phase") != after.get("phase"):
            axes.axvline(number + 0.5, color=GREY, linestyle=":", linewidth=1)


def _name_phases(axes: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    """The name of each phase above its first epoch, if there are several."""
    starts = [n for n, row in enumerate(rows) if n == 0 or rows[n - 1].get("phase") != row.get("phase")]
    for number in starts if len(starts) > 1 else []:
        place = axes.get_xaxis_transform()
        axes.text(number + 0.6, 1.02, f"{rows[number].get('phase')}", transform=place, color=GREY, fontsize=10)


def load_float_network(run: Run, pools: str | None = None) -> Any:
    """The float network of a run; of a QAT run, the one that it started from. Raises ModelError.

    `pools`: how the average pools of an InceptionV3 are to be written, if not as in the run: from the same weights
    either form gives the same answers.
    """
    path = run.folder / ("float.npz" if run.kind == "qat" else "weights.npz")
    if pools is None or not isinstance(run.network, NetworkConfig) or run.network.pools == pools:
        return load_weights(untrained_network(run), path)
    network = untrained_network(dataclasses.replace(run, network=dataclasses.replace(run.network, pools=pools)))
    if run.network.pools == AVERAGE:
        return load_weights(network, path, layers_with_weights(run.network))
    carry_weights(load_weights(untrained_network(run), path), network)
    return network


def untrained_network(run: Run) -> Any:
    """The network that a run describes, with weights that mean nothing."""
    tf_keras.mixed_precision.set_global_policy("float32")
    if isinstance(run.network, NetworkConfig):
        return build_network(dataclasses.replace(run.network, weights="none"))
    network = run.network.build()
    expected = (None, *run.spec.preprocessing.input_shape), (None, len(run.spec.classes))
    if (network.input_shape, network.output_shape) != expected:
        raise ModelError(
            f"{run.folder}: the network maps {network.input_shape} to {network.output_shape}; its spec says "
            f"{expected[0]} to {expected[1]}"
        )
    return network
