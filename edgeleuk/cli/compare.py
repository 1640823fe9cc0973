"""`edgeleuk compare`: is the second record slower than the first?"""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import share
from edgeleuk.cli.output import show, show_json
from edgeleuk.cli.paths import Existing


@edgeleuk_command(
    examples=(
        "edgeleuk compare before.json after.json",
        "edgeleuk compare before.json after.json --max-regression 2%",
    ),
)
@click.argument(
    "first", type=Existing("record", "what 'edgeleuk benchmark -o FILE.json' writes", dir_okay=False), metavar="A.json"
)
@click.argument(
    "second", type=Existing("record", "what 'edgeleuk benchmark -o FILE.json' writes", dir_okay=False), metavar="B.json"
)
@click.option(
    "--max-regression",
    type=share,
    default="5%",
    show_default=True,
    metavar="N%",
    help="Slowdown that is allowed, such as 5%.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(first: Path, second: Path, max_regression: float, as_json: bool) -> None:
    """Compare two records of `edgeleuk benchmark`: B's median latency over A's, with a 95 % interval.

    Results of the same model, interpreter and threads are paired; records of one result each are a pair whatever they
    hold. The exit code is 1 if B is slower by more than --max-regression with confidence, and if there are too
    few processes to tell.
    """
    import dataclasses

    from edgeleuk.bench.compare import compare
    from edgeleuk.bench.record import read_record
    from edgeleuk.report.text.benchmark import render_comparisons

    comparisons = compare(read_record(first), read_record(second), max_regression)
    plain = dataclasses.asdict(comparisons)
    for row, pair in zip(plain["pairs"], comparisons.pairs, strict=True):
        row |= {"verdict": pair.verdict, "regression": pair.regression}
    show_json(plain) if as_json else show(render_comparisons(comparisons))
    click.get_current_context().exit(int(not comparisons.passed))
