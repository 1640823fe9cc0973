"""`edgeleuk demo`: the whole way on synthetic cells."""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import json_option
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
    help="New folder for all that is made.",
)
@json_option
def command(output: Path, as_json: bool) -> None:
    """Draw cells, split, train, quantize both ways, convert, evaluate, benchmark and classify, in a few minutes.

    Ends with an int8 model, a table float / PTQ / QAT and the paths of what it made, a report page among them.
    """
    from edgeleuk.demo import demo

    made = demo(output, progress_to(as_json))
    if as_json:
        show_json(made.to_dict())
