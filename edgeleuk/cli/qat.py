"""`edgeleuk qat`: quantization-aware training."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import RunOptions, config_options, made, run_options, show_run
from edgeleuk.cli.output import progress_to
from edgeleuk.cli.paths import Existing
from edgeleuk.training.config import QatConfig


@edgeleuk_command(
    examples=(
        "edgeleuk qat run -o qat-run",
        "edgeleuk qat run -o qat-run --epochs 4 --resume",
    ),
)
@click.argument("source", type=Existing("run", "a folder that 'edgeleuk train' writes"), metavar="FLOAT_RUN")
@run_options
@config_options(QatConfig)
def command(source: Path, run: RunOptions, **given: Any) -> None:
    """Train FLOAT_RUN's network with simulated int8 arithmetic on the same images and write the folder RUN."""
    settings = made(QatConfig, given)
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.run import load_run_folder

    source_run, report = load_run_folder(source, run.data_root), progress_to(run.as_json)
    run_made = qat(source_run, settings, run.output, run.resume, report, run.log_folder)
    show_run(run_made, "calibrated network", run.as_json)
