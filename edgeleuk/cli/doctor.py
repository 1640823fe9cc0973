"""`edgeleuk doctor`: check this device and suggest fixes."""

import shutil
from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import interpreter_options
from edgeleuk.cli.output import show, show_json
from edgeleuk.cli.paths import Existing, StoreFile


@edgeleuk_command(
    examples=(
        "edgeleuk doctor",
        "edgeleuk doctor model.tflite --store results.db",
    ),
)
@click.argument(
    "model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False), required=False
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the findings, and every fact they rest on.")
@interpreter_options(
    "Threads to judge. Default: MODEL is timed with 1, 2 and 4.",
    "Interpreter to judge; each that is installed is tried.",
)
@click.option("--store", type=StoreFile(), help="Store whose disk to look at. Default: this folder's.")
def command(model: Path | None, as_json: bool, threads: int | None, backend: str, store: Path | None) -> None:
    """Check everything that inference on this device depends on, and suggest fixes.

    Interpreters are tried for real, in processes of their own; with MODEL, a .tflite file that edgeleuk made, so is
    that. The exit code is 1 if a finding is a problem, which means that inference does not work; else 0.
    """
    from edgeleuk.device.doctor import collect, examine, render

    report = examine(collect(model, threads, backend, None if store is None else store.absolute().parent))
    width = shutil.get_terminal_size((100, 24)).columns
    show_json(report.to_dict()) if as_json else show(render(report, width))
    if not report.can_infer:
        click.get_current_context().exit(1)
