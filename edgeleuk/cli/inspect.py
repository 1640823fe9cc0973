"""`edgeleuk inspect`: what is inside a .tflite file."""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.output import show_facts, show_json
from edgeleuk.cli.paths import Existing


@edgeleuk_command(
    examples=(
        "edgeleuk inspect model.tflite",
        "edgeleuk inspect model.tflite --json | jq .sha256",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(model: Path, as_json: bool) -> None:
    """Show the spec, the proof, inputs, outputs and operators of MODEL, any .tflite file."""
    from edgeleuk.report.text.inspection import inspect_model, render_text

    inspection = inspect_model(model)
    show_json(inspection.to_dict()) if as_json else show_facts(render_text(inspection))
