"""`edgeleuk card`: what records say of a model, on one page."""

import re
from pathlib import Path

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import show_json, show_written
from edgeleuk.cli.paths import Existing, OutputFile
from edgeleuk.errors import UsageError

_EVALUATION = Existing("evaluation", "a folder that 'edgeleuk evaluate -o' wrote, or its evaluation.json")
_BENCHMARK = Existing("record", "a file that 'edgeleuk benchmark -o' wrote", dir_okay=False)


@edgeleuk_command(
    examples=(
        "edgeleuk card model.tflite -o card.html",
        "edgeleuk card model.tflite --run run/ --evaluation ev/ -o card.md",
        "edgeleuk card model.tflite --format huggingface -o README.md",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.option("--run", "run", type=Existing("run", "the run that the model was made from", file_okay=False),
              metavar="RUN", help="Run folder that the model was made from.")  # fmt: skip
@click.option("--index", type=Existing("index", "the index that the model was trained on", dir_okay=False),
              metavar="INDEX", help="Index that it was trained on. Default: the run's own.")  # fmt: skip
@click.option("--evaluation", "evaluations", type=_EVALUATION, multiple=True, metavar="FOLDER",
              help="Folder of 'evaluate -o' of this model; may be given several times.")  # fmt: skip
@click.option("--benchmark", "benchmarks", type=_BENCHMARK, multiple=True, metavar="RECORD.json",
              help="Record of 'benchmark -o' with this model; may be given several times.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".html", ".md", known_by=", which is the format"),
    metavar="CARD.html|.md",
    help="Where to write it; the suffix chooses the format.",
)
@click.option(
    "--format",
    "form",
    type=Choice(["plain", "huggingface"]),
    default="plain",
    show_default=True,
    help="huggingface: Markdown behind the YAML that the Hugging Face Hub reads.",
)
@click.option("--license", "license_id", metavar="ID", help="Licence of the model, such as apache-2.0, in that YAML.")
@json_option
def command(
    model: Path,
    run: Path | None,
    index: Path | None,
    evaluations: tuple[Path, ...],
    benchmarks: tuple[Path, ...],
    output: Path,
    form: str,
    license_id: str | None,
    as_json: bool,
) -> None:
    """Make a model card of MODEL, a .tflite file, of records only: no sentence stands there that none of them says.

    The model's own spec, proof and list of images are always among them. A record of another model is refused. Items
    of TRIPOD+AI and CLAIM 2024 are listed with where they are answered, or "not known".
    """
    from edgeleuk.files import write_text
    from edgeleuk.report.card.checklist import answers
    from edgeleuk.report.card.front_matter import render_huggingface
    from edgeleuk.report.card.page import render_html, render_markdown
    from edgeleuk.report.card.records import Named, read_records
    from edgeleuk.report.card.sections import sections

    _check_form(form, license_id, output)
    records = read_records(model, Named(run, index, evaluations, benchmarks))
    if form == "huggingface":
        write_text(output, render_huggingface(records, license_id))
    else:
        write_text(output, {".html": render_html, ".md": render_markdown}[output.suffix](records))
    if as_json:
        made = sections(records)
        known = [one for one in answers(made) if one.section is not None]
        show_json({"schema_version": 1, "card": str(output), "sha256": records.sha256, "records": list(records.plain),
                   "sentences": sum(len(each.statements) for each in made), "items_answered": len(known)})  # fmt: skip
    else:
        show_written(output)


def _check_form(form: str, license_id: str | None, output: Path) -> None:
    """Raise UsageError for options that do not go together."""
    if form == "huggingface" and output.suffix != ".md":
        raise UsageError(f"--format huggingface writes Markdown, and {output} ends in {output.suffix!r}; expected .md")
    if license_id is not None and form != "huggingface":
        raise UsageError("--license stands in the YAML of --format huggingface; a plain card has records alone")
    if license_id is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{1,60}", license_id):
        raise UsageError(f"--license is {license_id!r:.80}; expected an identifier of the Hub, such as apache-2.0")
