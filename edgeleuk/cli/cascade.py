"""`edgeleuk cascade`: a small model and a large one as one file."""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import data_root_option, points
from edgeleuk.cli.output import say, show, show_json
from edgeleuk.cli.paths import Existing, OutputFile

_MODEL = Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False)


@edgeleuk_command(
    examples=("edgeleuk cascade small.tflite large.tflite index.json -o cascade.tflite",),
)
@click.argument("small", type=_MODEL, metavar="SMALL.tflite")
@click.argument("large", type=_MODEL, metavar="LARGE.tflite")
@click.argument("index", type=Existing("index", "a file that 'edgeleuk data split' makes", dir_okay=False))
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".tflite", known_by=", by which the other commands know a model"),
    metavar="CASCADE.tflite",
    help="Model file.",
)
@click.option(
    "--max-drop",
    type=points,
    default="0.3pt",
    show_default=True,
    metavar="Npt",
    help="Loss of accuracy against LARGE on the validation images that is allowed, in percentage points.",
)
@click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads of the inferences timed."
)
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    small: Path,
    large: Path,
    index: Path,
    output: Path,
    max_drop: float,
    threads: int,
    data_root: Path | None,
    as_json: bool,
) -> None:
    """Make one model of two: SMALL answers if it is sure, LARGE is asked about all other images.

    Both are files of 'edgeleuk convert', of the same classes and fold; INDEX holds that fold. On its validation images,
    which neither was trained on, the temperature of SMALL is fitted, and the lowest confidence is found from which it
    may answer without costing more accuracy than --max-drop. The file is used like any model; programs that do not know
    cascades run LARGE.
    """
    from edgeleuk.cascade.making import Request, make_cascade
    from edgeleuk.data.index import Index
    from edgeleuk.files import write_bytes
    from edgeleuk.report.text.cascade import record_of, render_cascade

    made = make_cascade(Request(small, large, max_drop / 100, threads), Index.load(index, data_root), say)
    write_bytes(output, made.content)
    show_json(record_of(made, output)) if as_json else show(render_cascade(made, output))
