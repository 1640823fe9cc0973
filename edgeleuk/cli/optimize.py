"""`edgeleuk optimize`: the fastest accurate model within a latency budget."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeleuk.cli.commands import Choice, OrFile, Words, edgeleuk_command, ended_by_signals
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.options import LABEL_OPTIONS, RAY_OPTIONS, data_root_option, label_options, points, ray_options, share
from edgeleuk.cli.output import progress_to, say, show, show_json_text
from edgeleuk.cli.paths import Existing, OutputFolder
from edgeleuk.data.labels import LabelSource
from edgeleuk.errors import UsageError
from edgeleuk.keras.choices import CAMERA, EXITS, POOLS, ROBUST
from edgeleuk.optimize.budget import BUDGETS, DECISION
from edgeleuk.spec import RESAMPLING_FILTERS

if TYPE_CHECKING:
    from edgeleuk.data.index import Index
    from edgeleuk.jobs.on_ray import Asked
    from edgeleuk.optimize.config import Space
    from edgeleuk.optimize.device import Device
    from edgeleuk.training.run import Run

_Value = TypeVar("_Value")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_YES = {"no": False, "yes": True}


def _list(kind: Callable[[str], _Value], example: str) -> Callable[[Any, Any, str | None], tuple[_Value, ...] | None]:
    """A callback that makes a tuple of "a,b,c"."""

    def parse(context: Any, option: Any, text: str | None) -> tuple[_Value, ...] | None:
        try:
            return None if text is None else tuple(kind(word.strip()) for word in text.split(","))
        except (ValueError, KeyError) as error:
            raise click.BadParameter(f"{text!r} is not a list such as {example}") from error

    return parse


def _whole(word: str) -> str | None:
    return None if word == "whole" else word


def _dimension(
    name: str, kind: Callable[[str], Any], example: str, text: str, words: Sequence[str] = ()
) -> Callable[[_Command], _Command]:
    """An option that takes the values of one dimension; `words`: all that there are, for a shell to complete."""
    return click.option(f"--{name}", callback=_list(kind, example), type=Words(words), metavar="A,B,...", help=text)


@edgeleuk_command(
    examples=(
        "edgeleuk optimize index.json --budget-ms 5 -o search",
        "edgeleuk optimize run --budget-ms 20 -o search --ssh pi@raspberrypi --trials 8",
        "edgeleuk optimize index.json --budget-ms 5 -o search --ray local",
        "edgeleuk optimize index.json --budget-ms 5 -o search --resume",
    ),
    groups={
        "The search": (
            "--output",
            "--budget-ms",
            "--budget",
            "--max-drop",
            "--min-agreement",
            "--trials",
            "--cohort",
            "--workers",
            "--storage",
            "--resume",
            "--seed",
            "--json",
        ),
        "A cluster": RAY_OPTIONS,
        "Labels of a folder": LABEL_OPTIONS,
        "The device": ("--device", "--ssh", "--ssh-config", "--remote-python", "--threads"),
        "The training": (
            *("--epochs", "--batch-size", "--learning-rate", "--qat-epochs", "--weights", "--robust"),
            *("--fold", "--data-root"),
            *("--reference-size", "--reference-width"),
        ),
        "What is tried": (
            "--input-sizes",
            "--widths",
            "--crops",
            "--resamples",
            "--exits",
            "--prune",
            "--teach",
            "--pools",
            "--quantization",
        ),
    },
)
@click.argument(
    "source",
    type=Existing("run or index", "a folder of 'edgeleuk train', an index of 'data split' or a folder of images"),
    metavar="RUN_OR_INDEX",
)
@click.option("--budget-ms", type=float, required=True, metavar="MS", help="Most that one image may take.")
@click.option(
    "--budget",
    type=Choice(BUDGETS),
    default=DECISION,
    show_default=True,
    help="What that is of: the way from image file to decision, or bare int8 inference.",
)
@click.option("-o", "--output", required=True, type=OutputFolder(), metavar="DIR", help="Folder of the search.")
@click.option(
    "--device",
    type=OrFile(("local",)),
    default="local",
    show_default=True,
    metavar="local|RECORD",
    help="Measure here; or here, and scale to a benchmark record of a machine like this, its models beside it.",
)
@click.option(
    "--ssh",
    multiple=True,
    metavar="[USER@]HOST",
    help="Measure on that device, over ssh; if given again, on boards of one kind in turn. --resume needs the same.",
)
@click.option(
    "--ssh-config",
    type=Existing("file", "a configuration for ssh"),
    metavar="FILE",
    help="Configuration for ssh and scp.",
)
@click.option("--remote-python", metavar="PATH", help="Python on the device; see 'edgeleuk benchmark --help'.")
@click.option("--threads", type=int, default=1, show_default=True, help="Threads of the inference.")
@click.option(
    "--max-drop",
    "max_drop_points",
    type=points,
    default="0.5pt",
    show_default=True,
    metavar="Npt",
    help="Loss of accuracy that has to be ruled out, at a nominal confidence of 95 %, in percentage points.",
)
@click.option(
    "--min-agreement",
    type=share,
    metavar="N%",
    help="Share of labels in which an int8 model has to agree with its network on images outside training, else its "
    "trial fails. [default: 95%; 99% if trained for int8]",
)
@click.option("--trials", type=int, default=16, show_default=True, help="Candidates to train.")
@click.option("--epochs", type=int, default=18, show_default=True, help="Epochs of a candidate that is never stopped.")
@click.option("--cohort", type=int, default=8, show_default=True, help="Candidates that are compared in one round.")
@click.option(
    "--workers", type=int, help="Trainings in parallel, sharing the cores. [default: 1; with --ray those of a round]"
)
@ray_options
@click.option(
    "--storage",
    metavar="URL",
    help="Database that keeps the trials, as SQLAlchemy names it, such as postgresql+pg8000://USER@HOST/NAME. "
    "[default: search.db in DIR]",
)
@click.option("--batch-size", type=int, default=32, show_default=True, help="Images in a batch.")
@click.option("--learning-rate", type=float, help="Peak rate of training. [default: as 'edgeleuk train' has it]")
@click.option("--qat-epochs", type=int, default=1, show_default=True, help="Epochs of quantization-aware training.")
@click.option(
    "--weights",
    type=OrFile(("none", "imagenet")),
    default="none",
    show_default=True,
    help="Starting weights: none, imagenet or an .h5 file.",
)
@click.option(
    "--robust",
    type=Choice(ROBUST),
    default=CAMERA,
    show_default=True,
    help="How training images are changed, see 'edgeleuk train'.",
)
@click.option("--reference-size", type=int, help="Input of the reference that is trained. [default: the largest]")
@click.option("--reference-width", type=float, help="Width of that reference. [default: the largest]")
@_dimension("input-sizes", int, "96,128,160", "Sides of the input in pixels to try. [default: 96,128,160,192]")
@_dimension("widths", float, "0.25,0.5", "Widths to try. [default: 0.25,0.375,0.5,0.75; 1 with trained weights]")
@_dimension("crops", int, "235,300", "Sides of the centre square to try. [default: from what the images hold]")
@_dimension("resamples", str, "bilinear,reduce", "Resize filters to try. [default: bilinear]", RESAMPLING_FILTERS)
@_dimension("exits", _whole, "whole,mixed7", "Mixed blocks to end at. [default: whole,mixed7]", ("whole", *EXITS))
@_dimension("prune", share, "100%,50%", "Shares of the operations to keep. [default: 100%,50%]")
@_dimension("teach", _YES.__getitem__, "no,yes", "Whether the reference teaches. [default: no,yes]", tuple(_YES))
@_dimension("pools", str, "average,depthwise", "How average pools are trained. [default: average]", POOLS)
@_dimension("quantization", str, "ptq,qat", "After training, or aware of it. [default: ptq,qat]", ("ptq", "qat"))
@click.option("--fold", type=int, help="Fold held out for validation. [default: 0; that of RUN]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of candidates and trainings.")
@data_root_option
@label_options
@json_option
@click.option("--resume", is_flag=True, help="Resume an interrupted search.")
def command(
    source: Path,
    output: Path,
    resume: bool,
    as_json: bool,
    data_root: Path | None,
    labels: LabelSource,
    asked: "Asked | None",
    storage: str | None,
    **options: Any,
) -> None:
    """Find the fastest int8 model within --budget-ms that is still as accurate; write it with its record to DIR.

    Follows the float run RUN, or trains a reference on INDEX first. Latency, of its images from file to decision, is
    measured on untrained int8 models; shapes over the budget are never trained. The others are trained a few epochs,
    the best go on. Then the chosen model is compared with the most accurate float network on the test images: the exit
    code is 1 unless a loss of more than --max-drop points was ruled out.
    """
    from edgeleuk.optimize.config import SearchConfig
    from edgeleuk.optimize.search import Request, search
    from edgeleuk.report.search.files import write_search_files
    from edgeleuk.report.search.verdict import verdict
    from edgeleuk.report.text.search import render_search

    index, run = _opened(source, data_root, labels, options)
    space = _space(index, options)
    device = _device(options)
    if options["workers"] is None:
        options["workers"] = 1 if asked is None else options["cohort"]
    names = set(SearchConfig.__dataclass_fields__)
    config = SearchConfig(**{name: value for name, value in options.items() if name in names})
    with ended_by_signals():
        request = Request(index, run, config, space, device, _typed(), ray=asked, storage=storage)
        request = replace(request, render=write_search_files)
        record = search(request, output, resume, progress_to(as_json))
    show_json_text(record.to_json()) if as_json else show(f"\n{render_search(record)}")
    click.get_current_context().exit(int(not verdict(record).good))


def _opened(
    source: Path, data_root: Path | None, labels: LabelSource, options: dict[str, Any]
) -> "tuple[Index, Run | None]":
    from edgeleuk.data.split import open_index
    from edgeleuk.training.run import load_run_folder

    if source.is_dir() and (source / "run.json").exists():
        if not labels.is_empty:
            raise UsageError(f"{source} is a run, whose images have their labels; leave the options about labels out")
        run = load_run_folder(source, data_root)
        if options["fold"] not in (None, run.fold):
            raise UsageError(
                f"{source} was trained with fold {run.fold} held out, not {options['fold']}; leave --fold out"
            )
        options["fold"] = run.fold
        return run.index, run
    options["fold"] = options["fold"] or 0
    return open_index(source, 3, options["seed"], data_root=data_root, labels=labels), None


def _space(index: "Index", options: dict[str, Any]) -> "Space":
    from edgeleuk.data.field import field_of
    from edgeleuk.optimize.config import Space

    names = {
        "input_sizes": "input_size",
        "widths": "width",
        "crops": "crop",
        "resamples": "resample",
        "exits": "exit",
        "teach": "distill",
        **{name: name for name in ("prune", "pools", "quantization")},
    }
    given = {field: options.pop(name) for name, field in names.items()}
    if given["crop"] is None:
        given["crop"] = field_of(index, index.training(options["fold"])).crops_px()
    if given["width"] is None and options["weights"] != "none":
        given["width"] = (1.0,)
    return Space(**{name: values for name, values in given.items() if values is not None})


def _device(options: dict[str, Any]) -> "Device":
    from edgeleuk.bench.remote import Remote
    from edgeleuk.optimize.boards import Boards
    from edgeleuk.optimize.device import SCALES_INFERENCE, Here, There, scaled_to

    if not options["ssh"] and (options["ssh_config"] or options["remote_python"]):
        raise UsageError("--ssh-config and --remote-python need --ssh")
    if options["ssh"]:
        if options["device"] != "local":
            raise UsageError("--device and --ssh both say where to measure; give one")
        there = [There(Remote(host, options["ssh_config"], options["remote_python"]), say) for host in options["ssh"]]
        return there[0] if len(there) == 1 else Boards(there)
    if options["device"] != "local" and options["budget"] == DECISION:
        raise UsageError(SCALES_INFERENCE)
    return Here() if options["device"] == "local" else scaled_to(Path(options["device"]), options["threads"], Here())


def _typed() -> str:
    """The command line, as it can be typed again: but for a password, which is not kept."""
    from edgeleuk.optimize.database import without_password

    return shlex.join(["edgeleuk", *(without_password(word) for word in sys.argv[1:] if word != "--resume")])
