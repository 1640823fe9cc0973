"""`edgeleuk infer`: classify images."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("paths", type=click.Path(path_type=Path), metavar="IMAGE_OR_DIR...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, as is done when the output is no terminal.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the interpreter. Default: the cores, at most 4.")
@click.option(
    "--backend",
    type=click.Choice(["auto", "litert", "tflite-runtime"]),
    default="auto",
    show_default=True,
    help="Interpreter; auto takes LiteRT where it is installed.",
)
def command(model: Path, paths: tuple[Path, ...], as_json: bool, threads: int | None, backend: str) -> None:
    """Classify images, and all images in folders, with MODEL, a .tflite file that edgeleuk made.

    Prints label, probability of each class and times. An image that cannot be used is reported and the rest go on; the
    exit code is 1 then.
    """
    from edgeleuk.runtime.bundle import read_bundle
    from edgeleuk.runtime.classifier import Classifier
    from edgeleuk.runtime.inference import RESEARCH_USE, classify, find_images, json_line, table_head, table_line

    images = find_images(paths)
    bundle = read_bundle(model)
    classifier = Classifier(bundle, model, threads, backend)
    classes, sha256 = classifier.spec.classes, bundle.sha256
    table = sys.stdout.isatty() and not as_json
    if table:
        click.echo(table_head(classes))
    failed = False
    for row in classify(classifier, images):
        click.echo(table_line(row, classes) if table else json_line(row, sha256))
        failed |= row.error is not None
    if table or sys.stderr.isatty():
        click.echo(RESEARCH_USE, err=not table)
    if failed:
        click.get_current_context().exit(1)
