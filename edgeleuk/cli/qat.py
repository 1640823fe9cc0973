"""`edgeleuk qat`: quantization-aware training."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import config_options, log_folder, run_options
from edgeleuk.cli.paths import Existing
from edgeleuk.training.config import QatConfig, merge


@edgeleuk_command(
    examples=(
        "edgeleuk qat run -o qat-run",
        "edgeleuk qat run -o qat-run --epochs 4 --resume",
    ),
)
@click.argument("source", type=Existing("run", "a folder that 'edgeleuk train' writes"), metavar="FLOAT_RUN")
@run_options
@config_options(QatConfig)
def command(
    source: Path,
    output: Path,
    config: Path | None,
    resume: bool,
    tensorboard: bool,
    data_root: Path | None,
    **given: Any,
) -> None:
    """Train FLOAT_RUN's network with simulated int8 arithmetic on the same images and write the folder RUN."""
    settings = merge(QatConfig, config, given)
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.run import load_run_folder

    source_run = load_run_folder(source, data_root)
    run = qat(source_run, settings, output, resume, click.echo, log_folder(output, tensorboard))
    best = f"best epoch {run.best_epoch}" if run.best_epoch else "no epoch was better than the calibrated network"
    click.echo(f"{run.folder}: {best}, validation weighted F1 {run.best_weighted_f1:.4f}")
