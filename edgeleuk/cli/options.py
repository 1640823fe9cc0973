"""Options made from a configuration dataclass: the same names, types and help on the command line and in TOML."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgeleuk.cli.commands import Choice, OrFile
from edgeleuk.cli.paths import Existing, OutputFolder, Place
from edgeleuk.data.root import VARIABLE
from edgeleuk.keras.choices import EXITS, POOLS
from edgeleuk.spec import RESAMPLING_FILTERS
from edgeleuk.training.config import CRITERIA, option_type

_TYPES: "dict[str, click.ParamType[Any]]" = {  # of fields that hold more than a number or any text
    "weights": OrFile(("imagenet", "none")),
    "resample": Choice(RESAMPLING_FILTERS),
    "pools": Choice(POOLS),
    "exit": Choice(EXITS),
    "criterion": Choice(CRITERIA),
    "teacher": click.Path(file_okay=False),
}
Command = TypeVar("Command", bound=Callable[..., Any])


def config_options(kind: type[Any]) -> Callable[[Command], Command]:
    """Add an option for each field of `kind`. What is not given arrives as None, so that a file may say it."""

    def add(function: Command) -> Command:
        for item in reversed(dataclasses.fields(kind)):
            default = "" if item.default is None else f" [default: {item.default}]"
            text = item.metadata["help"] + default
            name, taken = f"--{item.name.replace('_', '-')}", _TYPES.get(item.name, option_type(item))
            function = click.option(name, item.name, type=taken, default=None, help=text)(function)
        return function

    return add


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


def run_options(function: Command) -> Command:
    """Add the options that every command has which makes a run."""
    for option in (
        data_root_option,
        json_option,
        click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs to RUN.logs."),
        click.option("--resume", is_flag=True, help="Resume an interrupted run from its last complete epoch."),
        click.option(
            "--config",
            type=Existing("configuration", "a TOML file", dir_okay=False),
            help="TOML file with these options as keys.",
        ),
        click.option("-o", "--output", required=True, type=OutputFolder(), metavar="RUN", help="Run folder."),
    ):
        function = option(function)
    return function


def log_folder(output: Path, wanted: bool) -> Path | None:
    """Where TensorBoard logs go."""
    return output.with_name(output.name + ".logs") if wanted else None
