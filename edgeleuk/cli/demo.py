"""`edgeleuk demo`: every step on synthetic cells."""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import progress_to, show_json
from edgeleuk.cli.paths import OutputFolder


@edgeleuk_command(
    examples=(
        "edgeleuk demo",
        "edgeleuk demo -o /tmp/demo",
    ),
)
@click.option(
    "-o",
    "--output",
    type=OutputFolder(may_exist=False),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="New folder for everything it makes.",
)
@json_option
def command(output: Path, as_json: bool) -> None:
    """Draw cells, split, train, quantize both ways, convert, evaluate, benchmark and classify, in a few minutes.

    Writes an int8 model and a report page, prints a table of float, PTQ and QAT, and says what to open and try next.
    """
    from edgeleuk.demo import demo

    made = demo(output, progress_to(as_json))
    if as_json:
        show_json(made.to_dict())
