"""Help that shows how: examples that parse, groups of options that exist, names that are guessed, completion."""

import shlex

import click
import pytest
from click.shell_completion import ShellComplete

from edgeleuk.cli import main
from edgeleuk.cli.commands import Command, Group
from edgeleuk.cli.program import root


def commands():
    """(words, command) of every command that is no group."""
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if isinstance(command, Group):
            yield from (([name, child], each) for child, each in command.commands.items())
        else:
            yield [name], command


COMMANDS = list(commands())
EXAMPLES = [(words, command, example) for words, command in COMMANDS for example in command.examples]


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_every_help_ends_in_examples(words, command, capsys):
    assert isinstance(command, Command)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert text.split("\nExamples:\n")[1].splitlines() == [f"  {example}" for example in command.examples]
    assert command.examples
    assert max(map(len, command.examples)) <= 78


@pytest.mark.parametrize(("words", "command", "example"), EXAMPLES, ids=[example for *_, example in EXAMPLES])
def test_every_example_can_be_typed(words, command, example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.toml").write_text("epochs = 3\n")  # the one file that is read while the words are
    program, *typed = shlex.split(example.split(" | ")[0].split(" > ")[0])
    assert [program, *typed[: len(words)]] == ["edgeleuk", *words]
    command.make_context(words[-1], typed[len(words) :])


def test_the_commands_are_shown_in_groups_along_the_way_of_the_data(run_edgeleuk):
    alone, asked = run_edgeleuk(), run_edgeleuk("--help")
    assert (alone.returncode, asked.returncode) == (2, 0)
    assert alone.stderr == asked.stdout
    found = {}
    for line in asked.stdout.split("\nOptions:\n")[1].split("\n  Exit codes")[0].splitlines():
        if line.endswith(":"):
            found[line[:-1]] = []
        elif line[:3].strip() and found:
            found[list(found)[-1]].append(line.split()[0])
    assert list(found) == ["Data", "Training", "Models", "Evaluation", "Archives", "On the device", "Demo"]
    assert found["Training"] == ["train", "qat", "prune", "optimize"]
    assert found["Models"] == ["spec", "convert", "attach", "cascade", "calibrate", "export", "inspect"]
    assert [name for names in found.values() for name in names] == root.list_commands(click.Context(root))


def test_the_list_of_commands_imports_none_of_them(run_python):
    listed = "import sys\nfrom edgeleuk.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    loaded = set(run_python(listed).stdout.splitlines()[-1].split())
    assert "edgeleuk.cli.commands" in loaded
    assert not loaded & {f"edgeleuk.cli.{name}" for name in root.list_commands(click.Context(root))}


def test_a_group_shows_the_whole_first_sentence_of_its_commands(run_edgeleuk):
    shown = " ".join(run_edgeleuk("data").stderr.split("Commands:")[1].split())
    assert "..." not in shown
    assert "audit Report what PATH holds: images by class, fold and subject, unreadable files, byte-id" in shown


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"]])
def test_the_help_says_how_a_shell_is_taught_to_complete(words, run_edgeleuk):
    said = "_EDGELEUK_COMPLETE=bash_source edgeleuk" in run_edgeleuk(*words).stdout
    assert said == (words == ["--help"])


def test_a_misspelt_example_would_be_found():
    with pytest.raises(click.UsageError):
        {words[0]: command for words, command in COMMANDS}["infer"].make_context("infer", ["m.tflite", "--jsno"])


@pytest.mark.parametrize("name", ["train", "optimize", "convert", "results"])
def test_options_of_long_commands_are_all_in_groups(name):
    command = root.get_command(click.Context(root), name)
    named = [option for options in command.groups.values() for option in options]
    existing = {option for parameter in command.params for option in parameter.opts}
    assert len(named) == len(set(named))
    assert set(named) <= existing
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert {max(option.opts, key=len) for option in options} <= set(named)


@pytest.mark.parametrize(("columns", "least"), [(80, 70), (120, 100), (300, 100)])
def test_help_uses_the_width_of_the_terminal_up_to_120(monkeypatch, capsys, columns, least):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    longest = max(map(len, capsys.readouterr().out.splitlines()))
    assert least < longest <= min(columns, 120)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["infr"], "no such command 'infr'; did you mean 'infer'?"),
        (["Compar"], "no such command 'Compar'; did you mean 'compare'?"),
        (["data", "splt"], "no such command 'splt'; did you mean 'split'?"),
        (["data", "aduit"], "no such command 'aduit'; did you mean 'audit'?"),
        (["data", "audit", "d", "--jsn"], "no such option --jsn; did you mean --json?"),
        (["data", "--hepl"], "no such option --hepl; did you mean --help?"),
        (["infer", "--modl", "m"], "no such option --modl; 'edgeleuk infer --help' says what it takes"),
        (["zzz"], "no such command 'zzz'; there are data, train,"),
        (["infer", "m", "--thread", "2"], "no such option --thread; did you mean --threads?"),
        (["infer", "m", "--label", "x"], "no such option --label; 'edgeleuk infer --help' says what it takes"),
        (["infer", "m", "--backend", "LiteRT"], "--backend: 'LiteRT' is not one of auto, litert, tflite-runtime; did"),
        (["evaluate", "m", "d", "--split", "tset"], "did you mean 'test'?"),
        (["train", "d", "-o", "r", "--resample", "Bicubic"], "did you mean 'bicubic'?"),
    ],
)
def test_the_name_that_was_probably_meant_is_said(capsys, typed, meant):
    with pytest.raises(SystemExit) as ended:
        main(typed)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert meant in said


def completed(*typed, part=""):
    """(kind, value) of what a shell would offer."""
    shell = ShellComplete(root, {}, "edgeleuk", "_EDGELEUK_COMPLETE")
    return [(item.type, item.value) for item in shell.get_completions(list(typed), part)]


@pytest.mark.parametrize(
    ("typed", "part", "expected"),
    [
        (["inf"], "inf", [("plain", "infer")]),
        (["train", "d", "--resample"], "b", [("plain", "bilinear"), ("plain", "bicubic")]),
        (["train", "d", "--pools"], "d", [("plain", "depthwise")]),
        (["train", "d", "--exit"], "mixed9", [("plain", "mixed9")]),
        (["train", "d", "--weights"], "i", [("plain", "imagenet")]),
        (["train", "d", "--weights"], "my", [("file", "my")]),
        (["train", "d", "--teacher"], "", [("dir", "")]),
        (["prune", "d", "--criterion"], "t", [("plain", "taylor")]),
        (["optimize", "d", "--exits"], "whole,mixed7", [("plain", "whole,mixed7")]),
        (["optimize", "d", "--pools"], "", [("plain", "average"), ("plain", "depthwise")]),
        (["optimize", "d", "--device"], "l", [("plain", "local")]),
        (["infer", "m"], "cells", [("file", "cells")]),
        (["benchmark", "m", "--images"], "cells", [("file", "cells")]),
        (["convert", "d", "-o"], "m", [("file", "m")]),
        (["train", "d", "-o"], "r", [("dir", "r")]),
    ],
)
def test_a_shell_completes_commands_choices_and_paths(typed, part, expected):
    *before, last = typed
    arguments = before if last == part else typed
    assert completed(*arguments, part=part) == expected
