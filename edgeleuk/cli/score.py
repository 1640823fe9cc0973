"""`edgeleuk score`: classify an archive of images on all cores, or on a cluster, into Parquet."""

from typing import Any

import click

from edgeleuk.cli.commands import Choice, Number, edgeleuk_command, ended_by_signals
from edgeleuk.cli.device_options import gate_option, json_option, max_megapixels_option
from edgeleuk.cli.output import say, show, show_json
from edgeleuk.cli.paths import Existing


@edgeleuk_command(
    examples=(
        "edgeleuk score model.tflite cells/ -o scored",
        "edgeleuk score model.tflite names.txt -o scored --workers 4",
        "edgeleuk score model.tflite s3://bucket/cells -o scored --ray auto",
        "edgeleuk score model.tflite shards/ -o scored --json",
    ),
)
@click.argument("model", type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False))
@click.argument("source", type=click.Path(readable=False))
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder of the archive, made or continued.")
@click.option(
    "--ray",
    default="local",
    show_default=True,
    metavar="ADDRESS",
    help="Cluster to join: auto, or HOST:PORT of its head. local: the cores of this machine.",
)
@click.option("--workers", type=click.IntRange(1), help="Workers, one core each. Default and, here, most: all cores.")
@click.option("--subject", help="Subject of all these images. Default: from C-NMC file names.")
@click.option("--subject-pattern", metavar="REGEX", help="Group 1 of REGEX, found in the name, is the subject.")
@gate_option
@max_megapixels_option
@click.option(
    "--backend",
    type=Choice(["auto", "litert", "tflite-runtime"]),
    default="auto",
    show_default=True,
    help="Interpreter; auto takes LiteRT if it is installed.",
)
@click.option(
    "--every",
    type=Number(1, 86_400),
    default=60.0,
    show_default=True,
    help="Seconds after which what was scored is written; a kill loses no more than that.",
)
@json_option
def command(as_json: bool, **options: Any) -> None:
    """Classify all images of SOURCE with MODEL into an archive: Parquet, one row for each image.

    SOURCE is a folder with sub-folders, a list of names (.txt, or - for standard input), Parquet with a column of
    images, tar shards, or any of these at s3:// or gs://. The same command again goes on where it ended, however it
    ended. An image that cannot be used is a row with the reason. Needs the extra 'ray'.
    """
    from edgeleuk.cluster.joining import ray_module

    ray_module(options["ray"])  # before what imports pyarrow, which comes with it
    from edgeleuk.runtime.decision import RESEARCH_USE
    from edgeleuk.scoring.command import Request, run

    with ended_by_signals() as signals:
        try:
            done = run(Request(**options), say)
        except KeyboardInterrupt:
            if not signals:
                raise
            say("ended by a signal; what was scored is written, and the same command goes on")
            click.get_current_context().exit(128 + signals[0])
    if as_json:
        show_json(done.to_dict())
        return
    for line in done.lines():
        show(line)
    show(RESEARCH_USE)
