"""`edgeleuk explain`: where a network looked in one image, as a picture."""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import interpreter_options
from edgeleuk.cli.output import show_facts, show_json
from edgeleuk.cli.paths import Existing, OutputFile


@edgeleuk_command(
    examples=(
        "edgeleuk explain model.tflite cell.bmp -o where.png",
        "edgeleuk explain model.tflite cell.bmp -o where.png --lime",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.argument("image", type=Existing("image", "an image file", dir_okay=False))
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".png", known_by=", a picture"),
    metavar="FILE.png",
    help="Picture to write.",
)
@click.option("--lime", is_flag=True, help="Add LIME's superpixels; for any model, also one without a map.")
@click.option(
    "--samples",
    type=click.IntRange(10),
    default=1000,
    show_default=True,
    help="Perturbed pictures that --lime asks the network about.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of --lime.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@interpreter_options()
def command(
    model: Path,
    image: Path,
    output: Path,
    lime: bool,
    samples: int,
    seed: int,
    as_json: bool,
    threads: int | None,
    backend: str,
) -> None:
    """Show where MODEL looked in IMAGE: its class activation map and, with --lime, LIME's superpixels beside it.

    The map needs a model of 'edgeleuk convert --explain'; 'edgeleuk infer --explain' draws it on a device. Needs the
    extra 'report', with --lime 'explain'. It says where, not why.
    """
    from edgeleuk.report.explanation.picture import explain, explanation_figure
    from edgeleuk.runtime.images import decode_image
    from edgeleuk.runtime.models import open_model

    found = explain(open_model(model, threads, backend), decode_image(image), lime, samples, seed)
    explanation_figure(found, output)
    if as_json:
        show_json(found.to_dict() | {"picture": str(output)})
    else:
        show_facts(found.to_text(output))
