"""`edgeleuk convert`: a run or a Keras model to one .tflite file, with proof."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command
from edgeleuk.cli.options import class_level_option, data_root_option, points, share, typed
from edgeleuk.cli.output import say, show_facts, show_json
from edgeleuk.cli.paths import Existing, OutputFile
from edgeleuk.errors import UsageError

if TYPE_CHECKING:
    from edgeleuk.data.index import Index
    from edgeleuk.quantization.convert import Proven
    from edgeleuk.quantization.mixed import Keep
    from edgeleuk.quantization.source import Source


_SAID = ("preset", "classes", "weights", "logits")  # options about model files, by the names of `Said`


@edgeleuk_command(
    examples=(
        "edgeleuk convert qat-run -o model.tflite",
        "edgeleuk convert run --int8 -o model.tflite --errors layers.png",
        "edgeleuk convert net.keras --spec spec.json --calibration cells -o m.tflite",
        "edgeleuk convert net.tflite --spec spec.json --calibration cells -o m.tflite",
        "edgeleuk convert m.json --weights m.h5 --preset notebook -o m.tflite",
        "edgeleuk convert run --float32 -o float32.tflite",
        "edgeleuk convert run -o model.tflite --explain",
        "edgeleuk convert qat-run -o phone.tflite --io uint8",
    ),
    groups={
        "Precision": ("--int8", "--float16", "--dynamic", "--float32", "--io"),
        "Files": ("--output", "--spec", "--preset", "--classes", "--weights", "--logits", "--errors", "--json"),
        "Images": (
            *("--calibration", "--class-level", "--data-root"),
            *("--samples", "--fidelity-samples", "--error-samples", "--seed"),
        ),
        "What stays in float": ("--keep-float", "--min-agreement", "--max-drop", "--max-float"),
        "The graph": ("--rewrite", "--max-rescalings", "--explain"),
        "The input gate": ("--no-gate", "--gate-samples"),
    },
)
@click.argument("source", type=Existing("run or network", "a run folder or a model file"))
@click.option("--int8", "precision", flag_value="int8", default=True, help="All tensors int8, or fail. [default]")
@click.option("--float16", "precision", flag_value="float16", help="float16 weights, float32 arithmetic.")
@click.option("--dynamic", "precision", flag_value="dynamic", help="int8 weights, float32 activations.")
@click.option("--float32", "precision", flag_value="float32", help="No quantization.")
@click.option(
    "--io",
    type=Choice(["int8", "uint8", "float32"]),
    default="int8",
    show_default=True,
    help="Type of an int8 model's input and scores. Another one puts one QUANTIZE or DEQUANTIZE at each end, for hosts "
    "that hand over uint8 or float32 alone, and changes no answer.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".tflite", known_by=", by which the other commands know a model"),
    metavar="MODEL.tflite",
    help="Model file.",
)
@click.option(
    "--spec",
    type=Existing("spec", "a ModelSpec as JSON", dir_okay=False),
    help="ModelSpec (JSON) of a model file: its classes, and how an image becomes its input.",
)
@click.option(
    "--preset",
    metavar="NAME",
    help="A well-known way to prepare images in the place of --spec, such as notebook; 'edgeleuk spec new' lists them.",
)
@click.option(
    "--classes",
    metavar="NAME,NAME",
    help="Classes in the order of the network's outputs, for a preset that fixes none.",
)
@click.option(
    "--weights",
    type=Existing("weights", "an HDF5 file", dir_okay=False),
    metavar="FILE",
    help="Weights (HDF5) of an architecture in JSON.",
)
@click.option("--logits", is_flag=True, help="The scores of a model file are logits: put a softmax behind them.")
@click.option(
    "--calibration",
    type=Existing("index or folder", "an index of 'edgeleuk data split' or a folder of images"),
    metavar="INDEX_OR_DIR",
    help="Images to set activation ranges on, with or without class folders. Default: the run's own training images.",
)
@class_level_option
@click.option(
    "--rewrite/--no-rewrite",
    default=None,
    help="Write average pools, which int8 delegates do not take, as depthwise convolutions. [default: with --int8 of a "
    "float network]",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Also give out the last feature map, from which 'infer --explain' and the page draw where the network looked.",
)
@click.option("--no-gate", is_flag=True, help="Fit no input gate, and give out no features.")
@click.option(
    "--gate-samples",
    type=click.IntRange(20),
    default=500,
    show_default=True,
    help="Most training images, and most held-out ones, that the input gate is fitted to.",
)
@click.option(
    "--keep-float",
    multiple=True,
    metavar="LAYER|K",
    help="Leave a layer, by name or pattern, or the K with the largest error, in float32 with what makes its input. "
    "May be repeated.",
)
@click.option(
    "--min-agreement",
    type=share,
    metavar="N%",
    help="Share of labels that have to agree with the float network's (a QAT run's: with its own), else nothing is "
    "written. After training, as few layers stay in float32 as it takes. [default: 95%, and no layer in float32; of a "
    "QAT run 99%]",
)
@click.option(
    "--max-drop",
    type=points,
    metavar="Npt",
    help="Also require an accuracy at most this many percentage points, such as 1pt, below the float network's.",
)
@click.option(
    "--max-float",
    type=click.IntRange(0),
    default=8,
    show_default=True,
    help="Most layers that --min-agreement and --max-drop may leave in float32, not counting what makes their inputs; "
    "0 for none.",
)
@click.option(
    "--max-rescalings",
    type=click.IntRange(0),
    metavar="N",
    help="Fail for more rescalings from int8 to int8, each of which rounds once more. [default: any number, told]",
)
@click.option(
    "--errors",
    type=OutputFile(".json", ".csv", ".png", known_by=", which is the format"),
    multiple=True,
    metavar="FILE",
    help="Write the quantization error of each layer to FILE: .json, .csv, .png, a picture, or .nodedata.json, colours "
    "for Model Explorer. May be repeated.",
)
@click.option(
    "--error-samples",
    type=click.IntRange(0),
    default=16,
    show_default=True,
    help="Images to measure the layers' errors on.",
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
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON instead of text.")
def command(
    source: Path,
    precision: str,
    output: Path,
    spec: Path | None,
    calibration: Path | None,
    class_level: int | None,
    explain: bool,
    no_gate: bool,
    gate_samples: int,
    keep_float: tuple[str, ...],
    min_agreement: float | None,
    max_drop: float | None,
    max_float: int,
    errors: tuple[Path, ...],
    error_samples: int,
    as_json: bool,
    data_root: Path | None,
    **rest: Any,
) -> None:
    """Convert SOURCE, a run or a model file (Keras, float .tflite) with --spec, to MODEL.tflite and state what it is.

    --int8 of a float run is post-training quantization; of a QAT run it uses the ranges it was trained with. It fails
    unless every tensor is int8 (or an int32 bias), and warns if the delegate runs it in pieces. Rewriting average
    pools changes no answer by more than float rounding; what became of each and what difference that made is shown and
    kept in the proof.

    --int8 also measures how much noise rounding adds to each layer. With layers in float32 (--keep-float,
    --min-agreement, --max-drop) the model is "mixed" and fails unless those alone are; it says which, why and at what
    cost.

    Nothing is written either unless enough labels agree with the network's on images outside training and calibration
    (--min-agreement). Agreement is not accuracy: if images are labelled, the accuracy is shown as well.
    Of a run, the file also gets an input gate, by which 'infer' and 'serve' notice a picture of something else.
    """
    from edgeleuk.quantization.convert import Request, convert, write_conversion
    from edgeleuk.report.layer_errors import write_layer_errors
    from edgeleuk.report.text.proof import render_proof

    _check_error_files(errors, precision, error_samples)
    images = _calibration_images(calibration, class_level, data_root)
    extra = ("map",) if explain else ()
    keep, gate = _keep(keep_float, min_agreement, max_drop, max_float), _gate_samples(no_gate, gate_samples)
    said = {name: rest.pop(name) for name in _SAID}  # the rest are settings of Request by their names
    request = Request(
        precision, images, keep=keep, error_samples=error_samples, extra_outputs=extra, gate_samples=gate, **rest
    )
    conversion = convert(_load(source, spec, data_root, said), request, say)
    table = _error_table(conversion, errors)
    proof = conversion.proof.to_dict()
    shown = render_proof(proof, output)  # before anything is written
    write_conversion(conversion, output)
    for path in errors:
        write_layer_errors(table, path)
    show_json(proof) if as_json else show_facts(shown)
    _warn(proof, precision)


def _calibration_images(folder: Path | None, class_level: int | None, data_root: Path | None) -> "Index | None":
    """What --calibration names. Raises UsageError if only its folders were described."""
    from edgeleuk.data.calibration_images import open_calibration
    from edgeleuk.data.labels import LabelSource

    if class_level is not None and folder is None:
        raise UsageError("--class-level is about the folders of --calibration; give that, too")
    return open_calibration(folder, say, data_root, LabelSource(class_level=class_level)) if folder else None


def _error_table(conversion: "Proven", paths: Sequence[Path]) -> dict[str, Any]:
    """The layers' errors. Raises UsageError if they are to be written and there are none."""
    if paths and not conversion.errors:
        raise UsageError("--errors: there are no images to measure on; leave out --fidelity-samples 0")
    return conversion.errors.to_dict() if conversion.errors else {}


