"""Options that several commands have, and the amounts that they take.

Those made from a configuration dataclass have the same names, types and help on the command line and in TOML. Amounts
are percentage points ("0.5pt"), shares ("0.5%") and seconds. A point is a difference of two shares: from 90 % to 89 %
is a loss of one point, and of 1.1 %. Both are written with their unit, for a bare 0.5 could be 0.5 points, 0.5 % or a
half.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from click.core import ParameterSource

from edgeleuk.cli.commands import Choice, OrFile
from edgeleuk.cli.device_options import json_option
from edgeleuk.cli.output import show, show_json
from edgeleuk.cli.paths import Existing, OutputFolder, Place
from edgeleuk.codec import read_json, read_toml
from edgeleuk.data.labels import LabelSource, parse_class_names
from edgeleuk.data.root import VARIABLE
from edgeleuk.errors import UsageError
from edgeleuk.keras.choices import EXITS, MIXED_PRECISION, POOLS, ROBUST
from edgeleuk.spec import COLOUR_CONSTANCIES, RESAMPLING_FILTERS
from edgeleuk.text import counted, suggestion
from edgeleuk.training.config import CRITERIA, PRESETS, SPLITS

if TYPE_CHECKING:
    from edgeleuk.training.run import Run

_LONGEST = 86_400.0
_TYPES: "dict[str, click.ParamType[Any]]" = {  # of fields that hold more than a number or any text
    "weights": OrFile(("imagenet", "none")),
    "resample": Choice(RESAMPLING_FILTERS),
    "pools": Choice(POOLS),
    "exit": Choice(EXITS),
    "criterion": Choice(CRITERIA),
    "robust": Choice(ROBUST),
    "split": Choice(SPLITS),
    "mixed_precision": Choice(MIXED_PRECISION),
    "colour_constancy": Choice(COLOUR_CONSTANCIES),
    "teacher": click.Path(file_okay=False),
}
Command = TypeVar("Command", bound=Callable[..., Any])
Config = TypeVar("Config")


def points(value: str) -> float:
    """Percentage points, above 0 and below 100, from "0.5pt".

    Raises click.BadParameter, also for a bare number and for a share, with what to write instead.
    """
    number, unit = _split(value)
    if unit == "pt" and 0 < number < 100:
        return number
    if unit in ("", "%") and 0 < number < 100:
        meant = f"{counted(number, 'point')} write {number:g}pt"
        if unit == "" and number < 1:
            meant += f", for a share of {number:g} {_shown(100 * number)}pt"
        raise click.BadParameter(f"{value!r} is not a difference in percentage points; for {meant}")
    raise click.BadParameter(f"{value!r} is not a number of percentage points above 0 and below 100, such as 0.5pt")


def share(value: str) -> float:
    """A share of 0 to 1 from a percentage, "5%".

    Raises click.BadParameter, also for a bare number and for points, with what to write instead.
    """
    number, unit = _split(value)
    if unit == "%" and 0 <= number <= 100:
        return number / 100
    if unit == "pt" and 0 <= number <= 100:
        raise click.BadParameter(f"{value!r} is a difference in percentage points; for a share write {number:g}%")
    if unit == "" and 0 <= number <= 100:
        raise click.BadParameter(f"{value!r} has no unit; {_readings(number)}")
    raise click.BadParameter(f"{value!r} is not a share of 0% to 100%, such as 5%")


def amount(value: str | float) -> float:
    """A number from 0 to 86,400: seconds of a day."""
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not 0 <= found <= _LONGEST:
        raise click.BadParameter(f"{value!r} is not a number from 0 to {_LONGEST:,.0f}")
    return found


def _split(value: str) -> tuple[float, str]:
    """The number, NaN if it is none, and the unit: "pt", "%" or ""."""
    text = str(value).strip()
    unit = next((unit for unit in ("pt", "%") if text.endswith(unit)), "")
    try:
        return float(text.removesuffix(unit)), unit
    except ValueError:
        return math.nan, unit


def _readings(number: float) -> str:
    """What a bare number could have meant, as it is to be written."""
    if number > 1 or number == 0:
        return f"write {number:g}%"
    return f"write {_shown(100 * number)}% for the share {number:g}, or {number:g}% for that percentage"


def _shown(number: float) -> str:
    return f"{round(number, 9):g}"


def config_options(kind: type[Any]) -> Callable[[Command], Command]:
    """Add an option for each field of `kind`, and --config for a TOML file of them. What neither says is None."""
    fields = [item for item in dataclasses.fields(kind) if "help" in item.metadata]
    types = {item.name: _plain_type(item) for item in fields}
    place = Existing("configuration", "a TOML file", dir_okay=False)

    def read(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
        if file is not None and not context.resilient_parsing:
            context.default_map = _file_values(place.checked(file, parameter, context), types)

    def add(function: Command) -> Command:
        for item in reversed(fields):
            default = "" if item.default is None else f" [default: {item.default}]"
            text = item.metadata["help"] + default
            name, taken = f"--{item.name.replace('_', '-')}", _TYPES.get(item.name, types[item.name])
            function = click.option(name, item.name, type=taken, default=None, help=text)(function)
        text = "TOML file with these options as keys."
        option = click.option("--config", type=place, is_eager=True, callback=read, expose_value=False, help=text)
        return option(function)

    return add


PRESET_HELP = "Settings instead of the defaults: notebook is 300 px, dropout 0.25, images not changed as cameras do."
preset_option = click.option(
    "--preset",
    type=Choice(list(PRESETS)),
    help=PRESET_HELP,
)


def made(kind: type[Config], given: dict[str, Any], preset: Mapping[str, Any] | None = None) -> Config:
    """The config of what was given; that of the preset, then the defaults for the rest. Raises UsageError."""
    told = {name: value for name, value in given.items() if value is not None}
    return kind(**{**(preset or {}), **told})


def typed(name: str) -> bool:
    """Whether this parameter of the running command stands on its command line, instead of in a file."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _plain_type(item: "dataclasses.Field[Any]") -> type[Any]:
    """int, float or str, of a field that may be None, too."""
    found: type[Any] = (get_args(item.type) or (item.type,))[0]
    return found


