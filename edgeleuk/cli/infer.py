"""`edgeleuk infer`: classify images."""

from collections.abc import Mapping
from typing import Any

import click

from edgeleuk.cli.commands import Choice, Number, edgeleuk_command
from edgeleuk.cli.device_options import (
    cell_px_option,
    error_rates_option,
    gate_option,
    interpreter_options,
    max_megapixels_option,
    width_option,
)
from edgeleuk.cli.paths import Existing, OutputFolder, StoreFile
from edgeleuk.errors import UsageError

_OF_FIELDS = ("output", "cell_px", "surroundings")
_NOT_OF_FIELDS = (
    *("watch", "camera", "frames", "store", "subject", "subject_pattern", "null", "polling", "explain"),
    *("by_subject", "error_rates", "width"),
)


@edgeleuk_command(
    examples=(
        "edgeleuk infer model.tflite cells/",
        "edgeleuk infer model.tflite 'cells/**/*.bmp' --json > answers.jsonl",
        "edgeleuk infer model.tflite cells/ --by-subject --width 0.1",
        "edgeleuk infer model.tflite --watch incoming --store results.db",
        "edgeleuk infer model.tflite --camera 0 --every 2 --frames 10",
        "edgeleuk infer model.tflite cell.bmp --explain maps",
        "edgeleuk infer model.tflite field.jpg --field -o found",
    ),
    groups={"Whole fields of view": ("--field", "--output", "--cell-px", "--surroundings")},
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
@click.option("--field", is_flag=True, help="Images are whole fields: find their white cells, classify each.")
@click.option(
    "-o",
    "--output",
    type=OutputFolder(may_exist=False),
    metavar="DIR",
    help="With --field, new folder: pictures with boxes, GeoJSON for QuPath, CSV, Pascal VOC and COCO.",
)
@cell_px_option
@click.option(
    "--surroundings",
    type=Choice(["keep", "black"]),
    help="With --field: show the model what is around a cell, or black, as C-NMC has it.  [default: keep]",
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
    as_json = options.pop("as_json")
    answered = _of_fields if options.pop("field") else _of_images
    if not answered(options, as_json):
        click.get_current_context().exit(1)


def _of_images(options: dict[str, Any], as_json: bool) -> bool:
    from edgeleuk.classify.command import Request, run

    _refuse({name: options.pop(name) for name in _OF_FIELDS}, "needs --field")
    return run(Request(**options), as_json)


def _of_fields(options: dict[str, Any], as_json: bool) -> bool:
    """The same of the cells in whole fields. Raises UsageError for what only single images have."""
    _refuse({name: options.pop(name) for name in _NOT_OF_FIELDS}, "cannot be combined with --field")
    if not options["names"] or "-" in options["names"]:
        raise UsageError("--field needs the names of fields: files, folders or patterns")
    from edgeleuk.fields.command import FieldRequest, run

    del options["every"]
    options["surroundings"] = options["surroundings"] or "keep"
    return run(FieldRequest(**options), as_json)


def _refuse(options: Mapping[str, Any], why: str) -> None:
    for name, value in options.items():
        if value not in (None, False):
            raise UsageError(f"--{name.replace('_', '-')} {why}")
