"""`edgeleuk qat`: quantization-aware training."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import config_options, log_folder, made, run_options
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
def command(
    source: Path,
    output: Path,
    resume: bool,
    tensorboard: bool,
    as_json: bool,
    data_root: Path | None,
    **given: Any,
) -> None:
    """Train FLOAT_RUN's network with simulated int8 arithmetic on the same images and write the folder RUN."""
    settings = made(QatConfig, given)
    from edgeleuk.cli.run_result import show_run
    from edgeleuk.quantization.qat import qat
    from edgeleuk.training.run import load_run_folder

    source_run = load_run_folder(source, data_root)
    run = qat(source_run, settings, output, resume, progress_to(as_json), log_folder(output, tensorboard))
    show_run(run, "calibrated network", as_json)
