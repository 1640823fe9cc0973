"""`edgeleuk infer`: classify images."""

from typing import Any

import click

from edgeleuk.cli.commands import Number, edgeleuk_command
from edgeleuk.cli.device_options import (
    error_rates_option,
    gate_option,
    interpreter_options,
    max_megapixels_option,
    width_option,
)
from edgeleuk.cli.paths import Existing, OutputFolder, StoreFile


@edgeleuk_command(
    examples=(
        "edgeleuk infer model.tflite cells/",
        "edgeleuk infer model.tflite 'cells/**/*.bmp' --json > answers.jsonl",
        "edgeleuk infer model.tflite cells/ --by-subject --width 0.1",
        "edgeleuk infer model.tflite --watch incoming --store results.db",
        "edgeleuk infer model.tflite --camera 0 --every 2 --frames 10",
        "edgeleuk infer model.tflite cell.bmp --explain maps",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.argument("names", metavar="[IMAGE|DIR|PATTERN|-]...", nargs=-1, type=click.Path(readable=False))
@click.option(
    "--watch",
    type=Existing("folder", "a folder to watch"),
    metavar="DIR",
    help="Classify the images in DIR and each new one.",
)
@click.option("--camera", metavar="NAME", help="Frames of 0, /dev/video0, picamera2 or file:DIR.")
@click.option("--every", type=Number(0), default=1.0, show_default=True, help="Seconds between frames.")
@click.option("--frames", type=click.IntRange(1), help="Stop after this many frames.")
@click.option(
    "--store",
    type=StoreFile(),
    metavar="DB",
    help="Keep results here; known images are not classified again.",
)
@click.option("--subject", help="Subject of all these images. Default: from C-NMC file names.")
@click.option("--subject-pattern", metavar="REGEX", help="Group 1 of REGEX, found in the path, is the subject.")
@click.option("-0", "--null", is_flag=True, help="Names on standard input end with a zero byte, not a line break.")
@click.option("--polling", is_flag=True, help="Poll the watched folder every second instead of using inotify.")
@click.option("--page", type=click.IntRange(1), help="Which page of each TIFF. Default: its only one.")
@click.option(
    "--explain",
    type=OutputFolder(),
    metavar="DIR",
    help="Write a picture of where the network looked into DIR for each image; needs a model of 'convert --explain'.",
)
@click.option("--by-subject", is_flag=True, help="Then sum up each subject, with the share of the positive class.")
@error_rates_option(
    Existing("evaluation", "a folder of 'edgeleuk evaluate -o'", file_okay=False),
    "a folder of evaluate -o. Default: what MODEL says",
)
@width_option
@gate_option
@max_megapixels_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, the default if the output is not a terminal.")
@interpreter_options("Cores to use: as many images at once, or one inference on all. Default: all, at most 4.")
def command(**options: Any) -> None:
    """Classify images with MODEL, a .tflite file that edgeleuk made.

    Images are files, folders with sub-folders, glob patterns, and - for names on standard input; or come from --watch
    or --camera. Prints label, probability of each class and times. An image that cannot be used is reported and
    skipped; the exit code is then 1. With --watch, SIGHUP reloads the model.
    """
    from edgeleuk.classify.command import Request, run

    as_json = options.pop("as_json")
    if not run(Request(**options), as_json):
        click.get_current_context().exit(1)
