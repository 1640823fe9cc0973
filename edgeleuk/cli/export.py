"""`edgeleuk export`: a model for another engine, checked in that engine."""

from pathlib import Path

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command
from edgeleuk.cli.options import data_root_option, share, typed
from edgeleuk.cli.output import say, show_facts, show_json
from edgeleuk.cli.paths import Existing, Place
from edgeleuk.errors import UsageError
from edgeleuk.export.targets import MODULES


@edgeleuk_command(
    examples=(
        "edgeleuk export model.tflite --for mediapipe -o phone.tflite --images cells",
        "edgeleuk export model.tflite --for litertjs -o site --images index.json",
    ),
    groups={
        "The export": ("--for", "--output", "--json"),
        "The check": ("--images", "--count", "--min-agreement", "--no-check", "--seed", "--data-root"),
    },
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.option("--for", "engine", required=True, type=Choice(list(MODULES)), help="The engine.")
@click.option(
    "-o", "--output", required=True, type=Place(), metavar="OUT", help="File or new folder, as the engine takes it."
)
@click.option(
    "--images",
    type=Existing("index or folder", "an index of 'edgeleuk data split' or a folder of images"),
    metavar="INDEX_OR_DIR",
    help="Images to compare the engine's answers with LiteRT's on; no labels needed. Default: made-up cells.",
)
@click.option("--count", type=click.IntRange(1, 10_000), default=200, show_default=True, help="How many are compared.")
@click.option(
    "--min-agreement",
    type=share,
    default="99%",
    show_default=True,
    metavar="N%",
    help="Share of labels that have to be those of LiteRT, else nothing is written.",
)
@click.option("--no-check", is_flag=True, help="Write it without asking the engine what it answers.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the choice of images.")
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of text.")
def command(
    model: Path,
    engine: str,
    output: Path,
    images: Path | None,
    count: int,
    min_agreement: float,
    no_check: bool,
    seed: int,
    data_root: Path | None,
    as_json: bool,
) -> None:
    """Write MODEL for another engine, run it there, and compare its answers with LiteRT's.

    Both engines get the same pixels, prepared as the spec says. What was found is printed and stored: in a folder as
    comparison.json, beside a file as OUT.comparison.json. Nothing is written unless enough labels agree.
    """
    from edgeleuk.data.calibration_images import open_calibration
    from edgeleuk.export.exporting import Request, check_output, export
    from edgeleuk.export.targets import target_of
    from edgeleuk.report.text.export import render_export

    if no_check and (images is not None or typed("min_agreement") or typed("count")):
        raise UsageError("--no-check compares nothing, so --images, --count and --min-agreement have nothing to do")
    target = target_of(engine)
    check_output(target, output)
    index = None if images is None else open_calibration(images, say, data_root)
    exported = export(model, target, output, Request(index, count, seed, min_agreement, not no_check), say)
    show_json(exported.to_dict()) if as_json else show_facts(render_export(exported, output))
