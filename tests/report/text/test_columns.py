"""Text for a terminal stays within its width and loses nothing."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.report.page.summary import Table
from edgeleuk.report.text.columns import WIDTH, command_lines, named_lines, table_lines


def test_a_narrow_table_is_one_block_with_numbers_at_the_right():
    table = Table("Numbers", ("trial", "ms"), (("1", "2.5"), ("10 chosen", "12.25")))
    assert list(table_lines(table)) == [
        "Numbers",
        "trial         ms",
        "1            2.5",
        "10 chosen  12.25",
    ]


def test_columns_without_room_stand_below_under_the_first_one():
    heads = ("trial", *(f"dimension {n}" for n in range(20)))
    table = Table("Wide", heads, (("7", *(f"value {n}" for n in range(20))),))
    lines = list(table_lines(table))
    assert max(map(len, lines)) <= WIDTH
    assert [line.split()[0] for line in lines if line][1:] == ["trial", "7"] * 3
    assert all(f"value {n}" in "\n".join(lines) for n in range(20))


@given(
    st.integers(1, 12).flatmap(lambda n: st.lists(st.lists(st.text(max_size=90), min_size=n, max_size=n), min_size=1))
)
def test_no_table_is_wider_than_the_terminal(cells):
    head, *rows = [tuple(row) for row in cells]
    lines = list(table_lines(Table("", head, tuple(rows))))
    assert all(len(line) <= WIDTH and "\n" not in line and "\x1b" not in line for line in lines)


def test_a_named_line_goes_on_below_itself():
    lines = list(named_lines([("note", "word " * 40), ("empty", "")]))
    assert lines[0].startswith("note      word word")
    assert lines[1].startswith("          word")
    assert lines[-1] == "empty"
    assert max(map(len, lines)) <= WIDTH


def test_control_characters_do_not_reach_the_terminal():
    assert list(named_lines([("note", "a\x1b[31mb\nc\rd")])) == ["note      a [31mb c d"]


def test_a_short_command_is_one_line():
    assert list(command_lines("edgeleuk optimize 'a b' -o x")) == ["  edgeleuk optimize 'a b' -o x"]


LONG = "printf '%s|' " + " ".join(f"'option {n}' --value\\ {n} \"{n}  x\"" for n in range(12))


def test_a_long_command_is_continued_and_does_the_same():
    lines = list(command_lines(LONG))
    assert len(lines) > 2
    assert max(map(len, lines)) <= WIDTH
    run = [
        subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout for text in (LONG, "\n".join(lines))
    ]
    assert run[0] == run[1]
    assert run[0].count(b"|") == 36


@pytest.mark.parametrize(
    "command", ["unclosed ' " + "x " * 80, "two  spaces " * 20, "# " + "remark " * 30, "a # " * 50]
)
def test_a_command_whose_words_cannot_be_told_stays_as_it_is(command):
    assert list(command_lines(command)) == [f"  {command}"]


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=20))
def test_a_continued_command_is_the_same_once_joined(words):
    command = shlex.join(words)
    assert "\n".join(command_lines(command)).replace(" \\\n    ", " ") == f"  {command}"
