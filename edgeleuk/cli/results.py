"""`edgeleuk results`: list, filter, export, correct and delete what a store holds."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command, ended_by_signals
from edgeleuk.cli.device_options import error_rates_option, width_option
from edgeleuk.cli.output import say, show_written
from edgeleuk.cli.paths import Existing, OutputFile


@edgeleuk_command(
    examples=(
        "edgeleuk results results.db --since 24h --label all",
        "edgeleuk results results.db --subjects",
        "edgeleuk results results.db --subjects --error-rates evaluation --width 0.1",
        "edgeleuk results results.db --since 2026-11-01 --csv -o november.csv",
        "edgeleuk results results.db --subject UID_11 --set-subject UID_12 --dry-run",
        "edgeleuk results results.db --id 17 --set-label hem --by 'Dr. Roe'",
        "edgeleuk results results.db --delete --older-than 365d",
    ),
    groups={
        "Which results": (
            *("--subject", "--no-subject", "--label", "--source", "--model", "--since", "--until", "--older-than"),
            *("--id", "--limit"),
        ),
        "How they are listed": ("--csv", "--excel", "--json", "--subjects", "--failures", "--changes", "--output"),
        "Shares of subjects": ("--error-rates", "--width"),
        "Corrections": (
            *("--set-subject", "--clear-subject", "--set-label", "--clear-label", "--delete"),
            *("--dry-run", "--yes", "--by"),
        ),
    },
)
@click.argument(
    "db",
    type=Existing(
        "store",
        "a file that 'edgeleuk infer MODEL IMAGES --store FILE' makes, or a folder of 'edgeleuk score -o'",
    ),
)
@click.option("--subject", help="Only of this subject; case does not matter.")
@click.option("--no-subject", is_flag=True, help="Only without a subject.")
@click.option("--label", help="Only with this label, a person's if there is one; case does not matter.")
@click.option("--source", type=Choice(["file", "watch", "camera", "upload"]), help="Only results of this source.")
@click.option(
    "--model", metavar="NAME|SHA256", help="Only of this model. With --subjects also 'all': each model's sums."
)
@click.option(
    "--since",
    metavar="TIME",
    help="Not before: 2026-11-24 (from the start of that day), 2026-11-24T10:30, 2026-11-24T10:30Z, or 36h (ago). "
    "Times without an offset are in this device's time zone.",
)
@click.option("--until", metavar="TIME", help="2026-11-24 (all of that day included), or before a time as in --since.")
@click.option(
    "--id", "ids", multiple=True, type=click.IntRange(1), metavar="ID", help="Only this result, to change it."
)
@click.option("--limit", type=click.IntRange(1), help="Only the latest N results. Default: 20 as a table, else all.")
@click.option("--csv", "form", flag_value="csv", help="CSV; times in UTC.")
@click.option("--excel", "byte_order_mark", is_flag=True, help="CSV with a byte-order mark, for Excel.")
@click.option("--json", "form", flag_value="json", help="JSON lines; times in UTC.")
@click.option("--subjects", is_flag=True, help="A summary of each subject instead, of the model that answered last.")
@error_rates_option(
    Existing("model or evaluation", "the model's .tflite file or a folder of 'edgeleuk evaluate -o'"),
    "the model's .tflite file, if it was calibrated, or a folder of evaluate -o",
)
@width_option
@click.option("--failures", is_flag=True, help="Images that could not be classified instead.")
@click.option("--changes", is_flag=True, help="What people corrected and deleted instead.")
@click.option(
    "-o",
    "--output",
    type=OutputFile(),
    help="Write to this file, atomically: .csv as CSV, .json as JSON lines, else as asked for.",
)
@click.option("--set-subject", metavar="NAME", help="Set the subject of the chosen results.")
@click.option("--clear-subject", is_flag=True, help="Remove the subject from the chosen results.")
@click.option("--set-label", metavar="CLASS", help="Set a person's label beside the model's in the chosen results.")
@click.option("--clear-label", is_flag=True, help="Remove the person's label; the model's stays.")
@click.option("--delete", is_flag=True, help="Delete the chosen results and their previews.")
@click.option("--older-than", metavar="AGE", help="Only results older than 90d, 36h, or than a time as in --since.")
@click.option("--dry-run", is_flag=True, help="Say what would be changed or deleted, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before changing or deleting.")
@click.option("--by", metavar="WHO", help="Who changes it, for the record. Default: the user's name here.")
def command(db: Path, form: str | None, **options: Any) -> None:
    """List the latest results in DB, a store that infer --store or serve made; filter, export and correct them.

    DB may be an archive too, a folder that score made: all but corrections works alike (needs the extra 'ray').

    Tables show times in this device's time zone, which they name; CSV and JSON are in UTC. Sums count each cell once,
    of one model; answers that are uncertain and those with other warnings ("no content", "8 px") are kept apart.

    The filters choose what --set-subject, --set-label and --delete change. Each change leaves a line in --changes. What
    was deleted is forgotten: the same image, handed in again, is classified again.
    """
    from edgeleuk.store.command import Request, run

    request = Request(db, form=form or _form_of(options["output"]), **options)
    if db.is_dir():
        from edgeleuk.archive.asking import run as run_on_archive

        with ended_by_signals():  # what DuckDB wrote to the side is removed
            run_on_archive(request, say)
    else:
        run(request, say, _confirmed)
    show_written(options["output"])


def _form_of(output: Path | None) -> str:
    """What a file is to hold, if no option says it: its ending does."""
    return {".csv": "csv", ".json": "json", ".jsonl": "json"}.get("" if output is None else output.suffix, "table")


def _confirmed(question: str) -> bool:
    return click.confirm(question, err=True)
