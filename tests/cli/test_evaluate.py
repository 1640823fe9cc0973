"""`edgeleuk evaluate`: options that are refused before any work is done."""

import click
import pytest
from click.testing import CliRunner

from edgeleuk.cli.evaluate import command
from edgeleuk.errors import ModelError, OutputError, UsageError


def run(*arguments):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_skipping_and_allowing_trained_images_exclude_each_other():
    with pytest.raises(UsageError, match="exclude each other"):
        run("model.tflite", "index.json", "--skip-trained", "--allow-trained")


def test_a_taken_output_folder_is_refused_before_the_evaluation(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="already exists"):
        run("model.tflite", "index.json", "-o", tmp_path)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.tflite: no such model"):
        run(tmp_path / "absent.tflite", tmp_path)


def test_every_option_has_help():
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)
    assert run("--help").exit_code == 0
