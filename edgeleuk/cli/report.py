"""`edgeleuk report`: records as a page, Markdown or a table."""

from pathlib import Path

import click

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import show_json, show_written
from edgeleuk.cli.paths import Existing, OutputFile

_RECORD = Existing("record", "a file or folder that 'edgeleuk benchmark', evaluate or optimize wrote with -o")


@edgeleuk_command(
    examples=(
        "edgeleuk report benchmark.json evaluation/ -o report.html",
        "edgeleuk report search/ -o search.md",
    ),
)
@click.argument("records", nargs=-1, required=True, type=_RECORD, metavar="RECORD...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".html", ".md", ".csv", known_by=", which is the format"),
    metavar="REPORT.html|.md|.csv",
    help="Where to write it; the suffix chooses the format.",
)
@json_option
def command(records: tuple[Path, ...], output: Path, as_json: bool) -> None:
    """Make one report of RECORDs: of `benchmark`, `evaluate -o`, `optimize -o` (file or folder), of pytest-benchmark.

    HTML is one file that needs no network, prints, and holds the records; Markdown has all but the pictures; CSV is
    one table, one row per result or candidate. Models are matched with their accuracy by the hash of their file.
    """
    from edgeleuk.files import write_text
    from edgeleuk.report.page.markdown import render_markdown
    from edgeleuk.report.page.page import render_page
    from edgeleuk.report.page.reading import read_material
    from edgeleuk.report.page.spreadsheet import render_csv

    renderers = {".html": render_page, ".md": render_markdown, ".csv": render_csv}
    write_text(output, renderers[output.suffix](read_material(records)))
    if as_json:
        show_json({"schema_version": 1, "report": str(output), "records": [str(record) for record in records]})
    else:
        show_written(output)
