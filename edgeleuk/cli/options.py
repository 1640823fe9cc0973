"""Options made from a configuration dataclass: the same names, types and help on the command line and in TOML."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
from click.core import ParameterSource

from edgeleuk.cli.commands import Choice, OrFile
from edgeleuk.cli.paths import Existing, OutputFolder, Place
from edgeleuk.codec import read_toml
from edgeleuk.data.root import VARIABLE
from edgeleuk.errors import UsageError
from edgeleuk.keras.choices import EXITS, POOLS
from edgeleuk.spec import RESAMPLING_FILTERS
from edgeleuk.text import suggestion
from edgeleuk.training.config import CRITERIA

_TYPES: "dict[str, click.ParamType[Any]]" = {  # of fields that hold more than a number or any text
    "weights": OrFile(("imagenet", "none")),
    "resample": Choice(RESAMPLING_FILTERS),
    "pools": Choice(POOLS),
    "exit": Choice(EXITS),
    "criterion": Choice(CRITERIA),
    "teacher": click.Path(file_okay=False),
}
Command = TypeVar("Command", bound=Callable[..., Any])
Config = TypeVar("Config")


def config_options(kind: type[Any]) -> Callable[[Command], Command]:
    """Add an option for each field of `kind`, and --config for a TOML file of them. What neither says is None."""
    types = {item.name: _plain_type(item) for item in dataclasses.fields(kind)}
    place = Existing("configuration", "a TOML file", dir_okay=False)

    def read(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
        if file is not None and not context.resilient_parsing:
            context.default_map = _file_values(place.checked(file, parameter, context), types)

    def add(function: Command) -> Command:
        for item in reversed(dataclasses.fields(kind)):
            default = "" if item.default is None else f" [default: {item.default}]"
            text = item.metadata["help"] + default
            name, taken = f"--{item.name.replace('_', '-')}", _TYPES.get(item.name, types[item.name])
            function = click.option(name, item.name, type=taken, default=None, help=text)(function)
        text = "TOML file with these options as keys."
        option = click.option("--config", type=place, is_eager=True, callback=read, expose_value=False, help=text)
        return option(function)

    return add


def made(kind: type[Config], given: dict[str, Any]) -> Config:
    """The config of what was given; the defaults for the rest. Raises UsageError."""
    return kind(**{name: value for name, value in given.items() if value is not None})


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


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the result as one JSON object; progress goes to standard error.",
)


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
