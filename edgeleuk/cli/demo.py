"""`edgeleuk demo`: the whole way on synthetic cells."""

from pathlib import Path

import click


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="New folder for all that is made.",
)
def command(output: Path) -> None:
    """Draw cells, split, train, quantize both ways, convert, evaluate, benchmark and classify, in a few minutes.

    Ends with an int8 model, a table float / PTQ / QAT and the paths of what it made, a report page among them.
    """
    from edgeleuk.demo import demo

    demo(output, click.echo)
