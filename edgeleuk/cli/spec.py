"""`edgeleuk spec`: how a picture becomes a network's input, and its output a decision, as one JSON file."""

import sys
from importlib import resources
from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import CONTEXT, Group
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import say, show, show_facts, show_json_text, show_written
from edgeleuk.cli.paths import Existing, OutputFile
from edgeleuk.cli.spec_options import GROUPS, names, numbers, spec_options
from edgeleuk.errors import UsageError
from edgeleuk.spec_presets import PRESETS, assemble, lacking

_FIT = ("crop", "stretch", "shorter_side")
_QUESTIONS = {
    "classes": "Class names between commas, in the order of the network's outputs",
    "input_size_px": "Side of the network's input in pixels",
    "fit": "How a picture becomes a square: the centre (crop), the whole picture (stretch), or shorter_side",
    "crop_px": "Side of the centre square in source pixels",
    "shorter_side_px": "Pixels that the shorter side is scaled to",
    "resample": "Resize filter: nearest, bilinear, bicubic, lanczos (Pillow's), reduce, tf-bilinear (tf.image.resize)",
    "colour_order": "Channels: RGB, BGR or GREY",
    "pixel_scale": "What a pixel of 0 to 255 is multiplied by, such as 1/255 (three between commas: one a channel)",
    "pixel_offset": "What is added then, such as 0 or -1",
}


@click.group(cls=Group, context_settings=CONTEXT)
def command() -> None:
    """Write, show or describe a ModelSpec: how a picture becomes a network's input, and its output a decision."""


@command.command(
    "new",
    examples=(
        "edgeleuk spec new -o spec.json --preset notebook",
        "edgeleuk spec new -o spec.json --preset torchvision --classes benign,blast",
        "edgeleuk spec new -o spec.json",
    ),
    groups=GROUPS,
)
@click.option("-o", "--output", required=True, type=OutputFile(".json"), metavar="SPEC.json", help="Where to write it.")
@spec_options
def new_command(output: Path, preset: str | None, given: dict[str, Any]) -> None:
    """Write a spec of what the options say. On a terminal what they leave open is asked for.

    What a network was trained with cannot be guessed: nothing that matters has a default but what a preset says.
    """
    from edgeleuk.files import write_text

    if on_a_terminal():
        preset, given = _asked(preset, given)
    spec = assemble(given, preset)
    write_text(output, spec.to_json())
    show_written(output)


def on_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _asked(preset: str | None, given: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """With what is missing asked for."""
    given = dict(given)
    missing = lacking(given, preset)
    if preset is None and len(missing) > 1:
        for known in PRESETS.values():
            say(f"  {known.name:<22} {known.about}")
        chosen = click.prompt("Preset, or none", default="none", type=click.Choice([*PRESETS, "none"]), err=True)
        preset = None if chosen == "none" else chosen
    for key in lacking(given, preset):
        given[key] = _answer(key)
        if key == "fit" and given[key] != "stretch":
            size = f"{given[key]}_px"
            given[size] = _answer(size)
    return preset, given


def _answer(key: str) -> Any:
    """What is typed for a key, asked for until it can be read."""
    reader: Any = {
        "classes": names, "pixel_scale": numbers, "pixel_offset": numbers, "input_size_px": int, "crop_px": int,
        "shorter_side_px": int,
    }.get(key, str)  # fmt: skip
    while True:
        try:
            return reader(click.prompt(_QUESTIONS[key], err=True))
        except (UsageError, ValueError) as error:
            say(f"{error}")


@command.command("show", examples=("edgeleuk spec show spec.json", "edgeleuk spec show model.tflite --json"))
@click.argument("path", type=Existing("spec", "a spec as JSON, a .tflite file or a run"), metavar="SPEC")
@json_option
def show_command(path: Path, as_json: bool) -> None:
    """Show the spec in SPEC: a JSON file, a model file or a run."""
    from edgeleuk.report.text.spec import read_and_unsaid, render_spec

    found, missing = read_and_unsaid(path)
    if missing:
        say(f"warning: it does not say {', '.join(missing)}; shown is what InceptionV3 of Keras takes")
    show_json_text(found.to_json()) if as_json else show_facts(render_spec(found))


@command.command("schema", examples=("edgeleuk spec schema > spec.schema.json",))
def schema_command() -> None:
    """Print the JSON Schema of a spec, by which editors and other programs know one."""
    show(resources.files("edgeleuk").joinpath("spec.schema.json").read_text("utf-8"))
