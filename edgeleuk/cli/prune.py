"""`edgeleuk prune`: a trained network within a budget."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import RunOptions, config_options, made, run_options, show_run
from edgeleuk.cli.output import progress_to
from edgeleuk.cli.paths import Existing
from edgeleuk.errors import UsageError
from edgeleuk.training.config import PruneConfig, percentage


@edgeleuk_command(
    examples=(
        "edgeleuk prune run -o small-run --macs 50%",
        "edgeleuk prune run -o small-run --budget-ms 5 --epochs 8",
    ),
)
@click.argument("source", type=Existing("run", "a folder that 'edgeleuk train' writes"), metavar="FLOAT_RUN")
@run_options
@config_options(PruneConfig)
def command(source: Path, run: RunOptions, **given: Any) -> None:
    """Remove filters of FLOAT_RUN's network until it fits --macs or --budget-ms, fine-tune it, write the folder RUN.

    Filters that matter least for their cost are removed first. RUN is a float run: qat, convert and evaluate take it.
    """
    settings = made(PruneConfig, given)
    _refuse_bare_share(settings.macs)
    from edgeleuk.pruning.prune import prune
    from edgeleuk.training.run import load_run_folder

    source_run, report = load_run_folder(source, run.data_root), progress_to(run.as_json)
    run_made = prune(source_run, settings, run.output, run.resume, report, run.log_folder)
    show_run(run_made, "pruned network as it was", run.as_json)


def _refuse_bare_share(macs: str | None) -> None:
    """Raise UsageError for a number that could be a share, a percentage, or operations."""
    try:
        number = float(macs or "inf")
    except ValueError:
        return
    if number <= 100:
        share = percentage(number) if number <= 1 else f"{number:g}%"
        raise UsageError(f"macs is {macs!r}, which has no unit; write {share} for that share of the run's operations")
