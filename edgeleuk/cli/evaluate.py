"""`edgeleuk evaluate`: accuracy of a model on images it was not trained on."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeleuk.cli.commands import Choice, edgeleuk_command
from edgeleuk.cli.device_options import width_option
from edgeleuk.cli.options import LABEL_OPTIONS, data_root_option, label_options, points
from edgeleuk.cli.output import show, show_json, show_written
from edgeleuk.cli.paths import Existing, OutputFolder
from edgeleuk.data.labels import LabelSource
from edgeleuk.errors import UsageError

if TYPE_CHECKING:
    from edgeleuk.evaluation.comparison import Comparison
    from edgeleuk.evaluation.evaluate import Evaluation
    from edgeleuk.evaluation.patients import PatientLevel

_MAX_DROP_POINTS = 1.0
_DEGRADE_IMAGES = 200

_MODEL = Existing("model", "a .tflite file or a run folder")


@edgeleuk_command(
    examples=(
        "edgeleuk evaluate model.tflite index.json",
        "edgeleuk evaluate model.tflite index.json --by-subject --width 0.2",
        "edgeleuk evaluate run/ index.json -o evaluation",
        "edgeleuk evaluate int8.tflite index.json --against float32.tflite --json",
        "edgeleuk evaluate model.tflite images/ --labels labels.csv",
    ),
    groups={"Labels of a folder": LABEL_OPTIONS},
)
@click.argument("model", type=_MODEL)
@click.argument(
    "data",
    type=Existing("index or folder", "an index of 'edgeleuk data split' or a folder of images"),
    metavar="INDEX_OR_DIR",
)
@click.option(
    "--split",
    type=Choice(["test", "validation", "train", "all"]),
    help="Images to evaluate. Default: test if the index has it, else the fold held out in training, else all; "
    "all for a folder.",
)
@click.option("--skip-trained", is_flag=True, help="Leave out images that were seen in training.")
@click.option("--allow-trained", is_flag=True, help="Keep images that were seen in training; the result says so.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of text.")
@click.option(
    "-o",
    "--output",
    type=OutputFolder(may_exist=False),
    metavar="DIR",
    help="Also write JSON, predictions and a picture.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the bootstrap.")
@click.option(
    "--resamples",
    type=click.IntRange(100),
    default=2000,
    show_default=True,
    help="Resamples of the intervals; the gate's are 10,000.",
)
@click.option(
    "--against",
    type=Existing("reference", "a .tflite file, a run or a folder of 'evaluate -o'"),
    metavar="REFERENCE",
    help="Test whether MODEL is not inferior to this model, run or folder of 'evaluate -o', on the same images.",
)
@click.option(
    "--max-drop",
    type=points,
    metavar="Npt",
    help="Loss of accuracy that --against has to rule out, in percentage points. [default: 1pt]",
)
@click.option(
    "--shortcuts/--no-shortcuts",
    default=True,
    show_default=True,
    help="Say how far colour alone goes on the same images.",
)
@click.option(
    "--by-subject",
    is_flag=True,
    help="Also each subject's share of the positive class, with the model's errors on the other subjects.",
)
@width_option
@click.option("--degrade", is_flag=True, help="Also judge pictures that camera, stain or file have made worse.")
@click.option(
    "--degrade-images",
    type=click.IntRange(1),
    metavar="N",
    help="How many images --degrade changes, drawn over classes. [default: 200]",
)
@data_root_option
@label_options
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
    against: Path | None,
    max_drop: float | None,
    shortcuts: bool,
    by_subject: bool,
    width: float | None,
    degrade: bool,
    degrade_images: int | None,
    data_root: Path | None,
    labels: LabelSource,
) -> None:
    """Accuracy of MODEL, a .tflite file or a run, on an index or a folder of labelled images.

    Intervals are over subjects if subjects are known. Images that the model was trained on are refused. With
    --against the exit code is 1 unless non-inferiority was shown, at a nominal confidence
    of 95 %: if a few subjects have most of the errors it is wrongly shown more often than in 5 % of cases.
    """
    from edgeleuk.evaluation.comparison import check_reference, compare_with
    from edgeleuk.evaluation.evaluate import Request, evaluate_files
    from edgeleuk.evaluation.patients import patient_level
    from edgeleuk.files import refuse_taken
    from edgeleuk.statistics.noninferiority import NOT_INFERIOR, Gate

    if width is not None and not by_subject:
        raise UsageError("--width is that of --by-subject; give both")
    _refuse_contradictions(skip_trained, allow_trained, against, max_drop)
    worse = _degraded_images(degrade, degrade_images)
    if output is not None:
        refuse_taken(output)
    if against is not None:
        check_reference(against)
    trained = "skip" if skip_trained else "allow" if allow_trained else "refuse"
    request = Request(split, trained, seed, resamples, data_root, labels=labels)
    evaluation = evaluate_files(model, data, dataclasses.replace(request, shortcuts=shortcuts, degrade_images=worse))
    gate = Gate(margin=(_MAX_DROP_POINTS if max_drop is None else max_drop) / 100)
    comparison = None if against is None else compare_with(against, evaluation, data, request, gate)
    patients = patient_level(evaluation, by_subject, width, evaluation.scores.bootstrap)
    _tell(evaluation, comparison, patients, output, as_json)
    if comparison is not None:
        click.get_current_context().exit(int(comparison.result.verdict != NOT_INFERIOR))


def _tell(
    evaluation: "Evaluation",
    comparison: "Comparison | None",
    patients: "PatientLevel",
    output: Path | None,
    as_json: bool,
) -> None:
    from edgeleuk.evaluation.folder import record_of, write_folder
    from edgeleuk.report.text.evaluation import render_text
    from edgeleuk.report.text.noninferiority import render_comparison
    from edgeleuk.report.text.patients import render_patients

    if output is not None:
        write_folder(evaluation, output, comparison, patients)
    if as_json:
        show_json(record_of(evaluation, comparison, patients))
    else:
        compared = () if comparison is None else (render_comparison(comparison),)
        show("\n".join((render_text(evaluation), render_patients(patients), *compared)))
        show_written(output)


def _degraded_images(degrade: bool, count: int | None) -> int | None:
    """How many images to degrade; None for none."""
    if count is not None and not degrade:
        raise UsageError("--degrade-images is how many images --degrade changes; give both")
    return (count or _DEGRADE_IMAGES) if degrade else None


def _refuse_contradictions(skip: bool, allow: bool, against: Path | None, max_drop: float | None) -> None:
    if skip and allow:
        raise UsageError("--skip-trained and --allow-trained cannot be combined; choose one")
    if allow and against is not None:
        raise UsageError("on images seen in training nothing can be shown; leave --allow-trained or --against out")
    if max_drop is not None and against is None:
        raise UsageError("--max-drop is the margin of --against REFERENCE; give both")
