"""The command line as a whole: help, exit codes, extras that are missing."""

import importlib.util

import click
import pytest

from edgeleuk import __version__
from edgeleuk.cli import main
from edgeleuk.cli.program import root


def commands():
    """(name, command) of every command and subcommand whose module exists."""
    context = click.Context(root)
    for name in root.list_commands(context):
        if importlib.util.find_spec(f"edgeleuk.cli.{name}") is not None:
            yield from _walk(name, root.get_command(context, name))


def _walk(name, command):
    yield name, command
    for child, subcommand in getattr(command, "commands", {}).items():
        yield from _walk(f"{name} {child}", subcommand)


def test_every_command_and_option_has_help():
    found = dict(commands())
    assert {"infer", "inspect", "evaluate", "data"} <= set(found)
    for name, command in found.items():
        assert command.help, name
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"


def test_help_lists_the_commands_and_says_what_it_is_not(run_edgeleuk):
    done = run_edgeleuk("--help")
    assert done.returncode == 0
    assert "infer" in done.stdout
    assert "not a medical device" in " ".join(done.stdout.split())


def test_the_version_is_printed(run_edgeleuk):
    assert run_edgeleuk("--version").stdout == f"edgeleuk, version {__version__}\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["infer"], ["infer", "--no-such-option"]])
def test_what_cannot_be_understood_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_an_error_is_one_sentence_and_names_what_was_expected(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(tmp_path / "absent.tflite")])
    assert ended.value.code == 2
    expected = "expected a .tflite file, which 'edgeleuk convert' makes"
    assert capsys.readouterr().err == f"error: {tmp_path}/absent.tflite: no such model; {expected}\n"


def test_success_is_exit_code_0(capsys, small_model):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(small_model)])
    assert ended.value.code == 0


def test_a_missing_extra_is_one_sentence_with_the_pip_command(run_edgeleuk, small_model, write_image, tmp_path):
    for name in ("all/1.bmp", "hem/2.bmp"):
        write_image(f"images/{name}")
    done = run_edgeleuk("evaluate", small_model, tmp_path / "images", blocked=("scipy",))
    assert done.returncode == 1
    assert done.stderr == "error: evaluate needs the 'report' extra: pip install 'edgeleuk[report]'\n"
