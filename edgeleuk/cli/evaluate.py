"""`edgeleuk evaluate`: accuracy of a model on images it was not trained on."""

from pathlib import Path

import click

from edgeleuk.errors import UsageError


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), metavar="INDEX_OR_DIR")
@click.option(
    "--split",
    type=click.Choice(["test", "validation", "train", "all"]),
    help="Images to evaluate. Default: test if the index has it, else the fold held out in training, else all; "
    "all for a folder.",
)
@click.option("--skip-trained", is_flag=True, help="Leave out images that were seen in training.")
@click.option("--allow-trained", is_flag=True, help="Keep images that were seen in training; the result says so.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of text.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Also write JSON, predictions and a picture."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the bootstrap.")
@click.option(
    "--resamples", type=click.IntRange(100), default=2000, show_default=True, help="Resamples of the bootstrap."
)
def command(
    model: Path,
    data: Path,
    split: str | None,
    skip_trained: bool,
    allow_trained: bool,
    as_json: bool,
    output: Path | None,
    seed: int,
    resamples: int,
) -> None:
    """Accuracy of MODEL, a .tflite file or a run, on an index or a folder of labelled images.

    Intervals are over subjects where subjects are known. Images that the model was trained on are refused.
    """
    from edgeleuk.evaluation import Request, evaluate_files
    from edgeleuk.files import refuse_taken, to_json
    from edgeleuk.report.evaluation import render_text, write_folder

    if skip_trained and allow_trained:
        raise UsageError("--skip-trained and --allow-trained exclude each other; choose one")
    if output is not None:
        refuse_taken(output)
    trained = "skip" if skip_trained else "allow" if allow_trained else "refuse"
    evaluation = evaluate_files(model, data, Request(split, trained, seed, resamples))
    if output is not None:
        write_folder(evaluation, output)
    click.echo(to_json(evaluation.to_dict()) if as_json else render_text(evaluation), nl=False)
