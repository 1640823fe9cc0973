"""`edgeleuk leakage`: what it is worth that images of one subject are in training and test."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.options import config_options, data_root_option, made, preset_option, typed
from edgeleuk.cli.output import progress_to, show, show_json
from edgeleuk.cli.paths import Existing, OutputFolder
from edgeleuk.errors import UsageError
from edgeleuk.training.config import PRESETS, TrainConfig


@edgeleuk_command(
    examples=(
        "edgeleuk leakage index.json -o leakage",
        "edgeleuk leakage index.json -o leakage --input-size 160 --epochs 6",
    ),
)
@click.argument("data", type=Existing("index", "a file of 'edgeleuk data split'", dir_okay=False), metavar="INDEX")
@click.option("-o", "--output", required=True, type=OutputFolder(), metavar="DIR", help="Folder of both; resumed.")
@preset_option
@config_options(TrainConfig)
@data_root_option
@json_option
def command(data: Path, output: Path, preset: str | None, data_root: Path | None, as_json: bool, **given: Any) -> None:
    """Cross-validate twice, images dealt at random and by the subjects of INDEX, and show both side by side.

    Settings are those of --preset notebook unless given. Both cross-validations stay in DIR, as random and subject,
    with leakage.json; called again it trains what is missing. Random folds LEAK, and all that is made of them says so.
    """
    for name in ("fold", "folds", "split", "teacher"):
        if typed(name):
            raise UsageError(f"leakage trains every fold of the index both ways; leave --{name} out")
    settings = made(TrainConfig, given, PRESETS[preset or "notebook"])
    from edgeleuk.data.index import Index
    from edgeleuk.evaluation.leakage import measure_leakage
    from edgeleuk.files import to_json, write_text
    from edgeleuk.report.text.leakage import render_leakage

    found = measure_leakage(Index.load(data, data_root), settings, output, progress_to(as_json))
    write_text(output / "leakage.json", to_json(found.to_dict()))
    write_text(output / "leakage.txt", render_leakage(found))
    show_json(found.to_dict()) if as_json else show(render_leakage(found))
