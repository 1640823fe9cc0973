"""`edgeleuk attach`: a .tflite file of others, with a spec."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import say, show_facts, show_json_text, show_written
from edgeleuk.cli.paths import Existing, OutputFile
from edgeleuk.cli.spec_options import GROUPS, spec_options
from edgeleuk.errors import UsageError


@edgeleuk_command(
    examples=(
        "edgeleuk attach theirs.tflite --spec spec.json",
        "edgeleuk attach theirs.tflite --preset torchvision --classes benign,blast",
        "edgeleuk attach theirs.tflite --fit stretch --resample bilinear -o ours.tflite",
    ),
    groups={"Files": ("--spec", "--output", "--preset", "--json"), **GROUPS},
)
@click.argument("model", type=Existing("model", "a .tflite file", dir_okay=False), metavar="MODEL.tflite")
@click.option(
    "--spec",
    "spec_path",
    type=Existing("spec", "a ModelSpec as JSON; 'edgeleuk spec new' writes one"),
    help="ModelSpec (JSON).",
)
@click.option(
    "-o",
    "--output",
    type=OutputFile(".tflite", known_by=", by which the other commands know a model", replaces="model"),
    metavar="OUT.tflite",
    help="Model file to write. Default: MODEL itself; what it holds stays as it is, the spec goes behind it.",
)
@spec_options
@json_option
def command(
    model: Path,
    spec_path: Path | None,
    output: Path | None,
    preset: str | None,
    given: dict[str, Any],
    as_json: bool,
) -> None:
    """Give MODEL, an int8, uint8 or float .tflite file of others, a spec: infer, evaluate and serve then take it.

    The spec is that of --spec, or of the options below and what the file says itself: the shape of its input, and with
    TFLite Metadata scale, offset and labels. It is run on pictures of noise first, and refused if it does not fit.
    """
    from edgeleuk.files import write_bytes
    from edgeleuk.quantization.attached import attach, record, stated
    from edgeleuk.report.text.proof import render_proof
    from edgeleuk.report.text.spec import read_spec, spec_lines
    from edgeleuk.spec_presets import assemble

    told = {key: value for key, value in given.items() if value is not None}
    if spec_path is not None and (told or preset):
        raise UsageError("--spec says all; leave the options that say parts of a spec out, or give no --spec")
    spec = read_spec(spec_path) if spec_path is not None else assemble(stated(model) | told, preset)
    made = attach(model, spec)
    place = output or model
    write_bytes(place, made.content)
    for note in made.notes:
        say(f"warning: {note}")
    if as_json:
        show_json_text(record(made, place))
        return
    show_facts("\n".join([render_proof(made.proof.to_dict(), place).rstrip(), *spec_lines(made.spec)]))
    show_written(place)