def _file_values(file: Path, types: dict[str, type]) -> dict[str, Any]:
    """The file's values by the names of options. Raises UsageError if click would guess what is meant."""
    values = {}
    for key, value in read_toml(file).items():
        name = key.replace("-", "_")
        if name not in types:
            raise UsageError(f"{file} has the unknown key '{key:.60}'{suggestion(name, types)}")
        expected = types[name]
        if type(value) not in ((int, float) if expected is float else (expected,)):
            raise UsageError(f"{file}: {name} is {value!r:.80}; expected {expected.__name__}")
        values[name] = value
    return values


data_root_option = click.option(
    "--data-root",
    type=Place(file_okay=False),
    metavar="DIR",
    help="Folder of the images, if they have moved since the index or run was made; the variable "
    f"{VARIABLE} sets it for all commands.",
)


LABEL_OPTIONS = (
    *("--class-level", "--labels", "--path-column", "--label-column", "--subject-column", "--split-column"),
    *("--label-pattern", "--subject-pattern", "--class-names"),
)


def label_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say labels, subjects and parts of a folder's images; they arrive as `labels`."""

    @functools.wraps(function)
    def command(labels: Path | None, class_names: str | None, class_level: int | None, **given: Any) -> None:
        names = ("path_column", "label_column", "subject_column", "split_column", "label_pattern", "subject_pattern")
        told = {name: given.pop(name) for name in names}
        source = LabelSource(
            labels, **told, class_names=parse_class_names(class_names) if class_names else {}, class_level=class_level
        )
        function(labels=source, **given)

    def column(role: str, what: str) -> Callable[[Any], Any]:
        text = f"Column of --labels with {what}. Default: guessed from its name, if that leaves no doubt."
        return click.option(f"--{role}-column", metavar="NAME", help=text)

    table = Existing("table", "a CSV or TSV file whose first line names its columns", dir_okay=False)
    for option in (
        click.option("--class-names", metavar="LABEL=NAME,...", help="Names of the classes by label: 0=hem,1=all."),
        click.option(
            "--subject-pattern",
            metavar="REGEX",
            help="Regular expression with a group (?P<subject>...), searched in the path below the folder.",
        ),
        click.option(
            "--label-pattern",
            metavar="REGEX",
            help="Regular expression with a group (?P<label>...), and if you like (?P<subject>...) and (?P<split>...), "
            "searched anywhere in the path below the folder.",
        ),
        column("split", "train, val, test or the number of a fold"),
        column("subject", "the subject"),
        column("label", "the label"),
        column("path", "the image's path or name"),
        click.option("--labels", type=table, metavar="TABLE", help="CSV or TSV file that holds the images' labels."),
        class_level_option,
    ):
        command = option(command)
    return command


