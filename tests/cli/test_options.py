"""Settings that the command line, a TOML file and defaults give."""

from pathlib import Path
from typing import Any

import click
import pytest

from edgeleuk.cli.commands import edgeleuk_command
from edgeleuk.cli.options import config_options, made, typed
from edgeleuk.errors import UsageError
from edgeleuk.training.config import Distilling, PruneConfig, QatConfig, TrainConfig


def settings(kind: type[Any], *arguments: object) -> Any:
    """What a command with options of that kind would work with."""

    @edgeleuk_command(examples=("edgeleuk train index.json -o run",))
    @config_options(kind)
    def command(**given: Any) -> Any:
        return made(kind, given)

    return command.main([str(argument) for argument in arguments], standalone_mode=False)


@pytest.fixture
def write_file(tmp_path: Path) -> Any:
    """Write a TOML file and return the words that name it."""

    def write(text: str) -> tuple[str, Path]:
        (tmp_path / "train.toml").write_text(text)
        return "--config", tmp_path / "train.toml"

    return write


def test_options_win_over_the_file_and_the_file_over_defaults(write_file: Any) -> None:
    file = write_file('weights = "none"\nepochs = 3\nlearning-rate = 1\nhead_epochs = 0\n')
    for arguments in ((*file, "--epochs", 5), ("--epochs", 5, *file)):
        config = settings(TrainConfig, *arguments)
        assert (config.weights, config.epochs, config.learning_rate, config.width) == ("none", 5, 1.0, 1.0)
        assert (config.head_epochs, type(config.learning_rate)) == (0, float)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("epoch = 3", "unknown key 'epoch'; did you mean 'epochs'"),
        ("[train]\nepochs = 3", "unknown key 'train'"),
        ("config = 'other.toml'", "unknown key 'config'"),  # options of the command that are no settings
        ("output = 'run'", "unknown key 'output'"),
    ],
)
def test_unknown_key_is_refused_with_the_nearest_known_one(write_file: Any, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        settings(TrainConfig, *write_file(text))


@pytest.mark.parametrize(
    "text",
    [
        "epochs = 'many'",
        "epochs = '3'",
        "epochs = true",
        "epochs = 1.5",
        "epochs = [3]",
        "epochs =",
        "seed = -1",
        "weights = 3",
        "width = true",
        "resample = 1979-05-27",
    ],
)
def test_wrong_values_in_the_file_are_refused(write_file: Any, text: str) -> None:
    with pytest.raises(UsageError, match=f"{text.partition(' ')[0]}|is not TOML"):
        settings(TrainConfig, *write_file(text))


def test_a_choice_in_the_file_is_one_of_the_options(write_file: Any) -> None:
    with pytest.raises(click.BadParameter, match=r"'cubic' is not one of .*; did you mean 'bicubic'"):
        settings(TrainConfig, *write_file("resample = 'cubic'"))


def test_a_teacher_and_how_it_counts_may_be_told_in_the_file(write_file: Any) -> None:
    file = write_file('teacher = "float-run"\ndistillation-temperature = 2\n')
    config = settings(TrainConfig, *file, "--distillation-weight", "0.5")
    assert (config.teacher, config.distilling) == ("float-run", Distilling(2.0, 0.5))


def test_one_budget_is_needed_wherever_it_is_told(write_file: Any) -> None:
    file = write_file('macs = "70%"\n')
    assert settings(PruneConfig, *file).macs == "70%"
    with pytest.raises(UsageError, match="give one budget"):
        settings(PruneConfig, *file, "--budget-ms", "5")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.toml: no such configuration; expected a TOML file"):
        settings(QatConfig, "--config", tmp_path / "none.toml")


def test_what_a_file_says_does_not_stand_on_the_command_line(write_file: Any) -> None:
    @edgeleuk_command(examples=("edgeleuk train index.json -o run",))
    @config_options(TrainConfig)
    def command(**given: Any) -> Any:
        return given["fold"], typed("fold"), typed("folds")

    file = [str(word) for word in write_file("fold = 1\n")]
    assert command.main(file, standalone_mode=False) == (1, False, False)
    assert command.main([*file, "--fold", "2"], standalone_mode=False) == (2, True, False)
