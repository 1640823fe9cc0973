"""Text that people read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.text import (
    counted,
    examples,
    minute,
    nearest,
    printable,
    printable_json,
    printable_lines,
    table,
    tally,
    wrapped,
)


@given(st.text(st.characters()))
def test_any_text_becomes_one_printable_line(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")


def test_what_is_printable_stays_as_it_is():
    assert printable("/data/Zelle 1 \N{MICROSCOPE}.png") == "/data/Zelle 1 \N{MICROSCOPE}.png"


def test_escapes_of_a_terminal_and_turned_writing_are_shown_as_what_they_are():
    assert printable("a\x1b[2J\x9b31m\u202eb\nc\udcff") == r"a\x1b[2J\x9b31m\u202eb\nc\udcff"
    assert printable_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"


@given(st.recursive(st.text(st.characters()) | st.integers(), st.lists))
def test_printable_json_is_the_same_value(value):
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    ("word", "meant"),
    [("All", "all"), (" HEM ", "hem"), ("infr", "infer"), ("Infr", "infer"), ("zebra", None), ("", None)],
)
def test_the_nearest_name_is_the_one_meant(word, meant):
    assert nearest(word, ["all", "hem", "infer"]) == meant


def test_of_names_that_differ_by_case_the_first_is_given():
    assert nearest("ALL", ["All", "all"]) == "All"


def test_long_lines_go_on_below_their_text_and_paths_stay_whole():
    text = "name          " + "word " * 12 + "\nfile          /" + "x" * 60 + "\nshort"
    lines = wrapped(text, 50, 14).split("\n")
    assert [line[:14].strip() for line in lines] == ["name", "", "file", "", "short"]
    assert lines[3] == " " * 14 + "/" + "x" * 60
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    assert max(map(len, [*lines[:3], lines[4]])) <= 50


def test_a_table_is_as_wide_as_its_widest_cells_and_printable():
    rows = [("name", "images", "last"), ("a\nb", 1_000, "x"), ("", "20", None)]
    assert table(rows, "<><") == ["name  images  last", r"a\nb    1000  x", "          20  None"]
    assert table([("a", 1), ("bb", 22)]) == ["a    1", "bb  22"]


@pytest.mark.parametrize(
    ("number", "noun", "expected"),
    [(1, "image", "1 image"), (2000, "image", "2,000 images"), (0, "class", "0 classes"), (1.0, "point", "1 point")]
    + [(0.5, "point", "0.5 points")],
)
def test_things_are_counted_in_words(number, noun, expected):
    assert counted(number, noun) == expected


def test_of_many_names_the_first_are_told_and_how_many_more_there_are():
    assert examples([1, 2]) == "1, 2"
    assert examples(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert examples(["a"] * 2000, 1, "; ") == "a; and 1,999 more"
    assert tally({"ADD": 2, "SOFTMAX": 1}) == "2 ADD, 1 SOFTMAX"
    assert tally({}) == "none"
    assert minute("2026-01-31T12:00:59+00:00") == "2026-01-31 12:00"