class_level_option = click.option(
    "--class-level",
    type=click.IntRange(1),
    metavar="N",
    help="Level of folders that names the classes, 1 for those directly below the given one. Default: found.",
)


RAY_OPTIONS = ("--ray", "--cores-per-job")


def ray_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add --ray and what belongs to it; they arrive as `asked`, an `Asked`, None without --ray."""

    @functools.wraps(function)
    def command(ray: str | None, cores_per_job: int | None, **given: Any) -> None:
        if ray is None and cores_per_job is not None:
            raise UsageError("--cores-per-job is of jobs on a cluster; give --ray, too")
        from edgeleuk.jobs.on_ray import Asked

        function(asked=None if ray is None else Asked(ray, cores_per_job), **given)

    for option in (
        click.option(
            "--cores-per-job", type=int, metavar="N", help="Cores of each job. [default: a machine's, shared equally]"
        ),
        click.option(
            "--ray",
            metavar="ADDRESS",
            help="Work on a Ray cluster: local starts one on this machine, auto or HOST:PORT joins one.",
        ),
    ):
        command = option(command)
    return command


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """The options of every command that makes a run."""

    output: Path
    resume: bool
    tensorboard: bool
    as_json: bool
    data_root: Path | None

    @property
    def log_folder(self) -> Path | None:
        """Where TensorBoard logs go."""
        return self.output.with_name(self.output.name + ".logs") if self.tensorboard else None


def run_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every command that makes a run; they arrive as `run`, a `RunOptions`."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        told = {item.name: given.pop(item.name) for item in dataclasses.fields(RunOptions)}
        function(run=RunOptions(**told), **given)

    for option in (
        data_root_option,
        json_option,
        click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs to RUN.logs."),
        click.option("--resume", is_flag=True, help="Resume an interrupted run from its last complete epoch."),
        click.option("-o", "--output", required=True, type=OutputFolder(), metavar="RUN", help="Run folder."),
    ):
        command = option(command)
    return command


def show_run(run: "Run", without_epoch: str, as_json: bool) -> None:
    """Print where the run lies and its score on the validation images. `without_epoch`: what epoch 0 means."""
    if as_json:
        show_json(_run_record(run))
        return
    best = f"best epoch {run.best_epoch}" if run.best_epoch else f"no epoch was better than the {without_epoch}"
    show(f"{run.folder}: {best}, validation weighted F1 {run.best_weighted_f1:.4f}")


def _run_record(run: "Run") -> dict[str, Any]:
    """JSON-able: the run's folder and hash, and the measures of the epoch that it holds, as in metrics.json."""
    return {
        "schema_version": 1,
        "run": str(run.folder),
        "kind": run.kind,
        "sha256": run.sha256,
        "fold": run.fold,
        "classes": list(run.spec.classes),
        "best_epoch": run.best_epoch,
        "validation_weighted_f1": None if math.isnan(run.best_weighted_f1) else run.best_weighted_f1,
        "best": run.best,
        "shortcuts": _shortcuts(run.folder / "shortcuts.json"),
    } | ({} if run.index.leaks is None else {"leaks": run.index.leaks})


def _shortcuts(path: Path) -> Any:
    """What `train` left in the run about colour and the like; None of other runs."""
    return read_json(path) if path.exists() else None
