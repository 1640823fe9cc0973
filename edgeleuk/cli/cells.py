"""`edgeleuk cells`: find the white cells in whole fields of view."""

from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import cell_px_option, max_megapixels_option
from edgeleuk.cli.paths import OutputFolder


@edgeleuk_command(
    examples=(
        "edgeleuk cells field.jpg -o found",
        "edgeleuk cells 'slide-*/*.tif' --cell-px 180 --json > cells.jsonl",
    ),
)
@click.argument("names", metavar="FIELD...", nargs=-1, required=True, type=click.Path(readable=False))
@click.option(
    "-o",
    "--output",
    type=OutputFolder(may_exist=False),
    metavar="DIR",
    help="New folder: pictures with boxes, GeoJSON for QuPath, CSV, Pascal VOC and COCO.",
)
@cell_px_option
@click.option("--page", type=click.IntRange(1), help="Which page of each TIFF. Default: its only one.")
@max_megapixels_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, the default if the output is not a terminal.")
def command(as_json: bool, **options: Any) -> None:
    """Find the white cells in each FIELD, a picture of a stained smear; files, folders or glob patterns.

    Prints how many there are; with --json also where. 'edgeleuk infer MODEL FIELD... --field' classifies them, too. A
    picture that cannot be used is reported and skipped; the exit code is then 1. Needs the extra 'field'.
    """
    from edgeleuk.fields.command import FieldRequest, run

    if not run(FieldRequest(**options), as_json):
        click.get_current_context().exit(1)
