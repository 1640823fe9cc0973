"""What is printed: nothing that a terminal would obey, colours for terminals only, JSON that stays JSON."""

import json
from pathlib import Path

import click
import pytest

import edgeleuk.cli
from edgeleuk.cli import main
from edgeleuk.cli.output import progress_to, show, show_facts, show_json, show_written


@pytest.fixture
def terminal(monkeypatch):
    """What is printed goes out as to a terminal, colours and all."""
    monkeypatch.setattr(click.utils, "should_strip_ansi", lambda stream=None, color=None: color is False)
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_names_cannot_move_the_cursor_or_hide(capsys):
    show("model\x1b[2J\x9bm \u202ereversed\nsecond line\r")
    assert capsys.readouterr().out == "model\\x1b[2J\\x9bm \\u202ereversed\nsecond line\\r\n"


def test_json_escapes_them_and_holds_the_same(capsys):
    show_json({"name": "a\x1b\x9b\u202e\U000e0001é"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"name": "a\x1b\x9b\u202e\U000e0001é"}
    assert text.replace("\n", "").isprintable()


def test_what_is_not_valid_is_red_on_a_terminal(terminal, capsys):
    show("table\nNOT VALID, do not quote these numbers:\n  reason")
    assert capsys.readouterr().out == (
        "table\n\x1b[31m\x1b[1mNOT VALID, do not quote these numbers:\x1b[0m\n  reason\n"
    )


@pytest.mark.parametrize("value", ["1", "yes"])
def test_no_colours_for_who_wants_none(terminal, capsys, monkeypatch, value):
    monkeypatch.setenv("NO_COLOR", value)
    show("NOT VALID")
    assert capsys.readouterr().out == "NOT VALID\n"


def test_a_pipe_gets_no_colours(capsys):
    show("NOT VALID")
    assert capsys.readouterr().out == "NOT VALID\n"


def test_progress_is_beside_the_answer_or_on_standard_error(capsys):
    progress_to(False)("first")
    progress_to(True)("second")
    assert capsys.readouterr() == ("first\n", "second\n")


def test_what_was_written_is_named_unless_a_pipe_or_nothing_took_it(capsys, tmp_path):
    show_written(tmp_path / "report.html")
    show_written(Path("/dev/stdout"))
    show_written(None)
    assert capsys.readouterr().out == f"wrote {tmp_path / 'report.html'}\n"


def test_facts_are_as_wide_as_the_terminal(capsys, monkeypatch):
    for columns in (60, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        show_facts("operators     " + "3 CONV_2D, " * 30)
        assert columns - 12 < max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_errors_show_names_as_what_they_are(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path / "x\x1b]0;title\x07\n.tflite")])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert r"x\x1b]0;title\x07\n.tflite: no such model" in said


def test_inspect_keeps_to_80_columns(run_edgeleuk, small_model, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = run_edgeleuk("inspect", small_model).stdout.splitlines()
    assert max(len(line) for line in lines if str(small_model) not in line) <= 80


def test_commands_print_through_one_door():
    """Else a name from a file reaches the terminal as it is."""
    folder = Path(edgeleuk.cli.__file__).parent
    direct = [
        path.name for path in folder.glob("*.py") if "click.echo(" in path.read_text() and path.name != "output.py"
    ]
    assert direct == []