def _warn(proof: dict[str, Any], precision: str) -> None:
    from edgeleuk.report.text.proof import at_chance, one_label, rescalings, split_graph

    warnings = [split_graph(proof), rescalings(proof)] if precision == "int8" else []
    for warning in filter(None, (*warnings, one_label(proof), at_chance(proof))):
        say(f"warning: {warning}")


def _load(source: Path, spec: Path | None, data_root: Path | None, said: dict[str, Any]) -> "Source":
    """The source; what reading it changed is told. `said`: the options of `_SAID`."""
    from edgeleuk.quantization.source import Said, load_source

    classes = tuple(filter(None, (name.strip() for name in (said.pop("classes") or "").split(","))))
    loaded = load_source(source, spec, data_root, Said(classes=classes, **said))
    for note in loaded.notes:
        say(note)
    return loaded


def _gate_samples(none: bool, samples: int) -> int:
    if none and typed("gate_samples"):
        raise UsageError("--no-gate makes no input gate, so --gate-samples has nothing to do; give one of them")
    return 0 if none else samples


def _check_error_files(paths: Sequence[Path], precision: str, samples: int) -> None:
    """Raise UsageError if they cannot be written."""
    from edgeleuk.report.layer_errors import check_format

    for path in paths:
        check_format(path)
    if paths and (precision != "int8" or samples == 0):
        raise UsageError("--errors needs errors to write: --int8, and not --error-samples 0")


def _keep(values: Sequence[str], min_agreement: float | None, max_drop: float | None, most: int) -> "Keep":
    """From the options. Raises UsageError for numbers of layers that make no sense."""
    from edgeleuk.quantization.mixed import Keep

    numbers = [value for value in values if value.lstrip("-").isdigit()]
    if len(numbers) > 1 or any(int(number) < 1 for number in numbers):
        raise UsageError(f"--keep-float {' '.join(numbers)}: expected one number of layers, of at least 1")
    names = tuple(value for value in values if value not in numbers)
    drop = None if max_drop is None else max_drop / 100
    return Keep(names, int(numbers[0]) if numbers else 0, min_agreement, drop, most)
