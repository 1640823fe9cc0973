"""`edgeleuk drift`: are the pictures in a store still like those of training?"""

from pathlib import Path

import click

from edgeleuk.cli.commands import Choice, Number, edgeleuk_command
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import say, show, show_json
from edgeleuk.cli.paths import Existing


@edgeleuk_command(
    examples=(
        "edgeleuk drift results.db model.tflite",
        "edgeleuk drift results.db model.tflite --since 2026-11-10 --json",
    ),
)
@click.argument(
    "db", type=Existing("store", "a file that 'edgeleuk infer MODEL IMAGES --store FILE' makes", dir_okay=False)
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.option(
    "--since",
    metavar="TIME",
    help="Begin anew from here, as after a lamp was replaced: 2026-11-24, 2026-11-24T10:30, 2026-11-24T10:30Z or 36h.",
)
@click.option(
    "--unit",
    type=Choice(["subject", "day"]),
    default="subject",
    show_default=True,
    help="What counts once: a subject's first 50 pictures (a picture without a subject counts by itself), or a day's.",
)
@click.option(
    "--false-alarms",
    type=Number(1e-6, 0.5),
    default=0.05,
    show_default=True,
    help="Chance of ever raising an alarm while pictures are as in training.",
)
@json_option
def command(db: Path, model: Path, since: str | None, unit: str, false_alarms: float, as_json: bool) -> int:
    """Compare what DB, a store, holds of MODEL with the pictures that it was trained on.

    Light, stain, focus, size of the cell, distance to training's features, confidence, refusals of the input gate and
    uncertain answers, each as far as the model's file says what they were. It may be looked at every day: the chance
    of a false alarm is that of all days together. Exit code 1 if there is drift.
    """
    from edgeleuk.drift.judging import Asked
    from edgeleuk.drift.reading import drift_of
    from edgeleuk.drift.words import lines, sentences

    found, spec = drift_of(db, model, Asked(unit=unit, false_alarms=false_alarms), since, say)
    if as_json:
        show_json(found.to_dict() | {"sentences": sentences(found, spec)})
    else:
        show("\n".join(lines(found, spec)))
    return int(found.state == "drift")
