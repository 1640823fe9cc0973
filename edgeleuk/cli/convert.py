"""`edgeleuk convert`: a run or a Keras model to one .tflite file, with proof."""

from pathlib import Path

import click

from edgeleuk.errors import UsageError


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--int8", "precision", flag_value="int8", default=True, help="All tensors int8, or fail. [default]")
@click.option("--float16", "precision", flag_value="float16", help="float16 weights, float32 arithmetic.")
@click.option("--dynamic", "precision", flag_value="dynamic", help="int8 weights, float32 activations.")
@click.option("--float32", "precision", flag_value="float32", help="No quantization.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="MODEL.tflite", help="Model file."
)
@click.option("--spec", type=click.Path(path_type=Path), help="ModelSpec (JSON) of a Keras model file.")
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    metavar="INDEX_OR_DIR",
    help="Images to set activation ranges on. Default: the run's own training images.",
)
@click.option(
    "--rewrite", is_flag=True, help="Write average pools, which int8 delegates do not take, as depthwise convolutions."
)
@click.option("--samples", type=click.IntRange(1), default=256, show_default=True, help="Images to calibrate on.")
@click.option(
    "--fidelity-samples",
    type=click.IntRange(0),
    default=256,
    show_default=True,
    help="Images, none of them trained or calibrated on, to compare the file with its float network on.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the choice of images.")
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON instead of text.")
def command(
    source: Path,
    precision: str,
    output: Path,
    spec: Path | None,
    calibration: Path | None,
    samples: int,
    fidelity_samples: int,
    seed: int,
    rewrite: bool,
    as_json: bool,
) -> None:
    """Convert SOURCE, a run or a Keras model file with --spec, to MODEL.tflite and prove what it is.

    --int8 of a float run is post-training quantization; of a QAT run it uses the ranges it was trained with. It fails
    unless every tensor is int8 (or an int32 bias), and warns where the delegate runs it in pieces. --rewrite changes no
    answer by more than float rounding; what it did and what difference that made is shown and kept in the proof.
    """
    from edgeleuk.data.split import open_images
    from edgeleuk.files import to_json
    from edgeleuk.quantization.convert import Request, convert, write_conversion
    from edgeleuk.quantization.source import load_source
    from edgeleuk.report.proof import render_proof, split_graph

    if output.suffix != ".tflite":
        raise UsageError(f"{output} does not end in .tflite, by which the other commands know a model")
    images = open_images(calibration) if calibration else None
    request = Request(precision, images, samples, fidelity_samples, seed, rewrite)
    conversion = convert(load_source(source, spec), request)
    write_conversion(conversion, output)
    proof = conversion.proof.to_dict()
    click.echo(to_json(proof) if as_json else render_proof(proof, output), nl=False)
    if precision == "int8" and (split := split_graph(proof)):
        click.echo(f"warning: {split}", err=True)
