"""`edgeleuk calibrate`: probabilities that mean what they say, an operating point, and when to abstain."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command
from edgeleuk.cli.options import data_root_option
from edgeleuk.cli.output import say, show, show_json, show_written
from edgeleuk.cli.paths import Existing, OutputFile
from edgeleuk.errors import UsageError

if TYPE_CHECKING:
    from edgeleuk.calibration.operating_point import Goal


def rate(value: str) -> float:
    """A share above 0 and below 1, from "0.95" or "95%". Raises click.BadParameter."""
    text = str(value).strip()
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = math.nan
    if not 0 < found < 1:
        raise click.BadParameter(f"{value!r} is not a share between 0 and 1, such as 0.95 or 95%")
    return found


def cost(value: str) -> float:
    """What a false negative costs in false positives, from "5:1". Raises click.BadParameter."""
    try:
        missed, false_alarm = map(float, str(value).split(":"))
        found = missed / false_alarm
    except (ValueError, ZeroDivisionError):
        found = math.nan
    if not 1e-6 <= found <= 1e6:
        raise click.BadParameter(
            f"{value!r} is not two costs, of a false negative and of a false positive, such as 5:1"
        )
    return found


@edgeleuk_command(
    examples=(
        "edgeleuk calibrate model.tflite index.json -o calibrated.tflite",
        "edgeleuk calibrate model.tflite index.json --abstain 0.1 -o calibrated.tflite",
        "edgeleuk calibrate model.tflite index.json --cost 5:1 -o model.tflite",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.argument("index", type=Existing("index", "a file that 'edgeleuk data split' makes", dir_okay=False))
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".tflite", known_by=", by which the other commands know a model", replaces="model"),
    metavar="OUT.tflite",
    help="Model file; may be MODEL itself, which is then replaced.",
)
@click.option(
    "--split",
    type=Choice(["validation", "test", "all"]),
    help="Images to calibrate on. Default: the fold held out in training, so that test images stay unseen; else test, "
    "else all.",
)
@click.option(
    "--sensitivity", type=rate, metavar="S", help="Choose the threshold for at least this sensitivity, such as 0.95."
)
@click.option(
    "--specificity", type=rate, metavar="S", help="Choose the threshold for at least this specificity, such as 0.95."
)
@click.option(
    "--cost", "cost_ratio", type=cost, metavar="FN:FP", help="Choose the threshold of least cost, such as 5:1."
)
@click.option(
    "--abstain",
    type=rate,
    metavar="M",
    help="Say 'uncertain' where the class cannot be told, so that the set of classes that are left holds the right one "
    "in all but this share of a new subject's images, such as 0.1.",
)
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    model: Path,
    index: Path,
    output: Path,
    split: str | None,
    sensitivity: float | None,
    specificity: float | None,
    cost_ratio: float | None,
    abstain: float | None,
    data_root: Path | None,
    as_json: bool,
) -> None:
    """Fit the temperature of MODEL on held-out subjects of INDEX, and write it with its evidence to OUT.tflite.

    The temperature makes an answer of 0.9 right in 9 of 10 cases; no answer changes by it. Error and intervals, before
    and after, are of subjects that had no part in the fit. Nothing is written where too few subjects were held out;
    the message says how many it takes.
    """
    from edgeleuk.calibration.calibrate import Request, calibrate
    from edgeleuk.data.index import Index
    from edgeleuk.files import write_bytes
    from edgeleuk.report.text.calibration import record_of, render_calibration

    goal = _goal({"sensitivity": sensitivity, "specificity": specificity, "cost": cost_ratio})
    made = calibrate(Request(model, split, goal, abstain), Index.load(index, data_root), say)
    write_bytes(output, made.content)
    if as_json:
        show_json(record_of(made, output))
    else:
        show(render_calibration(made, output))
        show_written(output)


def _goal(asked: dict[str, float | None]) -> "Goal | None":
    from edgeleuk.calibration.operating_point import Goal

    goals = [Goal(aim, target) for aim, target in asked.items() if target is not None]
    if len(goals) > 1:
        raise UsageError("--sensitivity, --specificity and --cost each choose the threshold; give one of them")
    return goals[0] if goals else None
